// Parquet files decoded in a thread of their own: one that never ends, or fills the memory, costs the thread and not the process, and signals are
// heard meanwhile.
import type { Worker } from "node:worker_threads";
import type { DecodeParquet, ParquetLabels, ParquetPictures, ParquetRequest } from "../../data/parquet-decode.ts";
import type { DecodedEmbeddings, DecodeEmbeddings, EmbeddingsRequest } from "../../embeddings/embedding-table.ts";
import { FormatError, SaccadeError } from "../../errors.ts";
import { baseName } from "../../image/picture-files.ts";
import { spawnWorker, workerEntry } from "./workers.ts";

export type ToParquetThread =
  | { readonly kind: "pictures"; readonly request: ParquetRequest }
  | { readonly kind: "embeddings"; readonly request: EmbeddingsRequest };

export type FromParquetThread =
  | { readonly type: "decoded"; readonly answer: Answer }
  | { readonly type: "failed"; readonly code: string; readonly message: string; readonly hint: string | undefined };

type Answer = ParquetLabels | ParquetPictures | DecodedEmbeddings;

/** Decoding takes a hundredth of it. */
const MILLISECONDS = 20_000;
const BYTES_PER_MILLISECOND = 2000;
/** A file of embeddings is read whole. */
const EMBEDDINGS_MILLISECONDS = 120_000;
/** What picture bytes take is not on the heap that this limits. */
const HEAP_MEGABYTES = 2048;

/** A thread that starts with the first request, answers them in turn, and does not keep the process alive between them. */
function decodingThread(milliseconds: number): (message: ToParquetThread, bytes: number) => Promise<Answer> {
  let running: Worker | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const start = () => {
    const worker = spawnWorker(workerEntry("parquet-worker"), {
      name: "saccade Parquet",
      maxHeapMegabytes: HEAP_MEGABYTES,
    });
    worker.once("exit", () => {
      running = undefined;
    });
    return worker;
  };
  return (message, bytes) => {
    const limit = milliseconds + bytes / BYTES_PER_MILLISECOND;
    const answer = last.then(() => {
      running ??= start();
      return ask(running, message, limit);
    });
    last = answer.catch(() => undefined);
    return answer;
  };
}

/** A decoder of data sets with a thread of its own. */
export function parquetThread(milliseconds = MILLISECONDS): DecodeParquet {
  const decode = decodingThread(milliseconds);
  return async (request) =>
    (await decode({ kind: "pictures", request }, request.group?.bytes ?? 0)) as ParquetLabels | ParquetPictures;
}

/** A decoder of embeddings with a thread of its own. */
export function embeddingsThread(milliseconds = EMBEDDINGS_MILLISECONDS): DecodeEmbeddings {
  const decode = decodingThread(milliseconds);
  return async (request) => (await decode({ kind: "embeddings", request }, 0)) as DecodedEmbeddings;
}

function ask(worker: Worker, message: ToParquetThread, limit: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let end = "its thread ended";
    const timer = setTimeout(() => {
      end = `decoding did not end within ${Math.round(limit / 1000)} seconds`;
      void worker.terminate();
    }, limit);
    const onMessage = (told: FromParquetThread) =>
      settle(() => (told.type === "decoded" ? resolve(told.answer) : reject(errorOf(told))));
    const onError = (error: Error) => {
      end = error.message;
    };
    const onExit = () =>
      settle(() => {
        const problem = `${baseName(message.request.path)} cannot be read (${end})`;
        reject(new FormatError("Parquet", problem, { hint: "it is damaged: download it again" }));
      });
    const settle = (pass: () => void) => {
      clearTimeout(timer);
      worker.off("message", onMessage).off("error", onError).off("exit", onExit).unref();
      pass();
    };
    worker.on("message", onMessage).on("error", onError).on("exit", onExit).ref();
    worker.postMessage(message);
  });
}

function errorOf({ code, message, hint }: Extract<FromParquetThread, { type: "failed" }>): SaccadeError {
  return new SaccadeError(code, message, hint === undefined ? {} : { hint });
}

/** All of this process's data sets share a thread. */
export const decodeInThread: DecodeParquet = parquetThread();

/** Those who read embeddings share one as well. */
export const decodeEmbeddingsInThread: DecodeEmbeddings = embeddingsThread();
