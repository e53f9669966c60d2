// The Host of Node: fs, sharp, and ONNX Runtime in worker threads.
import { resolve } from "node:path";
import type { SessionOptions } from "../../runtime/session.ts";
import { build } from "../../version.ts";
import type { DigestHost, EmbeddingsHost, Host, JpegHost, KeepingHost, VideoHost, VideoWritingHost } from "../host.ts";
import { encodeJpeg, encodePng } from "./decode.ts";
import { sha256 } from "./digest.ts";
import { layTextOver } from "./draw-text.ts";
import { startAhead } from "./engine-thread.ts";
import { nodeFiles } from "./files.ts";
import { nodeFolders } from "./folders.ts";
import { createKeptSession } from "./kept-session.ts";
import { describeMachine } from "./machine.ts";
import { decodeEmbeddingsInThread } from "./parquet-thread.ts";
import { pathOf } from "./path-of.ts";
import { readRange } from "./read-range.ts";
import { createNodeSession, type NodeSession } from "./session.ts";
import { createStagedNodeSession } from "./staged-session.ts";
import { encodeVideo } from "./video/encode-video.ts";
import { openLive } from "./video/open-live.ts";
import { openVideo } from "./video/open-video.ts";
import { decodePicture } from "./view-workers.ts";
import { workerEntry } from "./workers.ts";

export interface NodeHost
  extends Host,
    DigestHost,
    EmbeddingsHost,
    JpegHost,
    Pick<KeepingHost, "expectSession">,
    Partial<Pick<KeepingHost, "createKeptSession">>,
    VideoHost,
    VideoWritingHost {
  createSession(model: Uint8Array, options?: SessionOptions): Promise<NodeSession>;
}

const machine = describeMachine();

/** Sources keep nothing: they may be others the next time. */
const keptSessions: Pick<KeepingHost, "createKeptSession"> = {
  createKeptSession: (key, model, options) => createKeptSession(machine, key, model, options),
};

/** The machine this process runs on. It holds no state: sessions belong to whoever made them. */
export const nodeHost: NodeHost = {
  machine,
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
  ...(build === undefined ? {} : keptSessions),
  expectSession: () => startAhead(workerEntry("session-worker")),
  sha256,
  openVideo,
  encodeVideo,
  openLive,
  createStagedSession: (models, options) => createStagedNodeSession(models, options),
};
