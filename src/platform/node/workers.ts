// Worker threads that start alike from dist/*.js, from src/*.ts under a test runner and from src/*.ts under tsx.
import { type TransferListItem, Worker, workerData } from "node:worker_threads";
import { ownPackage } from "./package-files.ts";

export interface WorkerOptions {
  /** What `workerInput()` returns inside. It stays alive as long as the worker: send what is large in a message instead. */
  readonly data?: unknown;
  /** Buffers inside `data` that move to the worker instead of being copied. */
  readonly transfer?: readonly TransferListItem[];
  /** Shown by debuggers and in thread listings. */
  readonly name?: string;
  /** Limit of the worker's JavaScript heap; beyond it the worker ends with an error event. */
  readonly maxHeapMegabytes?: number;
  /** The thread's stack, native code included (default: Node's 4 MB). */
  readonly stackMegabytes?: number;
}

/** The URL of a module of this folder by its name, to start a thread or a process from: "session-worker". */
export function workerEntry(name: string): URL {
  const { modules, extension } = ownPackage();
  return new URL(`${name}${extension}`, modules);
}

/**
 * Starts a thread that runs the module at `entry`. Flags of the parent process (loaders, inspector) are not inherited, so that a worker
 * behaves the same wherever it is started from.
 *
 * @example
 * const worker = spawnWorker(workerEntry("session-worker"), { name: "saccade session" });
 */
export function spawnWorker(entry: URL, options: WorkerOptions = {}): Worker {
  return new Worker(new URL("worker-bootstrap.mjs", ownPackage().modules), {
    workerData: { entry: entry.href, data: options.data },
    execArgv: [],
    ...(options.transfer === undefined ? {} : { transferList: [...options.transfer] }),
    ...(options.name === undefined ? {} : { name: options.name }),
    resourceLimits: {
      ...(options.maxHeapMegabytes === undefined ? {} : { maxOldGenerationSizeMb: options.maxHeapMegabytes }),
      ...(options.stackMegabytes === undefined ? {} : { stackSizeMb: options.stackMegabytes }),
    },
  });
}

/** Inside a worker: the `data` it was spawned with. The caller names the type; nothing checks it. */
export function workerInput<T>(): T {
  return (workerData as { data: T }).data;
}
