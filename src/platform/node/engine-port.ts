// The worker's side of a session in a thread of Node.
import type { MessagePort } from "node:worker_threads";
import type { OpenEngine, ServerPort } from "../engine/serve-requests.ts";
import { type EngineLoaders, openEngine } from "./engine.ts";
import type { EngineSection } from "./engine-section.ts";
import type { GraphWork } from "./graph-work.ts";

/** What a session's owner tells its thread besides the model. */
export interface ThreadSurroundings {
  readonly section: EngineSection;
  /** Where to record what operators take; see SessionOptions. */
  readonly tracePrefix: string | undefined;
  readonly graph?: GraphWork | undefined;
}

export function serverPort(port: MessagePort): ServerPort {
  return {
    post: (message, transfer = []) => port.postMessage(message, transfer),
    listen: (onMessage, onUnreadable) => {
      port.on("messageerror", (error: Error) => onUnreadable(error.message));
      port.on("message", onMessage);
    },
    exit: (code) => process.exit(code), // of this thread only
  };
}

/** Opens models with the builds that `loaders` give. */
export function engineOpener(loaders: EngineLoaders): OpenEngine<ThreadSurroundings> {
  return (model, { surroundings, ...request }) => openEngine(model, { ...request, ...surroundings, loaders });
}
