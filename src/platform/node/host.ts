// The Host of Node: fs, sharp, and ONNX Runtime in worker threads.
import type { SessionOptions } from "../../runtime/session.ts";
import type { Host } from "../host.ts";
import { decodeWithSharp, encodePng } from "./decode.ts";
import { nodeFiles } from "./files.ts";
import { nodeFolders } from "./folders.ts";
import { describeMachine } from "./machine.ts";
import { createNodeSession, type NodeSession } from "./session.ts";
import { createStagedNodeSession } from "./staged-session.ts";

export interface NodeHost extends Host {
  createSession(model: Uint8Array, options?: SessionOptions): Promise<NodeSession>;
}

/** The machine this process runs on. It holds no state: sessions belong to whoever made them. */
export const nodeHost: NodeHost = {
  machine: describeMachine(),
  files: nodeFiles,
  folders: nodeFolders,
  decode: decodeWithSharp,
  encodePng,
  createSession: (model, options) => createNodeSession(model, options),
  createStagedSession: (models, options) => createStagedNodeSession(models, options),
};
