// A worker: takes shards from a queue until there are none left, says that it lives, keeps what it took while the engine computes, and stops when it is
// told to, with nothing half done. What computes is a process of its own, so that a picture that ends it does not end the worker.
import { SaccadeError } from "../errors.ts";
import { readMarker } from "./part.ts";
import type { PlanFolder } from "./plan.ts";
import { type Heartbeat, readProgress, writeHeartbeat } from "./progress.ts";
import type { Lease, ShardQueue } from "./queue.ts";
import { type AttemptContext, attemptShard, type Running, type ShardEnd, type ShardRunner } from "./shard-attempts.ts";
import { stragglers } from "./stragglers.ts";

export interface WorkOptions {
  readonly queue: ShardQueue;
  readonly runner: ShardRunner;
  readonly worker: Pick<Heartbeat, "id" | "host" | "pid">;
  readonly leaseMs: number;
  /** Stops. */
  readonly signal?: AbortSignal;
  /** When told to stop: a shard that will be done within so long is finished. Default 20,000. */
  readonly graceMs?: number;
  /** How long the surroundings (a full disk, a store or a queue that does not answer) may be at fault before the worker ends. Default 600,000. */
  readonly patienceMs?: number;
  /** Waits for shards that others have, to take over from those that fall silent, until all are done. Default true. */
  readonly waits?: boolean;
  readonly date: () => string;
  readonly newId: () => string;
  readonly onNotice?: (line: string) => void;
  readonly onHeartbeat?: (heartbeat: Heartbeat) => void;
}

export interface WorkResult {
  readonly rows: number;
  readonly failed: number;
  readonly shards: number;
  readonly givenUp: number;
}

const DEFAULT_GRACE_MS = 20_000;
const DEFAULT_PATIENCE_MS = 600_000;
const HEARTBEAT_MS = 5000;

/**
 * Works until nothing is left, or the signal fires.
 *
 * @throws SaccadeError of surroundings that stay at fault for longer than there is patience
 */
export async function work(opened: PlanFolder, options: WorkOptions): Promise<WorkResult> {
  const worker = new Worker(opened, options);
  return worker.run();
}

class Worker {
  readonly #opened: PlanFolder;
  readonly #options: WorkOptions;
  readonly #started = performance.now();
  #rows = 0;
  #failed = 0;
  #shards = 0;
  #givenUp = 0;
  /** What is under way. */
  #running: Running | undefined;
  #shard: { readonly number: number; readonly since: number; readonly isSecond: boolean } | undefined;
  #shardRows = 0;
  #state = "waiting";
  /** Since when the surroundings are at fault: the queue, the plan's folder, or what work needs (the disk, a store). */
  readonly #troubleSince = new Map<"queue" | "plan" | "work", number>();
  #wake: (() => void) | undefined;

  constructor(opened: PlanFolder, options: WorkOptions) {
    this.#opened = opened;
    this.#options = options;
  }

  async run(): Promise<WorkResult> {
    const { signal } = this.#options;
    const onAbort = () => {
      this.#stopSoon();
      this.#wake?.();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const beating = this.#every(Math.min(HEARTBEAT_MS, this.#options.leaseMs / 3), () => this.#beat());
    try {
      await this.#fillMissing();
      while (!this.#isStopping && (await this.#step()));
    } finally {
      signal?.removeEventListener("abort", onAbort);
      beating.stop();
      this.#state = "stopped";
      await this.#beat();
    }
    return { rows: this.#rows, failed: this.#failed, shards: this.#shards, givenUp: this.#givenUp };
  }

  /** One shard, or a wait for one. false: nothing is left for this worker. */
  async #step(): Promise<boolean> {
    const lease = await this.#asking("queue", () => this.#options.queue.take());
    if (lease !== undefined) {
      await this.#workOn(lease);
      return true;
    }
    const left = await this.#asking("plan", () => this.#left());
    if (left === undefined || left.length === 0 || this.#options.waits === false) return false;
    const outstanding = await this.#asking("queue", () => this.#options.queue.outstanding());
    if (outstanding === 0) await this.#fillMissing();
    else await this.#helpOut();
    await this.#sleep(Math.min(2000, this.#options.leaseMs / 4));
    return true;
  }

  async #fillMissing(): Promise<void> {
    const left = await this.#asking("plan", () => this.#left());
    if (left !== undefined && left.length > 0) await this.#asking("queue", () => this.#options.queue.fill(left));
  }

  /** Shards that are to be done, as the plan's folder says. */
  async #left(): Promise<readonly number[]> {
    return (await readProgress(this.#opened)).left;
  }

  async #workOn(lease: Lease): Promise<void> {
    const renewing = this.#every(this.#options.leaseMs / 3, async () => {
      // A queue that does not answer can give the shard to nobody else either.
      const isMine = await lease.renew().catch(() => true);
      if (!isMine) this.#running?.stop();
    });
    let end: ShardEnd | undefined;
    try {
      end = await this.#attempt(lease.shard, false);
    } finally {
      renewing.stop();
      // A worker that is refused, or ends otherwise, lets others have the shard now and not when its time is over.
      if (end === undefined) await lease.release().catch(() => undefined);
    }
    if (end.kind === "done" || end.kind === "given-up") await this.#asking("queue", () => lease.complete());
    else await lease.release().catch(() => undefined); // else it is free when its time is over
    if (end.kind === "passing") await this.#trouble("work", new SaccadeError("surroundings", end.message));
  }

