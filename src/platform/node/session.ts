// Sessions in Node. ONNX Runtime blocks the thread that calls it, native and WebAssembly alike, so each session lives in a worker thread of its
// own and the caller's event loop stays free, while the model loads too.
import { UsageError } from "../../errors.ts";
import type { SessionOptions } from "../../runtime/session.ts";
import { type EngineSession, openSession } from "../engine/worker-session.ts";
import type { ThreadSurroundings } from "./engine-port.ts";
import { engineSection } from "./engine-section.ts";
import { engineThread } from "./engine-thread.ts";
import type { GraphWork } from "./graph-work.ts";
import { machineCores, usableCores } from "./machine.ts";
import { workerEntry } from "./workers.ts";

/** A session in a worker thread of this process. */
export type NodeSession = EngineSession;

/**
 * Loads a model in a new worker thread. "auto" is CUDA where its library works, else the CPU, else WebAssembly with a notice; a device asked
 * for by name is that device or an error.
 *
 * An idle session does not keep the process alive, a run under way does.
 *
 * @param model ONNX bytes. They may change afterwards, unless they lie in a SharedArrayBuffer: then not before this resolves.
 * @param entry the worker's module, for tests
 * @throws SessionError for bytes that are no model, a model that the engine refuses, a device that is not there
 * @throws AbortedError when `options.signal` fires before the model is loaded
 * @throws UsageError for an unknown device or a number of threads that is not a whole number of at least 1
 * @example
 * await using session = await createNodeSession(await readFile("model.onnx"), { threads: 2 });
 * const { logits } = await session.run({ image: tensor("float32", [1, 3, 224, 224], pixels) });
 */
export function createNodeSession(
  model: Uint8Array,
  options: SessionOptions = {},
  entry: URL = workerEntry("session-worker"),
): Promise<NodeSession> {
  return openNodeSession(model, options, { entry });
}

/** The same, with what is to be done about the model's graph. Bytes of an optimised one are given away: they are gone afterwards. */
export async function openNodeSession(
  model: Uint8Array,
  options: SessionOptions,
  { entry = workerEntry("session-worker"), graph }: { readonly entry?: URL; readonly graph?: GraphWork },
): Promise<NodeSession> {
  const { device = "auto", onNotice = printNotice, signal, state = {}, tracePrefix } = options;
  const threads = sessionThreads(options.threads, onNotice);
  const section = engineSection();
  const surroundings: ThreadSurroundings = { section, tracePrefix, graph };
  const start = engineThread(entry, section);
  const givesModel = graph?.isOptimized;
  return openSession(model, { start, device, threads, state, surroundings, onNotice, signal, givesModel });
}

/**
 * How many threads a session gets: no more than the machine has cores, because the engine's threads spin while they wait, and thousands of them
 * never get anywhere.
 *
 * @param asked default: all cores that this process may use
 * @throws UsageError for what is not a whole number of at least 1
 */
export function sessionThreads(asked: number | undefined, onNotice: (line: string) => void): number {
  const threads = asked ?? usableCores();
  if (!Number.isInteger(threads) || threads < 1)
    throw new UsageError(`threads must be a whole number of at least 1, got ${threads}`);
  const most = machineCores();
  if (threads <= most) return threads;
  onNotice(`saccade: ${threads} threads are more than the ${most} cores of this machine; taking ${most}`);
  return most;
}

const printed = new Set<string>();

/** To stderr, each line once in a process: the sessions of a pool all have the same to say. */
export function printNotice(line: string): void {
  if (printed.has(line)) return;
  printed.add(line);
  process.stderr.write(`${line}\n`);
}
