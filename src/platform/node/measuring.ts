// What benchmarks need of this machine besides a Host: clocks, counters of who used the processor, models in processes of their own, and
// traces of what every operator takes.
import { fork } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AbortedError, LimitError, SessionError } from "../../errors.ts";
import type { FreshRun, FreshRunFacts, MeasuringHost, TracedRuns } from "../host.ts";
import { nodeHost } from "./host.ts";
import { readLoad } from "./machine.ts";
import { loaderFor } from "./program-entry.ts";
import { createNodeSession } from "./session.ts";
import { workerEntry } from "./workers.ts";

/** What a process of its own is told. */
export interface FreshOrder extends Omit<FreshRun, "model"> {
  readonly modelPath: string;
}

/** What it tells. `at`: milliseconds of the clock that all processes share. */
export type FreshAnswer =
  | { readonly type: "ready"; readonly at: number }
  | ({ readonly type: "done" } & Omit<FreshRunFacts, "startMs">)
  | { readonly type: "failed"; readonly message: string };

/** Traces hold about a kilobyte for each operator and run. */
const MAX_TRACE_BYTES = 2 ** 29;

export const nodeMeasuringHost: MeasuringHost = {
  ...nodeHost,
  platform: `${process.platform}-${process.arch}`,
  runtime: `Node ${process.version}`,
  now: () => performance.now(),
  date: () => new Date().toISOString(),
  readLoad: () => readLoad(),
  runFresh,
  trace,
};

async function runFresh({ model, ...run }: FreshRun, signal?: AbortSignal): Promise<FreshRunFacts> {
  return inTemporaryFolder(async (folder) => {
    const modelPath = join(folder, "model.onnx");
    await writeFile(modelPath, model);
    return obey({ ...run, modelPath }, signal);
  });
}

/** Starts the process, gives the order, and waits for the answer and the end. */
function obey(order: FreshOrder, signal: AbortSignal | undefined): Promise<FreshRunFacts> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(new AbortedError("the measurement", signal.reason));
    const entry = workerEntry("fresh-process");
    const startedAt = performance.timeOrigin + performance.now();
    const child = fork(fileURLToPath(entry), {
      execArgv: loaderFor(entry),
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let startMs = 0;
    let answer: FreshAnswer | undefined;
    let complaints = "";
    const stop = () => child.kill("SIGKILL");
    signal?.addEventListener("abort", stop, { once: true });
    child.stderr?.on("data", (chunk: Buffer) => {
      complaints = (complaints + chunk.toString()).slice(-2000);
    });
    child.on("message", (message: FreshAnswer) => {
      if (message.type !== "ready") answer = message;
      else {
        startMs = message.at - startedAt;
        child.send(order);
      }
    });
    child.once("error", (error) => reject(new SessionError(`no process could be started: ${error.message}`)));
    child.once("close", (code, killedBy) => {
      signal?.removeEventListener("abort", stop);
      if (signal?.aborted === true) reject(new AbortedError("the measurement", signal.reason));
      else if (answer?.type === "done") resolve(factsOf(answer, startMs));
      else if (answer?.type === "failed") reject(new SessionError(answer.message));
      else reject(new SessionError(`the process died (${describeDeath(code, killedBy, complaints)})`));
    });
  });
}

function factsOf({ type: _, ...facts }: Extract<FreshAnswer, { type: "done" }>, startMs: number): FreshRunFacts {
  return { startMs, ...facts };
}

function describeDeath(code: number | null, killedBy: string | null, complaints: string): string {
  if (killedBy === "SIGKILL") return "killed, probably for want of memory";
  const last = complaints.trim().split("\n").at(-1) ?? "";
  return [killedBy ?? `exit code ${code}`, ...(last === "" ? [] : [last])].join(": ");
}

async function trace(model: Uint8Array, { device, threads, feeds, outputs, runs }: TracedRuns, signal?: AbortSignal) {
  return inTemporaryFolder(async (folder) => {
    const onNotice = () => undefined;
    const session = await createNodeSession(model, { device, threads, onNotice, tracePrefix: join(folder, "trace") });
    const isNative = session.device !== "wasm";
    try {
      if (!isNative) throw new SessionError("the WebAssembly engine records no trace");
      for (let i = 0; i < runs; i++) await session.run(feeds, { outputs, ...(signal === undefined ? {} : { signal }) });
    } finally {
      await session.dispose();
    }
    const [name] = await readdir(folder);
    if (name === undefined) throw new SessionError("the engine wrote no trace");
    const path = join(folder, name);
    const { size } = await stat(path);
    if (size > MAX_TRACE_BYTES) throw new LimitError("a trace", size, MAX_TRACE_BYTES, "bytes", "trace fewer runs");
    return readFile(path, "utf8");
  });
}

async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "saccade-bench-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
