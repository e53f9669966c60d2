// The queue before a model: what waits is made up into batches, by size and by how long the first of them has waited. It is bounded, knows two
// priorities, drops what nobody waits for any more, and knows nothing of HTTP, pictures or models.
import { AbortedError } from "../../errors.ts";
import { DeadlineError, DrainingError, OverloadError } from "../failures.ts";

/** Online: somebody waits for it. Offline: it may wait until nothing online does. */
export const PRIORITIES = ["online", "offline"] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Time as the queue sees it; tests bring their own. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number;
  /** Calls back once, later. Returns what takes it back. */
  after(milliseconds: number, callback: () => void): () => void;
}

export interface BatchQueueOptions<T, A> {
  /** Items of a batch at most. */
  readonly maxBatch: number;
  /** How long a batch that is not full waits for more, in milliseconds, counted from its oldest item. */
  readonly maxDelayMs: number;
  /** Items that may wait; those in a batch under way are not counted. */
  readonly capacity: number;
  /** Batches under way at once. */
  readonly lanes: number;
  readonly clock: Clock;
  /** Whether the next item may run together with these. */
  joins(batch: readonly T[], next: T): boolean;
  /** One answer each, or why there is none. */
  run(batch: readonly T[]): Promise<readonly (A | Error)[]>;
  readonly observer?: QueueObserver;
}

/** Hears what happens, for metrics. */
export interface QueueObserver {
  waiting(count: number): void;
  /** @param waitedMs of each item */
  batch(waitedMs: readonly number[], runMs: number): void;
}

export interface SubmitOptions {
  readonly priority?: Priority;
  /** On the queue's clock: an item that has not begun by then is dropped. */
  readonly deadline?: number | undefined;
  /** Takes the item out of the queue. A batch that has begun finishes, without a listener. */
  readonly signal?: AbortSignal | undefined;
}

/** An answer, and what became of its item. */
export interface Served<A> {
  readonly answer: A;
  readonly waitedMs: number;
  readonly runMs: number;
  readonly batchSize: number;
}

/** A place in the queue. */
export interface Reservation<T, A> {
  /** As the queue's `submit`, which cannot be full for it. */
  submit(item: T, options?: SubmitOptions): Promise<Served<A>>;
  /** Gives it back; more than once, or after `submit`, is fine. */
  release(): void;
}

interface Entry<T, A> {
  readonly item: T;
  readonly since: number;
  readonly deadline: number;
  resolve(served: Served<A>): void;
  reject(error: unknown): void;
}

/**
 * @example
 * const queue = new BatchQueue({ maxBatch: 8, maxDelayMs: 5, capacity: 64, lanes: 2, clock, joins: () => true, run });
 * const { answer } = await queue.submit(item, { deadline: clock.now() + 1000 });
 */
export class BatchQueue<T, A> {
  readonly #options: BatchQueueOptions<T, A>;
  /** In the order they came. Sets, so that what is taken out of the middle costs nothing. */
  readonly #waiting: Readonly<Record<Priority, Set<Entry<T, A>>>> = { online: new Set(), offline: new Set() };
  #reserved = 0;
  #running = 0;
  #draining = false;
  #cancelTimer: (() => void) | undefined;
  #cancelExpiry: (() => void) | undefined;
  readonly #idle: (() => void)[] = [];

  constructor(options: BatchQueueOptions<T, A>) {
    this.#options = options;
  }

  /** Items that wait, and places that are kept for those that are still being read. */
  get waiting(): number {
    return this.#waiting.online.size + this.#waiting.offline.size + this.#reserved;
  }

