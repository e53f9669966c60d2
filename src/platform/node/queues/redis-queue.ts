// Shards as jobs of BullMQ in Redis or Valkey: https://docs.bullmq.io, taken and renewed by hand. A job whose lock was not renewed within its lease is
// "stalled", and put back by the check that every worker runs.
import { randomUUID } from "node:crypto";
import type { Job, Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { Lease, QueueOptions, ShardQueue } from "../../../jobs/queue.ts";
import { inTime, optionalPackage } from "./optional-package.ts";

const KIND = "Redis";
/** Looked up when they are needed and not when a program is bundled, because they may not be there. */
const PACKAGES = { bull: "bullmq", redis: "ioredis" } as const;
const ANSWER_MS = 20_000;
const ADDED = 1000;
/** Giving up is decided by what happened to a shard, not by how often it was tried. */
const STALLS = 1_000_000;

interface ShardJob {
  readonly shard: number;
}

export async function openRedisQueue(address: string, options: QueueOptions): Promise<ShardQueue> {
  const install = "bullmq@6 ioredis@5";
  const loadBull = () => import(PACKAGES.bull) as Promise<typeof import("bullmq")>;
  const loadRedis = () => import(PACKAGES.redis) as Promise<typeof import("ioredis")>;
  const bull = await optionalPackage(loadBull, `a queue in ${KIND}`, install);
  const { Redis: Client } = await optionalPackage(loadRedis, `a queue in ${KIND}`, install);
  // BullMQ's workers want commands to wait for a connection that is being made again; how long is asked is decided here.
  const connection = new Client(address.replace(/^valkey/, "redis"), {
    maxRetriesPerRequest: null,
    retryStrategy: (tries) => Math.min(200 * tries, 2000),
  });
  connection.on("error", () => undefined); // what is asked next says so
  const name = `saccade-plan-${options.plan.slice(0, 24)}`;
  const queue = new bull.Queue<ShardJob>(name, { connection });
  const worker = new bull.Worker<ShardJob>(name, null, {
    connection,
    autorun: false,
    lockDuration: options.leaseMs,
    stalledInterval: Math.max(500, options.leaseMs / 2),
    maxStalledCount: STALLS,
  });
  queue.on("error", () => undefined);
  worker.on("error", () => undefined);
  const opened = new RedisQueue(connection, queue, worker, options);
  try {
    await inTime(KIND, Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]), ANSWER_MS);
    await inTime(KIND, worker.startStalledCheckTimer(), ANSWER_MS);
    return opened;
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

class RedisQueue implements ShardQueue {
  readonly kind = KIND;
  readonly #connection: Redis;
  readonly #queue: Queue<ShardJob>;
  readonly #worker: Worker<ShardJob>;
  readonly #options: QueueOptions;

  constructor(connection: Redis, queue: Queue<ShardJob>, worker: Worker<ShardJob>, options: QueueOptions) {
    this.#connection = connection;
    this.#queue = queue;
    this.#worker = worker;
    this.#options = options;
  }

  async fill(shards: readonly number[]): Promise<void> {
    for (let at = 0; at < shards.length; at += ADDED) {
      const jobs = shards.slice(at, at + ADDED).map((shard) => ({
        name: "shard",
        data: { shard },
        // The same for every worker: a shard is in it once, and again when it is done and gone.
        opts: { jobId: `shard-${shard}`, removeOnComplete: true, removeOnFail: true },
      }));
      await inTime(KIND, this.#queue.addBulk(jobs), ANSWER_MS);
    }
  }

  async take(): Promise<Lease | undefined> {
    const token = randomUUID();
    const job = await inTime(KIND, this.#worker.getNextJob(token, { block: false }), ANSWER_MS);
    return job === undefined ? undefined : new RedisLease(this.#queue, job, token, this.#options.leaseMs);
  }

  async outstanding(): Promise<number> {
    const counts = await inTime(KIND, this.#queue.getJobCounts("wait", "active", "delayed", "prioritized"), ANSWER_MS);
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Each would wait for an answer of a server that may be away.
    const closing = Promise.all([this.#worker.close(true), this.#queue.close()]);
    await inTime(KIND, closing, 3000).catch(() => undefined);
    this.#connection.disconnect();
  }
}

class RedisLease implements Lease {
  readonly shard: number;
  readonly #queue: Queue<ShardJob>;
  readonly #job: Job<ShardJob>;
  readonly #token: string;
  readonly #leaseMs: number;

  constructor(queue: Queue<ShardJob>, job: Job<ShardJob>, token: string, leaseMs: number) {
    this.#queue = queue;
    this.#job = job;
    this.#token = token;
    this.#leaseMs = leaseMs;
    this.shard = job.data.shard;
  }

  async renew(): Promise<boolean> {
    try {
      return (await inTime(KIND, this.#job.extendLock(this.#token, this.#leaseMs), ANSWER_MS)) === 1;
    } catch (error) {
      if (isLost(error)) return false;
      throw error;
    }
  }

  async complete(): Promise<void> {
    try {
      await inTime(KIND, this.#job.moveToCompleted("done", this.#token, false), ANSWER_MS);
    } catch (error) {
      // Whoever has it now sees that it is done.
      if (!isLost(error)) throw error;
      await this.#queue.remove(`shard-${this.shard}`).catch(() => undefined);
    }
  }

  async release(): Promise<void> {
    await inTime(KIND, this.#job.moveToWait(this.#token), ANSWER_MS);
  }
}

/** Whether BullMQ says that the job is another's, or gone. */
const isLost = (error: unknown): boolean =>
  error instanceof Error && /Missing (lock|key)|Lock mismatch|not in the active state/i.test(error.message);
