// Runs of one session, one after another. An engine executes one run at a time; the queue gives each caller its own promise, drops what is
// aborted while it waits, and fails everything at once when the session closes. Nothing in it depends on where the engine lives.
import { AbortedError, type SaccadeError } from "../errors.ts";

interface Entry {
  readonly start: () => Promise<void>;
  readonly reject: (reason: unknown) => void;
}

/** Executes tasks in the order of `submit`, one at a time. */
export class RunQueue {
  readonly #waiting: Entry[] = [];
  #running: Entry | undefined;
  #closedBy: SaccadeError | undefined;

  /** Tasks that wait or run. A run whose caller gave up still counts until the engine is done with it. */
  get pending(): number {
    return this.#waiting.length + (this.#running === undefined ? 0 : 1);
  }

  get closedBy(): SaccadeError | undefined {
    return this.#closedBy;
  }

  /**
   * Queues a task and settles as it does. When `signal` fires, the promise rejects with AbortedError at once: a waiting task never starts, a
   * running one finishes unseen and the next task waits for it. Rejects with the closing error once the queue is closed.
   */
  submit<T>(what: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    if (signal?.aborted === true) return Promise.reject(new AbortedError(what, signal.reason));
    return new Promise<T>((resolve, reject) => {
      const onAbort = () => {
        const position = this.#waiting.indexOf(entry);
        if (position >= 0) this.#waiting.splice(position, 1);
        reject(new AbortedError(what, signal?.reason));
      };
      const done = () => signal?.removeEventListener("abort", onAbort);
      const entry: Entry = {
        start: () => task().then(resolve, reject).finally(done),
        reject: (reason) => {
          done();
          reject(reason);
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(entry);
      this.#next();
    });
  }

  /** Rejects everything that waits or runs with `error`, and whatever is submitted later. The first call decides the error. */
  close(error: SaccadeError): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = error;
    for (const entry of this.#waiting.splice(0)) entry.reject(error);
    this.#running?.reject(error);
  }

  #next(): void {
    if (this.#running !== undefined) return;
    const entry = this.#waiting.shift();
    if (entry === undefined) return;
    this.#running = entry;
    void entry.start().then(() => {
      this.#running = undefined;
      this.#next();
    });
  }
}
