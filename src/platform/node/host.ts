// The Host of Node: fs, sharp, and ONNX Runtime in worker threads.
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { UrlLike } from "../../byte-sources.ts";
import { UsageError } from "../../errors.ts";
import type { SessionOptions } from "../../runtime/session.ts";
import type { DigestHost, EmbeddingsHost, Host, JpegHost } from "../host.ts";
import { encodeJpeg, encodePng } from "./decode.ts";
import { sha256 } from "./digest.ts";
import { layTextOver } from "./draw-text.ts";
import { nodeFiles } from "./files.ts";
import { nodeFolders } from "./folders.ts";
import { describeMachine } from "./machine.ts";
import { decodeEmbeddingsInThread } from "./parquet-thread.ts";
import { readRange } from "./read-range.ts";
import { createNodeSession, type NodeSession } from "./session.ts";
import { createStagedNodeSession } from "./staged-session.ts";
import { decodePicture } from "./view-workers.ts";

export interface NodeHost extends Host, DigestHost, EmbeddingsHost, JpegHost {
  createSession(model: Uint8Array, options?: SessionOptions): Promise<NodeSession>;
}

/** The machine this process runs on. It holds no state: sessions belong to whoever made them. */
export const nodeHost: NodeHost = {
  machine: describeMachine(),
  files: nodeFiles,
  pathOf,
  folders: nodeFolders,
  decode: decodePicture,
  encodePng,
  encodeJpeg,
  layTextOver,
  decodeEmbeddings: decodeEmbeddingsInThread,
  readRange,
  absolutePath: (path) => resolve(path),
  createSession: (model, options) => createNodeSession(model, options),
  sha256,
  createStagedSession: (models, options) => createStagedNodeSession(models, options),
};

function pathOf({ href, protocol }: UrlLike): string {
  if (protocol !== "file:")
    throw new UsageError(`addresses are not fetched: ${href.slice(0, 200)}`, "hand over what fetch answers");
  try {
    return fileURLToPath(href);
  } catch (error) {
    throw new UsageError(`${href} names no file here`, error instanceof Error ? error.message : undefined);
  }
}
