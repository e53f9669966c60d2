// Entry of a data worker: decodes and augments the pictures of one batch at a time, which come as bytes.
import { buffersOf, makeBatch } from "../../data/batch-work.ts";
import type { Slab } from "../../data/picture-cache.ts";
import { SaccadeError } from "../../errors.ts";
import type { FromDataWorker, ToDataWorker } from "./data-workers.ts";
import { decodePicture } from "./decode.ts";

interface DataWorkerScope {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToDataWorker>) => void) | null;
}

const scope = globalThis as unknown as DataWorkerScope;

/** Grows with the cache of the page. */
const slabs: Slab[] = [];

scope.onmessage = ({ data }) => void answer(data);

async function answer({ task, unreadable, newSlabs }: ToDataWorker): Promise<void> {
  slabs.push(...newSlabs);
  const files = {
    read: async (path: string): Promise<Uint8Array> => {
      throw new SaccadeError("data", unreadable.get(path) ?? `${path} was not handed over`);
    },
  };
  try {
    const result = await makeBatch(task, { files, decode: decodePicture, slabs });
    const pixels = result.decoded.map(({ image }) => image.data.buffer as ArrayBuffer);
    const buffers = new Set([...buffersOf(result), ...pixels]);
    send({ type: "made", result }, [...buffers]);
  } catch (error) {
    send({ type: "failed", message: error instanceof Error ? error.message : String(error) }, []);
  }
}

function send(message: FromDataWorker, transfer: ArrayBuffer[]): void {
  scope.postMessage(message, transfer);
}
