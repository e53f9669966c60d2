// The page's side of the worker that decodes larger picture files (view-worker.ts): the browser decodes beside the page anyway, but unpacking and resampling many
// pixels would keep it from answering. It starts with the first such file. Where there is no worker, the page does it itself.
import type { RawImage } from "../../image/raw-image.ts";
import type { ViewOptions } from "../../image/view.ts";
import { decodePicture, requireDecodable } from "./decode.ts";

export interface ToViewWorker {
  readonly id: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly options: Omit<ViewOptions, "reserve">;
}

export interface FromViewWorker {
  readonly id: number;
  /** undefined where it could not be decoded there. */
  readonly image: RawImage | undefined;
}

/** Smaller files are decoded before a worker would have been told of them. */
const LEAST_BYTES = 2 ** 17;

/** Written out so that bundlers see it. */
const spawnViewWorker = (): Worker => new Worker(new URL("./view-worker.js", import.meta.url), { type: "module" });

export class ViewThread {
  readonly #spawn: () => Worker;
  readonly #waiting = new Map<number, (image: RawImage | undefined) => void>();
  #worker: Worker | undefined;
  #isBroken = typeof Worker === "undefined";
  #next = 0;

  /** @param spawn makes the worker, for tests */
  constructor(spawn: () => Worker = spawnViewWorker) {
    this.#spawn = spawn;
  }

  /** As `decodePicture`. */
  async decode(bytes: Uint8Array, options: ViewOptions = {}): Promise<RawImage> {
    if (this.#isBroken || bytes.length < LEAST_BYTES) return decodePicture(bytes, options);
    const { reserve, ...rest } = options;
    await requireDecodable(bytes, options);
    return (await this.#ask(bytes, rest)) ?? decodePicture(bytes, rest);
  }

  #ask(bytes: Uint8Array, options: ToViewWorker["options"]): Promise<RawImage | undefined> {
    return new Promise((resolve) => {
      const id = this.#next++;
      this.#waiting.set(id, resolve);
      try {
        this.#worker ??= this.#start();
        // A copy: what holds the bytes may hold much more, and stays the caller's.
        const own = Uint8Array.from(bytes);
        this.#worker.postMessage({ id, bytes: own, options } satisfies ToViewWorker, [own.buffer]);
      } catch {
        this.#break();
      }
    });
  }

  #start(): Worker {
    const worker = this.#spawn();
    worker.onmessage = ({ data: { id, image } }: MessageEvent<FromViewWorker>) => {
      const settle = this.#waiting.get(id);
      this.#waiting.delete(id);
      settle?.(image);
    };
    worker.onmessageerror = () => this.#break();
    worker.onerror = (event) => {
      event.preventDefault();
      this.#break();
    };
    return worker;
  }

  /** Its script was not found, this page may not load it, or its memory ran out: the page decodes from now on. */
  #break(): void {
    this.#isBroken = true;
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const settle of this.#waiting.values()) settle(undefined);
    this.#waiting.clear();
  }
}
