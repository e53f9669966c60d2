// Runs inside a worker thread: decodes Parquet files, one request after another.
import { parentPort } from "node:worker_threads";
import { decodeParquet, type ParquetRequest } from "../../data/parquet-decode.ts";
import { SaccadeError } from "../../errors.ts";
import { nodeFiles } from "./files.ts";
import type { FromParquetThread } from "./parquet-thread.ts";
import { readRange } from "./read-range.ts";

const port = parentPort;
if (port === null) throw new Error("this module runs in a worker thread");

port.on("message", async (request: ParquetRequest) => {
  const send = (message: FromParquetThread) => port.postMessage(message);
  try {
    send({ type: "decoded", answer: await decodeParquet({ ...nodeFiles, readRange }, request) });
  } catch (error) {
    const { code, hint } = error instanceof SaccadeError ? error : { code: "format", hint: undefined };
    send({ type: "failed", code, message: error instanceof Error ? error.message : String(error), hint });
  }
});
