// HEIC through the optional package heic-decode (libheif in WebAssembly), in a thread of its own: it takes seconds for a photograph, does not let go
// of its thread meanwhile, and prints what it thinks of a file.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { Worker } from "node:worker_threads";
import { ImageError } from "../../errors.ts";
import { heicSize } from "../../image/heic-size.ts";
import { layOver, pickBands, WHITE } from "../../image/pixels.ts";
import { type DecodeOptions, type RawImage, rawImage, requireFewPixels } from "../../image/raw-image.ts";
import { ownPackage } from "./package-files.ts";
import { spawnWorker, workerEntry } from "./workers.ts";

export interface ToHeicWorker {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly maxPixels: number;
}

export type FromHeicWorker =
  | { readonly id: number; readonly width: number; readonly height: number; readonly rgba: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly problem: string };

type Decoded = Exclude<FromHeicWorker, { problem: string }>;

const DECODER = "heic-decode";

/**
 * Bytes of a HEIC as RGB. The decoder turns it upright.
 *
 * @throws LimitError; ImageError "image_decoder_missing" without the optional package; Error when the decoder refuses it
 */
export async function decodeHeic(
  bytes: Uint8Array,
  maxPixels: number,
  { background = WHITE, reserve }: DecodeOptions,
  decoder = DECODER,
): Promise<RawImage> {
  const announced = heicSize(bytes);
  if (announced === undefined) throw new Error("it does not say how large it is");
  requireFewPixels(announced, maxPixels);
  const module = findDecoder(decoder);
  await reserve?.(11 * announced.width * announced.height); // RGBA twice, in the decoder and out of it, and RGB
  const { width, height, rgba } = await heicThread(module).decode(bytes, maxPixels);
  return rawImage(width, height, layOver(pickBands(rgba, 4, [0, 1, 2]), pickBands(rgba, 4, [3]), background));
}

/** The module's URL. It is looked for where this package is, which a bundle is not. */
function findDecoder(name: string): string {
  try {
    return pathToFileURL(createRequire(ownPackage().modules).resolve(name)).href;
  } catch (cause) {
    throw new ImageError(`this is a HEIC picture, which needs the package ${name}`, {
      code: "image_decoder_missing",
      hint: `npm install ${name}; or convert it to JPEG`,
      data: { found: "a HEIC picture", package: name },
      cause,
    });
  }
}

let thread: HeicThread | undefined;

function heicThread(module: string): HeicThread {
  if (thread === undefined || thread.isGone) thread = new HeicThread(module);
  return thread;
}

/** Decodes one picture after the other. It keeps the process alive only while it has something to do. */
class HeicThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: (decoded: Decoded) => void; reject: (error: Error) => void }>();
  #lastId = 0;
  isGone = false;

  constructor(module: string) {
    this.#worker = spawnWorker(workerEntry("heic-worker"), { name: "saccade HEIC", data: module });
    this.#worker.on("message", (message: FromHeicWorker) => {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (this.#waiting.size === 0) this.#worker.unref();
      if ("problem" in message) waiting?.reject(new Error(message.problem));
      else waiting?.resolve(message);
    });
    let crash: Error | undefined;
    this.#worker.on("error", (error: Error) => {
      crash = error;
    });
    this.#worker.once("exit", () => {
      this.isGone = true;
      for (const { reject } of this.#waiting.values()) reject(crash ?? new Error("the decoder's thread has ended"));
    });
    this.#worker.unref();
  }

  decode(bytes: Uint8Array, maxPixels: number): Promise<Decoded> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ id, bytes, maxPixels } satisfies ToHeicWorker);
    });
  }
}
