// The Host of a page: the browser's storage and decoders, and ONNX Runtime in module workers.
import type { UrlLike } from "../../byte-sources.ts";
import { UsageError } from "../../errors.ts";
import type { SessionOptions } from "../../runtime/session.ts";
import type { DigestHost, EmbeddingsHost, Host, PictureHost, VideoHost } from "../host.ts";
import { isAddress } from "./address.ts";
import { BUNDLED_ROOT } from "./bundled-models.ts";
import { sha256 } from "./digest.ts";
import { MemoryFiles } from "./files-memory.ts";
import { OpfsFiles } from "./files-opfs.ts";
import { describeMachine } from "./machine.ts";
import { joinPath } from "./paths.ts";
import { openPicture } from "./picture-source.ts";
import { encodePng } from "./png.ts";
import { CACHE_ROOT } from "./pulled-models.ts";
import { createStagedWebSession, createWebSession, type WebSession } from "./session.ts";
import { layTextOver } from "./text-overlay.ts";
import { ViewThread } from "./view-thread.ts";
import type { WebFiles } from "./web-files.ts";

export interface WebHost extends Host, DigestHost, EmbeddingsHost, PictureHost, Pick<VideoHost, "openVideo"> {
  createSession(model: Uint8Array, options?: SessionOptions): Promise<WebSession>;
}

/** The folder of this library in the private file system of a page's origin. */
const FOLDER = "saccade";

/** A page's own files: in the browser's storage, which survives reloads; in memory where the browser gives none. */
export const webFiles: WebFiles = hasStorage()
  ? new OpfsFiles(async () => {
      const root = await navigator.storage.getDirectory();
      return root.getDirectoryHandle(FOLDER, { create: true });
    }, FOLDER)
  : new MemoryFiles();

/** Whether the browser has a file system that a page can write to. Safari before 26 has one that it cannot. */
function hasStorage(): boolean {
  return (
    globalThis.navigator?.storage?.getDirectory !== undefined &&
    typeof FileSystemFileHandle !== "undefined" &&
    "createWritable" in FileSystemFileHandle.prototype
  );
}

/** The page's own; its worker starts when the first larger picture comes. */
const views = /* @__PURE__ */ new ViewThread();

/** @param files what it reads and writes; default: the page's own */
export function createWebHost(files: WebFiles = webFiles): WebHost {
  return {
    machine: describeMachine(),
    files,
    pathOf,
    folders: { cache: CACHE_ROOT, bundledModels: BUNDLED_ROOT },
    decode: (bytes, options) => views.decode(bytes, options),
    // A string that could be either is a file of the page before it is an address.
    openPicture: async (source, options) =>
      typeof source === "string" && !isAddress(source) && (await files.stat(source)) !== undefined
        ? undefined
        : openPicture(source, options),
    openVideo: async (source, options) => {
      const { openVideo } = await import("./video/open-video.ts");
      return openVideo(files, source, options);
    },
    encodePng,
    layTextOver,
    sha256,
    decodeEmbeddings: async (request) => {
      const { decodeEmbeddings } = await import("../../embeddings/decode-embeddings.ts");
      return decodeEmbeddings(files, request);
    },
    readRange: (path, start, length) => files.readRange(path, start, length),
    absolutePath: (path) => joinPath(path),
    createSession: (model, options) => createWebSession(model, options),
    createStagedSession: (models, options) => createStagedWebSession(models, options),
  };
}

function pathOf({ href }: UrlLike): string {
  throw new UsageError(`an address is not a path in the browser's storage: ${href.slice(0, 200)}`);
}
