// The owner's side of data workers: threads that make batches (data-worker.ts). A worker keeps the process alive only while it makes one.
import { availableParallelism } from "node:os";
import type { Worker } from "node:worker_threads";
import type { BatchResult, BatchTask } from "../../data/batch-work.ts";
import type { BatchWorker } from "../../data/loader.ts";
import type { Slab } from "../../data/picture-cache.ts";
import { SaccadeError } from "../../errors.ts";
import { spawnWorker, workerEntry } from "./workers.ts";

export type ToDataWorker =
  | { readonly type: "batch"; readonly task: BatchTask; readonly newSlabs: readonly Slab[] }
  | { readonly type: "end" };

export type FromDataWorker =
  | { readonly type: "made"; readonly result: BatchResult }
  | { readonly type: "failed"; readonly message: string };

/**
 * Threads that read, decode and augment pictures from the local disk.
 *
 * @param count default: one less than there are cores, so that the training step has one, and at least one
 * @example const loader = createLoader({ dataset, sampler, augmentation, workers: createDataWorkers(2) });
 */
export function createDataWorkers(count = Math.max(1, availableParallelism() - 1)): BatchWorker[] {
  return Array.from({ length: count }, () => new DataWorker());
}

interface Request {
  readonly resolve: (result: BatchResult) => void;
  readonly reject: (error: SaccadeError) => void;
}

class DataWorker implements BatchWorker {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #request: Request | undefined;
  #sentSlabs = 0;
  #crash: Error | undefined;
  #death: SaccadeError | undefined;
  #isEnding = false;

  constructor() {
    this.#worker = spawnWorker(workerEntry("data-worker"), { name: "saccade data" });
    this.#worker.on("message", (message: FromDataWorker) => {
      if (message.type === "made") this.#settle((request) => request.resolve(message.result));
      else
        this.#settle((request) =>
          request.reject(new SaccadeError("data", `a batch cannot be made: ${message.message}`)),
        );
    });
    this.#worker.on("error", (error: Error) => {
      this.#crash = error;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", (code) => {
        const reason = this.#isEnding ? "it was ended" : (this.#crash?.message ?? `exit code ${code}`);
        const death = new SaccadeError("data_worker", `a data worker's thread is gone: ${reason}`, {
          cause: this.#crash,
        });
        this.#death = death;
        this.#settle((request) => request.reject(death));
        resolve();
      });
    });
    // Only now: a listener for messages makes the thread hold the process again.
    this.#worker.unref();
  }

  run(task: BatchTask, slabs: readonly Slab[]): Promise<BatchResult> {
    return new Promise((resolve, reject) => {
      if (this.#death !== undefined || this.#isEnding) {
        reject(this.#death ?? new SaccadeError("data_worker", "this data worker has been ended"));
        return;
      }
      this.#request = { resolve, reject };
      this.#worker.ref();
      const newSlabs = slabs.slice(this.#sentSlabs);
      this.#sentSlabs = slabs.length;
      this.#worker.postMessage({ type: "batch", task, newSlabs } satisfies ToDataWorker);
    });
  }

  async dispose(): Promise<void> {
    if (!this.#isEnding) {
      this.#isEnding = true;
      this.#worker.ref();
      this.#worker.postMessage({ type: "end" } satisfies ToDataWorker);
    }
    await this.#exited;
  }

  #settle(settle: (request: Request) => void): void {
    const request = this.#request;
    this.#request = undefined;
    if (!this.#isEnding) this.#worker.unref();
    if (request !== undefined) settle(request);
  }
}
