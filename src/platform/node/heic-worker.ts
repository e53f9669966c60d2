// Runs inside a worker thread: decodes HEIC pictures, one at a time.
import { parentPort } from "node:worker_threads";
import type { FromHeicWorker, ToHeicWorker } from "./decode-heic.ts";
import { workerInput } from "./workers.ts";

/** What is used of heic-decode. */
interface HeicDecode {
  all(input: { readonly buffer: Uint8Array }): Promise<HeicImages>;
}

type HeicImages = readonly {
  readonly width: number;
  readonly height: number;
  decode(): Promise<{ readonly data: Uint8ClampedArray<ArrayBuffer> }>;
}[] & { dispose(): void };

const port = parentPort;
if (port === null) throw new Error("this module runs in a worker thread");

// The decoder prints its complaints to standard output, where answers go.
console.log = console.warn = console.error = () => undefined;

const loading = import(workerInput<string>()) as Promise<{ readonly default: HeicDecode }>;
let tail: Promise<void> = Promise.resolve();

port.on("message", (message: ToHeicWorker) => {
  tail = tail.then(() => answer(message));
});

async function answer({ id, bytes, maxPixels }: ToHeicWorker): Promise<void> {
  try {
    const { width, height, rgba } = await decode(bytes, maxPixels);
    send({ id, width, height, rgba }, [rgba.buffer]);
  } catch (error) {
    send({ id, problem: error instanceof Error ? error.message : String(error) }, []);
  }
}

async function decode(bytes: Uint8Array, maxPixels: number) {
  const images = await (await loading).default.all({ buffer: bytes });
  try {
    const { width, height } = images[0]!;
    // The file's properties, which were checked before, may say something else.
    if (width * height > maxPixels) throw new Error(`it is ${width} x ${height} and says that it is smaller`);
    const { data } = await images[0]!.decode();
    return { width, height, rgba: new Uint8Array(data.buffer) };
  } finally {
    images.dispose();
  }
}

function send(message: FromHeicWorker, transfer: readonly ArrayBuffer[]): void {
  port?.postMessage(message, transfer);
}
