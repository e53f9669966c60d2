// Parquet files decoded in a thread of their own: one that never ends, or fills the memory, costs the thread and not the process, and signals are
// heard meanwhile.
import type { Worker } from "node:worker_threads";
import type { DecodeParquet, ParquetLabels, ParquetPictures, ParquetRequest } from "../../data/parquet-decode.ts";
import { FormatError, SaccadeError } from "../../errors.ts";
import { baseName } from "../../image/picture-files.ts";
import { spawnWorker, workerEntry } from "./workers.ts";

export type FromParquetThread =
  | { readonly type: "decoded"; readonly answer: ParquetLabels | ParquetPictures }
  | { readonly type: "failed"; readonly code: string; readonly message: string; readonly hint: string | undefined };

type Answer = ParquetLabels | ParquetPictures;

/** Decoding takes a hundredth of it. */
const MILLISECONDS = 20_000;
const BYTES_PER_MILLISECOND = 2000;
/** What picture bytes take is not on the heap that this limits. */
const HEAP_MEGABYTES = 2048;

/** A decoder with a thread that starts with the first request, answers them in turn, and does not keep the process alive between them. */
export function parquetThread(milliseconds = MILLISECONDS): DecodeParquet {
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
  return (request) => {
    const limit = milliseconds + (request.group?.bytes ?? 0) / BYTES_PER_MILLISECOND;
    const answer = last.then(() => {
      running ??= start();
      return ask(running, request, limit);
    });
    last = answer.catch(() => undefined);
    return answer;
  };
}

function ask(worker: Worker, request: ParquetRequest, limit: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let end = "its thread ended";
    const timer = setTimeout(() => {
      end = `decoding did not end within ${Math.round(limit / 1000)} seconds`;
      void worker.terminate();
    }, limit);
    const onMessage = (message: FromParquetThread) =>
      settle(() => (message.type === "decoded" ? resolve(message.answer) : reject(errorOf(message))));
    const onError = (error: Error) => {
      end = error.message;
    };
    const onExit = () =>
      settle(() => {
        const problem = `${baseName(request.path)} cannot be read (${end})`;
        reject(new FormatError("Parquet", problem, { hint: "it is damaged: download it again" }));
      });
    const settle = (pass: () => void) => {
      clearTimeout(timer);
      worker.off("message", onMessage).off("error", onError).off("exit", onExit).unref();
      pass();
    };
    worker.on("message", onMessage).on("error", onError).on("exit", onExit).ref();
    worker.postMessage(request);
  });
}

function errorOf({ code, message, hint }: Extract<FromParquetThread, { type: "failed" }>): SaccadeError {
  return new SaccadeError(code, message, hint === undefined ? {} : { hint });
}

/** All of this process's data sets share a thread. */
export const decodeInThread: DecodeParquet = parquetThread();
