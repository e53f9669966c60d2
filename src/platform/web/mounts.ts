// Folders that are only read, laid over a page's files under paths of their own: what a person has chosen, what a server has, what is bundled.
import { LimitError, NotFoundError, SaccadeError } from "../../errors.ts";
import type { FileEntry } from "../host.ts";
import { besideOf } from "./beside.ts";
import { joinPath, pathInside } from "./paths.ts";
import { bytesOfBlob } from "./storage-faults.ts";
import type { WebFiles } from "./web-files.ts";

/** What is at a path of a folder, and how to get it. A folder has no size. */
export type MountEntry =
  | { readonly kind: "folder"; readonly names: readonly string[] }
  | { readonly kind: "file"; readonly size: number; readonly read: ReadPart };

/** All of a file, or its bytes from `start` to `end`. */
type ReadPart = (start?: number, end?: number) => Promise<Uint8Array>;

/** A folder that is only read. */
export interface Mount {
  /** Its path. */
  readonly root: string;
  /** What it lacks, and what is written, is in the files below. Default: nothing is, and nothing can be written. */
  readonly isOverlay?: boolean;
  /** @param path inside, "" for the folder itself */
  entry(path: string): Promise<MountEntry | undefined>;
}

/** Files with folders laid over them. */
export class MountedFiles implements WebFiles {
  readonly #base: WebFiles;
  readonly #mounts: readonly Mount[];

  constructor(base: WebFiles, mounts: readonly Mount[]) {
    this.#base = base;
    this.#mounts = mounts;
  }

  async read(path: string, options: { maxBytes?: number } = {}): Promise<Uint8Array> {
    const found = await this.#find(path);
    if (found === "below") return this.#base.read(path, options);
    if (found === undefined) throw new NotFoundError("file", path);
    if (found.kind === "folder")
      throw new SaccadeError("is_directory", `cannot read ${path}: it is a folder, not a file`);
    const { maxBytes = Number.POSITIVE_INFINITY } = options;
    if (found.size > maxBytes) throw new LimitError(path, found.size, maxBytes, "bytes");
    return found.read();
  }

  async readRange(path: string, start: number, length: number): Promise<Uint8Array> {
    const found = await this.#find(path);
    if (found === "below") return this.#base.readRange(path, start, length);
    if (found?.kind !== "file") throw new NotFoundError("file", path);
    return found.read(start, start + length);
  }

  async readBeside(path: string, name: string, options?: { maxBytes?: number }): Promise<Uint8Array> {
    return this.read(besideOf(path, name), options);
  }

  async stat(path: string): Promise<FileEntry | undefined> {
    const found = await this.#find(path);
    if (found === "below") return this.#base.stat(path);
    if (found === undefined) return undefined;
    return { path, isDirectory: found.kind === "folder", size: found.kind === "folder" ? 0 : found.size };
  }

  async list(path: string): Promise<readonly FileEntry[]> {
    const found = await this.#find(path);
    if (found === "below") return this.#base.list(path);
    if (found?.kind !== "folder") throw new NotFoundError("folder", path);
    const entries = await Promise.all(found.names.map((name) => this.stat(joinPath(path, name))));
    return entries.filter((entry) => entry !== undefined).toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  async writeAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
    return this.#writable(path).writeAtomic(path, bytes);
  }

  async append(path: string, bytes: Uint8Array | string): Promise<void> {
    return this.#writable(path).append(path, bytes);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#writable(to);
    return this.#writable(from).rename(from, to);
  }

  async remove(path: string): Promise<void> {
    return this.#writable(path).remove(path);
  }

  async makeDirectory(path: string): Promise<void> {
    return this.#writable(path).makeDirectory(path);
  }

  async lock(folder: string): Promise<AsyncDisposable> {
    return this.#writable(folder).lock(folder);
  }

  join(...parts: string[]): string {
    return joinPath(...parts);
  }

  /** What is at a path; "below" where no folder that is laid over has it. */
  async #find(path: string): Promise<MountEntry | undefined | "below"> {
    for (const mount of this.#mounts) {
      const inside = pathInside(mount.root, path);
      if (inside === undefined) continue;
      const found = await mount.entry(inside);
      return found ?? (mount.isOverlay === true ? "below" : undefined);
    }
    return "below";
  }

  #writable(path: string): WebFiles {
    const isCovered = this.#mounts.some((mount) => !mount.isOverlay && pathInside(mount.root, path) !== undefined);
    if (!isCovered) return this.#base;
    throw new SaccadeError("file_erofs", `cannot write ${path}: what was chosen or fetched is only read`, {
      hint: "save it under a name of your own",
      data: { path },
    });
  }
}

/** Chosen files by their paths. */
export function chosenFiles(root: string, files: ReadonlyMap<string, Blob>): Mount {
  const paths = [...files.keys()];
  return {
    root,
    async entry(path) {
      const file = files.get(path);
      if (file !== undefined) {
        const name = joinPath(root, path);
        return chosenFile(file, name);
      }
      const start = path === "" ? "" : `${path}/`;
      const below = paths.filter((one) => one.startsWith(start)).map((one) => one.slice(start.length).split("/")[0]!);
      return below.length === 0 ? undefined : { kind: "folder", names: [...new Set(below)] };
    },
  };
}

/** A folder that was chosen with a picker, or dropped. Files are found when they are asked for. */
export function chosenFolder(root: string, handle: FileSystemDirectoryHandle): Mount {
  const find = async (parts: readonly string[]): Promise<FileSystemHandle | undefined> => {
    let folder = handle;
    for (const [i, part] of parts.entries()) {
      const isLast = i === parts.length - 1;
      const file = isLast ? await folder.getFileHandle(part).catch(() => undefined) : undefined;
      if (file !== undefined) return file;
      const inner = await folder.getDirectoryHandle(part).catch(() => undefined);
      if (inner === undefined) return undefined;
      folder = inner;
    }
    return folder;
  };
  return {
    root,
    async entry(path) {
      const found = await find(path === "" ? [] : path.split("/"));
      if (found === undefined) return undefined;
      if (found.kind === "directory") {
        const names: string[] = [];
        for await (const name of (found as FileSystemDirectoryHandle).keys()) names.push(name);
        return { kind: "folder", names };
      }
      const file = await (found as FileSystemFileHandle).getFile();
      return chosenFile(file, joinPath(root, path));
    },
  };
}

const chosenFile = (file: Blob, name: string): MountEntry => ({
  kind: "file",
  size: file.size,
  read: (start = 0, end = file.size) => bytesOfBlob(file.slice(start, end), name),
});

/** A file that can only be had whole. */
export const wholeFile = (size: number, read: () => Promise<Uint8Array>): MountEntry => ({
  kind: "file",
  size,
  read: async (start, end) => (start === undefined ? read() : (await read()).subarray(start, end)),
});
