// Runs inside a worker thread: decodes pictures and brings them to a model's size. Why one cannot be read is found out by the thread that asked.
import { parentPort } from "node:worker_threads";
import { decodeView } from "./decode-view.ts";
import type { FromViewWorker, ToViewWorker } from "./view-workers.ts";

const port = parentPort;
if (port === null) throw new Error("this module runs in a worker thread");

/** Pictures that wait for memory. */
const waiting = new Map<number, () => void>();

port.on("message", (message: ToViewWorker) => {
  if (message.type === "decode") void decode(message);
  else {
    waiting.get(message.id)?.();
    waiting.delete(message.id);
  }
});

async function decode({ id, bytes, transform, options }: Extract<ToViewWorker, { type: "decode" }>): Promise<void> {
  const reserve = (wanted: number) => {
    send({ type: "reserve", id, bytes: wanted });
    return new Promise<void>((proceed) => waiting.set(id, proceed));
  };
  try {
    const image = await decodeView(bytes, transform, { ...options, reserve });
    // A view is the resampler's own; a picture of which nothing changed lies in the decoder's memory, which may not be given away.
    const own = image.viewOf === undefined ? [] : [image, ...(image.otherViews ?? [])];
    send(
      { type: "view", id, image },
      own.map(({ data }) => data.buffer as ArrayBuffer),
    );
  } catch {
    send({ type: "failed", id });
  }
}

function send(message: FromViewWorker, transfer: readonly ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}