  /** How full it is, 0..1. */
  get fullness(): number {
    return Math.min(1, this.waiting / this.#options.capacity);
  }

  /** Batches under way. */
  get running(): number {
    return this.#running;
  }

  /**
   * Keeps a place for an item that is still being decoded, so that no picture is decoded and refused afterwards: neither because it is
   * full by then, nor because it drains.
   *
   * @throws OverloadError, DrainingError
   */
  reserve(): Reservation<T, A> {
    this.requireRoom();
    this.#reserved++;
    this.#tell();
    let isHeld = true;
    const release = () => {
      if (!isHeld) return false;
      isHeld = false;
      this.#reserved--;
      return true;
    };
    return {
      submit: (item, options = {}) => {
        if (!release()) this.requireRoom();
        return this.#enqueue(item, options);
      },
      release: () => {
        if (!release()) return;
        this.#tell();
        this.#settleIdle();
      },
    };
  }

  /**
   * @throws OverloadError when it is full, DrainingError once it drains, DeadlineError, AbortedError, and what the item's run failed with
   */
  async submit(item: T, options: SubmitOptions = {}): Promise<Served<A>> {
    this.requireRoom();
    return this.#enqueue(item, options);
  }

  #enqueue(
    item: T,
    { priority = "online", deadline = Number.POSITIVE_INFINITY, signal }: SubmitOptions,
  ): Promise<Served<A>> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        this.#settleIdle();
        throw new AbortedError("a request", signal.reason);
      }
      const onAbort = () => {
        if (!this.#waiting[priority].delete(entry)) return;
        this.#tell();
        entry.reject(new AbortedError("a request", signal?.reason));
        this.#watchDeadlines();
        this.#settleIdle();
      };
      const heardOut = () => signal?.removeEventListener("abort", onAbort);
      const entry: Entry<T, A> = {
        item,
        since: this.#options.clock.now(),
        deadline,
        resolve: (served) => {
          heardOut();
          resolve(served);
        },
        reject: (error) => {
          heardOut();
          reject(error);
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting[priority].add(entry);
      this.#tell();
      this.#pump();
    });
  }

  /** Takes nothing new; resolves when everything that was taken is answered. Nothing waits for company any more. */
  drain(): Promise<void> {
    this.#draining = true;
    this.#pump();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#settleIdle();
    });
  }

  /** Throws DrainingError, OverloadError where there is no place for another item. */
  requireRoom(): void {
    if (this.#draining) throw new DrainingError();
    if (this.waiting >= this.#options.capacity) throw new OverloadError(this.#options.capacity);
  }

  #pump(): void {
    this.#dropExpired();
    this.#startBatches();
    this.#watchDeadlines();
    this.#settleIdle();
  }

  /** Who is too late is told then, however long the batches under way take. */
  #watchDeadlines(): void {
    this.#cancelExpiry?.();
    this.#cancelExpiry = undefined;
    let next = Number.POSITIVE_INFINITY;
    for (const priority of PRIORITIES)
      for (const { deadline } of this.#waiting[priority]) next = Math.min(next, deadline);
    if (next === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#options;
    this.#cancelExpiry = clock.after(Math.max(0, next - clock.now()), () => this.#pump());
  }

  #startBatches(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    while (this.#running < this.#options.lanes) {
      const batch = this.#nextBatch();
      if (batch.length === 0) return;
      const oldest = batch.reduce((least, { since }) => Math.min(least, since), Number.POSITIVE_INFINITY);
      const left = oldest + this.#options.maxDelayMs - this.#options.clock.now();
      // Alone in an idle model, or waiting for company: the time that it may wait is the operator's to say.
      if (batch.length < this.#options.maxBatch && left > 0 && !this.#draining) {
        this.#cancelTimer = this.#options.clock.after(left, () => this.#pump());
        return;
      }
      for (const entry of batch) this.#take(entry);
      this.#tell();
      void this.#runBatch(batch);
    }
  }

  /** Those that run next, the first of them the oldest of the highest priority. They stay in the queue. */
  #nextBatch(): Entry<T, A>[] {
    const { maxBatch, joins } = this.#options;
    const batch: Entry<T, A>[] = [];
    const items: T[] = [];
    for (const priority of PRIORITIES) {
      for (const entry of this.#waiting[priority]) {
        if (batch.length === maxBatch) return batch;
        if (batch.length > 0 && !joins(items, entry.item)) continue;
        batch.push(entry);
        items.push(entry.item);
      }
    }
    return batch;
  }

  #take(entry: Entry<T, A>): void {
    for (const priority of PRIORITIES) this.#waiting[priority].delete(entry);
  }

  #dropExpired(): void {
    const now = this.#options.clock.now();
    let dropped = 0;
    for (const priority of PRIORITIES)
      for (const entry of this.#waiting[priority]) {
        if (entry.deadline > now) continue;
        this.#waiting[priority].delete(entry);
        entry.reject(new DeadlineError(now - entry.since));
        dropped++;
      }
    if (dropped > 0) this.#tell();
  }

  async #runBatch(batch: readonly Entry<T, A>[]): Promise<void> {
    const { clock, run, observer } = this.#options;
    const began = clock.now();
    this.#running++;
    const outcomes = await run(batch.map(({ item }) => item)).catch((error: unknown) =>
      batch.map(() => asError(error)),
    );
    this.#running--;
    const runMs = clock.now() - began;
    const waited = batch.map(({ since }) => began - since);
    observer?.batch(waited, runMs);
    batch.forEach((entry, i) => {
      const outcome = outcomes[i];
      if (outcome instanceof Error) entry.reject(outcome);
      else entry.resolve({ answer: outcome as A, waitedMs: waited[i]!, runMs, batchSize: batch.length });
    });
    this.#pump();
  }

  #settleIdle(): void {
    if (!this.#draining || this.waiting > 0 || this.#running > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #tell(): void {
    this.#options.observer?.waiting(this.waiting);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
