// Staged sessions in Node: all stages of a model in one worker thread.
import type { SessionOptions } from "../../runtime/session.ts";
import { openStagedSession, type StagedEngineSession } from "../engine/staged-worker-session.ts";
import type { ThreadSurroundings } from "./engine-port.ts";
import { engineSection } from "./engine-section.ts";
import { engineThread } from "./engine-thread.ts";
import { printNotice, sessionThreads } from "./session.ts";
import { workerEntry } from "./workers.ts";

/** A staged session in a worker thread of this process. */
export type NodeStagedSession = StagedEngineSession;

/**
 * Loads stages in a new worker thread, all of them on one device. Devices and errors are those of `createNodeSession`.
 *
 * @param models ONNX bytes by stage
 * @param entry the worker's module, for tests
 */
export async function createStagedNodeSession(
  models: ReadonlyMap<string, Uint8Array>,
  options: Omit<SessionOptions, "state" | "tracePrefix"> = {},
  entry: URL = workerEntry("staged-worker"),
): Promise<NodeStagedSession> {
  const { device = "auto", onNotice = printNotice, signal } = options;
  const threads = sessionThreads(options.threads, onNotice);
  const section = engineSection();
  const surroundings: ThreadSurroundings = { section, tracePrefix: undefined };
  return openStagedSession(models, {
    start: engineThread(entry, section),
    device,
    threads,
    surroundings,
    onNotice,
    signal,
  });
}
