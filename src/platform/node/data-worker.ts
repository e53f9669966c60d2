// Runs inside a worker thread: reads, decodes and augments the pictures of one batch at a time.
import { parentPort } from "node:worker_threads";
import { buffersOf, makeBatch } from "../../data/batch-work.ts";
import type { Slab } from "../../data/picture-cache.ts";
import { nodeDataFiles } from "./data-files.ts";
import type { FromDataWorker, ToDataWorker } from "./data-workers.ts";
import { decodeWithSharp } from "./decode.ts";
import { openVideo } from "./video/open-video.ts";

const port = parentPort;
if (port === null) throw new Error("this module runs in a worker thread");

/** Grows with the cache of the thread that sends tasks. */
const slabs: Slab[] = [];

port.on("message", (message: ToDataWorker) => {
  // With the port closed nothing keeps the thread alive, and it ends after what it is doing.
  if (message.type === "end") port.close();
  else void answer(message);
});

async function answer({ task, newSlabs }: Extract<ToDataWorker, { type: "batch" }>): Promise<void> {
  slabs.push(...newSlabs);
  try {
    const made = await makeBatch(task, { files: nodeDataFiles, decode: decodeWithSharp, openVideo, slabs });
    // Pixels are copied out of the decoder's memory, which may not be given away.
    const decoded = made.decoded.map(({ image, ...about }) => ({
      ...about,
      image: { ...image, data: image.data.slice() },
    }));
    const pixels = decoded.map(({ image }) => image.data.buffer);
    send({ type: "made", result: { ...made, decoded } }, [...buffersOf(made), ...pixels]);
  } catch (error) {
    send({ type: "failed", message: error instanceof Error ? error.message : String(error) }, []);
  }
}

function send(message: FromDataWorker, transfer: readonly ArrayBuffer[]): void {
  port?.postMessage(message, transfer);
}