  async #attempt(shard: number, isSecond: boolean): Promise<ShardEnd> {
    this.#shard = { number: shard, since: performance.now(), isSecond };
    this.#shardRows = 0;
    this.#state = "working";
    const done = this.#every(Math.min(HEARTBEAT_MS, this.#options.leaseMs / 3), async () => {
      // Somebody else was faster.
      if ((await readMarker(this.#opened.files, this.#opened.folder, shard)) !== undefined) this.#running?.stop();
    });
    try {
      const end = await attemptShard(this.#context(), shard);
      if (end.kind === "done") {
        this.#shards++;
        this.#rows += end.rows;
        this.#failed += end.failed;
        this.#troubleSince.delete("work");
      }
      if (end.kind === "given-up") this.#givenUp++;
      return end;
    } catch (error) {
      // The plan's own folder cannot be written: the disk is full, or away, or a store does not answer.
      if (error instanceof SaccadeError && (error.code.startsWith("file") || error.code === "network"))
        return { kind: "passing", message: error.message };
      throw error;
    } finally {
      done.stop();
      this.#shard = undefined;
      this.#state = "waiting";
    }
  }

  /** Who has nothing to do begins what somebody else has had for long: whoever is done first was it. */
  async #helpOut(): Promise<void> {
    const late = await stragglers(this.#opened, this.#options.worker.id, this.#options.leaseMs);
    const [shard] = late;
    if (shard === undefined || this.#isStopping) return;
    this.#options.onNotice?.(`shard ${shard} takes others long: it is begun here too`);
    await this.#attempt(shard, true);
  }

  #context(): AttemptContext {
    const { runner, worker, date, newId, onNotice } = this.#options;
    return {
      opened: this.#opened,
      worker: worker.id,
      date,
      newId,
      runner,
      onProgress: (rows) => {
        this.#shardRows = rows;
      },
      onRunning: (running) => {
        this.#running = running;
        if (running !== undefined && this.#isStopping) running.stop();
      },
      onNotice: onNotice ?? (() => undefined),
      isStopping: () => this.#isStopping,
    };
  }

  get #isStopping(): boolean {
    return this.#options.signal?.aborted === true;
  }

  /** A shard that is nearly done is finished; another is given back. */
  #stopSoon(): void {
    const running = this.#running;
    const shard = this.#shard;
    if (running === undefined || shard === undefined) return;
    const { graceMs = DEFAULT_GRACE_MS } = this.#options;
    const elapsed = performance.now() - shard.since;
    const left =
      this.#shardRows === 0
        ? Number.POSITIVE_INFINITY
        : (elapsed * this.#opened.plan.shard_rows) / this.#shardRows - elapsed;
    if (left > graceMs) {
      running.stop();
      return;
    }
    const handle = setTimeout(() => running.stop(), graceMs);
    void running.end.finally(() => clearTimeout(handle));
  }

  /** What a queue or the plan's folder answers; one that does not is asked again until patience is at an end. */
  async #asking<T>(place: "queue" | "plan", ask: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      try {
        const answer = await ask();
        this.#troubleSince.delete(place);
        return answer;
      } catch (error) {
        await this.#trouble(place, error);
        if (this.#isStopping) return undefined;
      }
    }
  }

  /** Waits a little. Throws the error when it has been so for too long. */
  async #trouble(place: "queue" | "plan" | "work", error: unknown): Promise<void> {
    const now = performance.now();
    const { patienceMs = DEFAULT_PATIENCE_MS, leaseMs, onNotice } = this.#options;
    const since = this.#troubleSince.get(place) ?? now;
    if (since === now) onNotice?.(error instanceof Error ? error.message : String(error));
    this.#troubleSince.set(place, since);
    if (now - since >= patienceMs) throw error;
    await this.#sleep(Math.min(5000, leaseMs / 2, patienceMs / 4));
  }

  async #beat(): Promise<void> {
    const shard = this.#shard;
    const now = performance.now();
    const seconds = (since: number) => Math.round(now - since) / 1000;
    const heartbeat: Heartbeat = {
      ...this.#options.worker,
      queue: this.#options.queue.kind,
      state: this.#state,
      at: this.#options.date(),
      seconds: seconds(this.#started),
      rows: this.#rows,
      shards: this.#shards,
      ...(shard === undefined
        ? {}
        : {
            shard: shard.number,
            shard_seconds: seconds(shard.since),
            shard_rows: this.#shardRows,
            is_second: shard.isSecond,
          }),
    };
    this.#options.onHeartbeat?.(heartbeat);
    // Of no importance to the work: on a full disk nobody is told.
    await writeHeartbeat(this.#opened.files, this.#opened.folder, heartbeat).catch(() => undefined);
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const handle = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(handle);
        resolve();
      };
      if (this.#isStopping) this.#wake();
    });
  }

  /** Does something again and again, one time after the other, until it is stopped. */
  #every(milliseconds: number, act: () => Promise<void>): { stop(): void } {
    let isStopped = false;
    let handle: ReturnType<typeof setTimeout> | undefined;
    // What fails is tried again the next time.
    const again = () =>
      void act()
        .catch(() => undefined)
        .finally(next);
    const next = () => {
      if (!isStopped) handle = setTimeout(again, milliseconds);
    };
    next();
    return {
      stop() {
        isStopped = true;
        if (handle !== undefined) clearTimeout(handle);
      },
    };
  }
}
