// The owner's side of threads that decode large pictures and bring them to a model's size (view-worker.ts): a view is small, so the many bytes of the
// pixels never leave the thread they were decoded in. Threads start when several pictures are under way, and never keep the process alive.
import { availableParallelism } from "node:os";
import type { Worker } from "node:worker_threads";
import type { RawImage } from "../../image/raw-image.ts";
import type { Transform } from "../../image/transform.ts";
import type { ViewOptions } from "../../image/view.ts";
import { decodeWithSharp } from "./decode.ts";
import { decodeView } from "./decode-view.ts";
import { spawnWorker, workerEntry } from "./workers.ts";

export type ToViewWorker =
  | {
      readonly type: "decode";
      readonly id: number;
      readonly bytes: Uint8Array;
      readonly transform: Transform;
      readonly options: Omit<ViewOptions, "reserve" | "transform">;
    }
  | { readonly type: "reserved"; readonly id: number };

export type FromViewWorker =
  | { readonly type: "reserve"; readonly id: number; readonly bytes: number }
  | { readonly type: "view"; readonly id: number; readonly image: RawImage }
  | { readonly type: "failed"; readonly id: number };

/** Smaller files are decoded before a thread would have been told of them. */
const LEAST_BYTES = 2 ** 17;
/** libuv decodes so many at once, whatever thread asks. */
const MOST_WORKERS = Math.min(availableParallelism(), Number(process.env.UV_THREADPOOL_SIZE) || 4);

interface Request {
  readonly reserve: (bytes: number) => Promise<void>;
  /** undefined where the thread could not do it. */
  readonly settle: (image: RawImage | undefined) => void;
}

class ViewWorkers {
  readonly #workers: ViewWorker[] = [];
  /** Large pictures that are decoded in this thread. */
  #here = 0;
  /** Threads do not start here: a bundled program may lack the package beside it. */
  #isBroken = false;

  /** The view of a large picture; undefined for a small one, which is not worth it. */
  decode(bytes: Uint8Array, transform: Transform, options: ViewOptions): Promise<RawImage> | undefined {
    if (bytes.length < LEAST_BYTES || transform.length === 0) return undefined;
    return this.#decode(bytes, transform, options);
  }

  async #decode(bytes: Uint8Array, transform: Transform, options: ViewOptions): Promise<RawImage> {
    const worker = this.#choose();
    const view = await worker?.decode(bytes, transform, options);
    if (view !== undefined) return view;
    // The only one, or one that failed in its thread: here it fails with its error. What it takes was reserved there.
    const { reserve, ...others } = options;
    this.#here++;
    try {
      return await decodeView(bytes, transform, worker === undefined ? options : others);
    } finally {
      this.#here--;
    }
  }

  /** The thread with the least to do; a new one when all have something, as long as there may be more. */
  #choose(): ViewWorker | undefined {
    if (this.#isBroken || (this.#workers.length === 0 && this.#here === 0)) return undefined;
    const [idlest] = this.#workers.toSorted((a, b) => a.pending - b.pending);
    if (idlest !== undefined && (idlest.pending === 0 || this.#workers.length >= MOST_WORKERS)) return idlest;
    return this.#start();
  }

  #start(): ViewWorker | undefined {
    try {
      const worker = new ViewWorker((answered) => {
        this.#workers.splice(this.#workers.indexOf(worker), 1);
        this.#isBroken ||= answered === 0;
      });
      this.#workers.push(worker);
      return worker;
    } catch {
      this.#isBroken = true;
      return undefined;
    }
  }
}

class ViewWorker {
  readonly #worker: Worker;
  readonly #requests = new Map<number, Request>();
  #next = 0;
  #answered = 0;

  /** @param onDeath called with the number of views that it has made */
  constructor(onDeath: (answered: number) => void) {
    this.#worker = spawnWorker(workerEntry("view-worker"), { name: "saccade pictures" });
    this.#worker.on("message", (message: FromViewWorker) => this.#take(message));
    this.#worker.on("error", () => undefined); // it ends, and what it had is done elsewhere
    this.#worker.once("exit", () => {
      onDeath(this.#answered);
      for (const id of [...this.#requests.keys()]) this.#settle(id, undefined);
    });
    this.#worker.unref();
  }

  get pending(): number {
    return this.#requests.size;
  }

  decode(bytes: Uint8Array, transform: Transform, options: ViewOptions): Promise<RawImage | undefined> {
    const { reserve = async () => undefined, transform: _, ...others } = options;
    const id = this.#next++;
    return new Promise((settle) => {
      this.#requests.set(id, { reserve, settle });
      this.#worker.ref();
      // A copy: what holds the bytes may hold much more, and stays the caller's.
      const own = new Uint8Array(bytes);
      this.#tell({ type: "decode", id, bytes: own, transform, options: others }, [own.buffer]);
    });
  }

  #take(message: FromViewWorker): void {
    const { id } = message;
    if (message.type === "view") {
      this.#answered++;
      this.#settle(id, message.image);
    } else if (message.type === "failed") this.#settle(id, undefined);
    else
      void this.#requests
        .get(id)
        ?.reserve(message.bytes)
        .then(() => this.#tell({ type: "reserved", id }));
  }

  #tell(message: ToViewWorker, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #settle(id: number, image: RawImage | undefined): void {
    const request = this.#requests.get(id);
    this.#requests.delete(id);
    if (this.#requests.size === 0) this.#worker.unref();
    request?.settle(image);
  }
}

/** The process's own, as sharp's threads are. */
const viewWorkers = new ViewWorkers();

/**
 * Bytes of a picture file as pixels, or as what a model sees of it when `options.transform` says what that is (and `options.views`, where it is more than one view).
 *
 * @throws ImageError, LimitError
 */
export function decodePicture(bytes: Uint8Array, options: ViewOptions = {}): Promise<RawImage> {
  const { transform } = options;
  if (transform === undefined) return decodeWithSharp(bytes, options);
  return viewWorkers.decode(bytes, transform, options) ?? decodeView(bytes, transform, options);
}
