// Sessions whose optimised model is kept for the next process. For the CPU alone: that is where optimising is the longest part of loading, and what other
// providers make of a graph cannot be written down.
import { join } from "node:path";
import { AbortedError, SessionError } from "../../errors.ts";
import type { SessionOptions } from "../../runtime/session.ts";
import { build } from "../../version.ts";
import type { MachineFacts } from "../host.ts";
import { nodeFolders } from "./folders.ts";
import { KeptGraphs } from "./kept-graphs.ts";
import { hasCudaProvider, nativeEngineVersion } from "./native-engine.ts";
import { createNodeSession, type NodeSession, openNodeSession } from "./session.ts";

/** Turns it off: SACCADE_GRAPH_CACHE=0. */
const SWITCH = "SACCADE_GRAPH_CACHE";

export interface KeptSessionOptions extends SessionOptions {
  /** Where files are kept. Default: in the cache folder. */
  readonly graphs?: KeptGraphs;
  /** What the program that makes the models was built from. Default: this build; undefined, for sources, keeps nothing. */
  readonly madeBy?: string | undefined;
}

/**
 * A session as `createNodeSession` opens it. It takes what an earlier process has left, and leaves something where there is nothing.
 *
 * @param key names what decides the model's bytes
 * @param model makes the bytes
 */
export async function createKeptSession(
  machine: Pick<MachineFacts, "processor" | "simd">,
  key: string,
  model: () => Uint8Array,
  { graphs = ownGraphs(), madeBy = build, ...options }: KeptSessionOptions = {},
): Promise<NodeSession> {
  const engine = madeBy === undefined || process.env[SWITCH] === "0" ? undefined : keepingEngine(options);
  if (engine === undefined) return createNodeSession(model(), options);
  const place = [process.platform, process.arch, machine.processor, ...machine.simd];
  const name = KeptGraphs.nameOf([madeBy!, engine, ...place, key]);
  const kept = await graphs.find(name);
  if (kept !== undefined)
    try {
      return await openNodeSession(kept, options, { graph: { isOptimized: true } });
    } catch (error) {
      if (error instanceof AbortedError || !(error instanceof SessionError)) throw error;
      await graphs.remove(name);
    }
  const bytes = model();
  const saveAs = await graphs.begin();
  if (saveAs === undefined) return createNodeSession(bytes, options);
  try {
    const session = await openNodeSession(bytes, options, { graph: { saveAs } });
    void graphs.finish(saveAs, name); // nobody waits for it, and it never throws
    return session;
  } catch (error) {
    await graphs.discard(saveAs); // what was written of it takes room, perhaps the last there was
    if (!(error instanceof SessionError)) throw error;
    // What is wrong may be the file that was to be written.
    return createNodeSession(bytes, options);
  }
}

const ownGraphs = () => new KeptGraphs(join(nodeFolders.cache, "graphs"));

/** The engine that a session would have, if it is one whose models are kept. */
function keepingEngine({ device = "auto", state, tracePrefix }: SessionOptions): string | undefined {
  if ((device !== "auto" && device !== "cpu") || state !== undefined || tracePrefix !== undefined) return undefined;
  try {
    if (device === "auto" && hasCudaProvider()) return undefined;
    return `onnxruntime-node ${nativeEngineVersion()}`;
  } catch {
    return undefined; // not installed
  }
}
