// Runs inside a worker thread: decodes Parquet files, one request after another.
import { parentPort } from "node:worker_threads";
import { decodeParquet } from "../../data/parquet-decode.ts";
import { decodeEmbeddings } from "../../embeddings/decode-embeddings.ts";
import { SaccadeError } from "../../errors.ts";
import { nodeFiles } from "./files.ts";
import type { FromParquetThread, ToParquetThread } from "./parquet-thread.ts";
import { readRange } from "./read-range.ts";

const port = parentPort;
if (port === null) throw new Error("this module runs in a worker thread");
const files = { ...nodeFiles, readRange };

port.on("message", async ({ kind, request }: ToParquetThread) => {
  const send = (message: FromParquetThread) => port.postMessage(message);
  try {
    const answer = await (kind === "pictures" ? decodeParquet(files, request) : decodeEmbeddings(files, request));
    send({ type: "decoded", answer });
  } catch (error) {
    const { code, hint } = error instanceof SaccadeError ? error : { code: "format", hint: undefined };
    send({ type: "failed", code, message: error instanceof Error ? error.message : String(error), hint });
  }
});
