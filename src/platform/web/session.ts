// Sessions in a page. ONNX Runtime blocks the thread that calls it, so each session lives in a module worker of its own, and the page never waits.
import type { SessionOptions } from "../../runtime/session.ts";
import { openStagedSession, type StagedEngineSession } from "../engine/staged-worker-session.ts";
import { type EngineSession, openSession } from "../engine/worker-session.ts";
import { engineFiles } from "./engine-files.ts";
import { engineThread } from "./engine-thread.ts";
import type { PageSurroundings } from "./open-engine.ts";
import { sessionThreads } from "./threads.ts";

/** A session in a worker of this page. */
export type WebSession = EngineSession;

/** Written out so that bundlers see it. */
const spawnSessionWorker = (): Worker =>
  new Worker(new URL("./session-worker.js", import.meta.url), { type: "module" });

/**
 * Loads a model in a new worker. "auto" is WebGPU where there is a graphics card that computes the same as WebAssembly and is faster, else
 * WebAssembly; a notice says which, and why. A device asked for by name is that device or an error.
 *
 * @param model ONNX bytes. They may change afterwards, unless they lie in a SharedArrayBuffer: then not before this resolves.
 * @param spawn makes the worker, for tests
 * @throws SessionError for bytes that are no model, a model that the engine refuses, a device that is not there, engine files that are not found
 * @throws AbortedError when `options.signal` fires before the model is loaded
 * @throws UsageError for an unknown device or a number of threads that is not a whole number of at least 1
 * @example
 * await using session = await createWebSession(new Uint8Array(await (await fetch("model.onnx")).arrayBuffer()));
 * const { logits } = await session.run({ image: tensor("float32", [1, 3, 224, 224], pixels) });
 */
export async function createWebSession(
  model: Uint8Array,
  options: Omit<SessionOptions, "tracePrefix"> = {},
  spawn: () => Worker = spawnSessionWorker,
): Promise<WebSession> {
  const { state = {} } = options;
  return openSession(model, { ...requestOf(options, spawn), state });
}

/**
 * Loads stages in a new worker, all of them on one device. Devices and errors are those of `createWebSession`.
 *
 * @param models ONNX bytes by stage
 * @param spawn makes the worker, for tests
 */
export async function createStagedWebSession(
  models: ReadonlyMap<string, Uint8Array>,
  options: Omit<SessionOptions, "state" | "tracePrefix"> = {},
  spawn: () => Worker = spawnSessionWorker,
): Promise<StagedEngineSession> {
  return openStagedSession(models, requestOf(options, spawn));
}

function requestOf(options: SessionOptions, spawn: () => Worker) {
  const { check = true, device = "auto", onNotice = printNotice, signal } = options;
  const { threads, because: fewThreads } = sessionThreads(options.threads);
  const surroundings: PageSurroundings = { files: engineFiles(), check, fewThreads };
  return { start: engineThread(spawn), device, threads, surroundings, onNotice, signal };
}

const printed = new Set<string>();

/** To the console, each line once in a page: the sessions of a pool all have the same to say. */
export function printNotice(line: string): void {
  if (printed.has(line)) return;
  printed.add(line);
  console.info(line);
}
