// Working on a plan: a worker with its queue and its process.

import { UsageError } from "../../errors.ts";
import { readPlan, requireVersion, shardCount } from "../../jobs/plan.ts";
import type { Heartbeat } from "../../jobs/progress.ts";
import { ownShards, type ShardQueue } from "../../jobs/queue.ts";
import { type WorkResult, work } from "../../jobs/worker.ts";
import type { ComputeOptions, JobsHost } from "../../platform/host.ts";
import { version } from "../../version.ts";

export interface WorkPlanOptions extends Partial<ComputeOptions> {
  /** undefined: leases in the plan's folder. Else postgres://… or redis://… */
  readonly queue?: string;
  /** Of `count` tasks that a scheduler started, this one: every `count`-th shard from `index` on is its own, and nobody is asked. */
  readonly index?: number;
  /** Default: as many as there are shards, so that a task has one. */
  readonly count?: number;
  /** After so long without a sign of life others take over. Default 60,000. */
  readonly leaseMs?: number;
  /** Told to stop, a shard that will be done within so long is finished. Default 20,000. */
  readonly graceMs?: number;
  /** How long a full disk, or a store or a queue that does not answer, is waited for. Default 600,000. */
  readonly patienceMs?: number;
  /** A process that computes and says nothing for so long is ended. Default 600,000. */
  readonly silenceMs?: number;
  /** Waits while others have what is left, to take over from those that fall silent. Default true. */
  readonly waits?: boolean;
  /** Stops, with nothing half done. */
  readonly signal?: AbortSignal;
  readonly onNotice?: (line: string) => void;
  readonly onHeartbeat?: (heartbeat: Heartbeat) => void;
}

const DEFAULT_LEASE_MS = 60_000;
/** Queues keep no lease for a day or longer, and a worker that is gone is to be noticed before. */
const MOST_LEASE_MS = 12 * 3_600_000;
/** Timers that are set to longer go off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Works on a plan until nothing is left, or the signal fires.
 *
 * @throws UsageError, NotFoundError; SaccadeError "plan_version", "plan_model", and of a queue or a disk that stays at fault
 */
export async function workPlan(host: JobsHost, folder: string, options: WorkPlanOptions = {}): Promise<WorkResult> {
  requireSensible(options);
  const opened = await readPlan(host, folder);
  requireVersion(opened, version);
  const shards = shardCount(opened.plan);
  const { host: name, pid } = host.self;
  const id = `${name.replace(/[^\w.-]/g, "-").slice(0, 60)}-${pid}-${host.newId().slice(0, 8)}`;
  const { leaseMs = DEFAULT_LEASE_MS, onNotice = () => undefined } = options;
  await using queue = await openQueue(host, { folder, plan: opened.plan.hash, shards, worker: id, leaseMs }, options);
  await using runner = host.openShardRunner(folder, {
    device: options.device ?? "auto",
    onNotice,
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.sessions === undefined ? {} : { sessions: options.sessions }),
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.silenceMs === undefined ? {} : { silenceMs: Math.min(options.silenceMs, LONGEST_TIMER_MS) }),
  });
  // Awaited here: queue and process are closed when this returns.
  return await work(opened, {
    queue,
    runner,
    worker: { id, host: name, pid },
    leaseMs,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    // A task of a scheduler has its own shards, and is done when they are.
    waits: options.index === undefined && options.waits !== false,
    date: () => host.date(),
    newId: () => host.newId(),
    onNotice,
    ...(options.graceMs === undefined ? {} : { graceMs: Math.min(options.graceMs, LONGEST_TIMER_MS) }),
    ...(options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs }),
    ...(options.onHeartbeat === undefined ? {} : { onHeartbeat: options.onHeartbeat }),
  });
}

/** @throws UsageError for numbers of which nothing would come, or no end */
function requireSensible({ index, count, leaseMs, graceMs, patienceMs, silenceMs }: WorkPlanOptions): void {
  const least = (name: string, value: number | undefined, minimum: number, what: string) => {
    if (value !== undefined && !(value >= minimum)) throw new UsageError(`${name} is ${what}, got ${value}`);
  };
  for (const [name, value] of Object.entries({ index, count }))
    if (value !== undefined && !Number.isInteger(value))
      throw new UsageError(`${name} is a whole number, got ${value}`);
  if (count !== undefined && index === undefined)
    throw new UsageError("a count of tasks says nothing without the index of this one", "--index N --count M");
  least("index", index, 0, "counted from 0");
  least("count", count, 1, "at least 1");
  least("the lease", leaseMs, 1, "at least a millisecond");
  if (leaseMs !== undefined && leaseMs > MOST_LEASE_MS)
    throw new UsageError(`the lease is at most ${MOST_LEASE_MS / 3_600_000} hours, got ${leaseMs / 3_600_000}`);
  least("the grace", graceMs, 0, "at least 0");
  least("the patience", patienceMs, 0, "at least 0");
  least("the silence", silenceMs, 1, "at least a millisecond");
}

async function openQueue(
  host: JobsHost,
  facts: Parameters<JobsHost["openShardQueue"]>[1],
  { queue, index, count = facts.shards }: WorkPlanOptions,
): Promise<ShardQueue> {
  if (index === undefined) return host.openShardQueue(queue, facts);
  if (queue !== undefined) throw new UsageError("with an index, nobody is asked for shards", "leave the queue out");
  if (index >= count) throw new UsageError(`there is no task ${index} of ${count}`, "they are counted from 0");
  const own = Array.from({ length: facts.shards }, (_, shard) => shard).filter((shard) => shard % count === index);
  return ownShards(own);
}
