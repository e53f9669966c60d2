// Files on the local disk.

import { constants as bufferConstants } from "node:buffer";
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, realpath, rename, rm, stat, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { joinBytes } from "../../byte-sources.ts";
import { LimitError, NotFoundError, SaccadeError } from "../../errors.ts";
import type { FileEntry, Files } from "../host.ts";
import { realPathBeside } from "./beside.ts";
import { lockFolder } from "./folder-lock.ts";
import { makeDirectory } from "./make-directory.ts";
import { writeInto, writeTarget } from "./special-files.ts";

/** The file system of this process. Relative paths are relative to the working directory. */
export const nodeFiles: Files = {
  read: readWhole,
  readBeside: async (path, name, options) => {
    const found = await realPathBeside(path, name).catch((error: unknown) =>
      explain(error, "read", join(dirname(path), name)),
    );
    return readWhole(found, options);
  },
  writeAtomic,
  append,
  rename: move,
  remove,
  stat: describe,
  list,
  makeDirectory: async (path) => {
    await makeDirectory(path).catch((error: unknown) => {
      if (errorCode(error) !== "ENOENT") return explain(error, "make the folder", path);
      throw fileError("file_enoent", "make the folder", path, "nothing can be made there", undefined, error);
    });
  },
  lock: (folder) => lockFolder(folder).catch((error: unknown) => explain(error, "write into", folder, folder)),
  join: (...parts) => join(...parts),
};

/** Never opened by mistake: a device or pipe would block or never end. */
const NOT_A_FILE_HINT = "pass the path of a regular file";

/** The longest run of bytes that this version of Node has: 4 GiB in Node 20, more in later ones. */
const MAX_IN_ONE_PIECE = bufferConstants.MAX_LENGTH;
const ONE_PIECE_HINT =
  "files are read in one piece, and this is the longest that this version of Node takes; later versions take longer ones";

async function readWhole(path: string, options: { maxBytes?: number } = {}): Promise<Uint8Array> {
  const { maxBytes = Number.POSITIVE_INFINITY } = options;
  // Without O_NONBLOCK, opening a named pipe waits for its writer, forever perhaps.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((error: unknown) =>
    explain(error, "read", path),
  );
  try {
    const info = await file.stat();
    if (info.isDirectory()) throw fileError("is_directory", "read", path, "it is a folder, not a file");
    if (!info.isFile()) throw fileError("not_a_file", "read", path, "it is not a regular file", NOT_A_FILE_HINT);
    if (info.size > maxBytes) throw new LimitError(path, info.size, maxBytes, "bytes");
    if (info.size > MAX_IN_ONE_PIECE) throw new LimitError(path, info.size, MAX_IN_ONE_PIECE, "bytes", ONE_PIECE_HINT);
    // /proc and the like say 0; reading on to the end also notices a file that grows past the limit meanwhile.
    return info.size === 0 ? await readUnsized(file, path, maxBytes) : await readSized(file, info.size);
  } catch (error) {
    return explain(error, "read", path);
  } finally {
    await file.close();
  }
}

async function readSized(file: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let filled = 0;
  while (filled < size) {
    const { bytesRead } = await file.read(bytes, filled, Math.min(size - filled, 2 ** 30), filled);
    if (bytesRead === 0) break; // it shrank meanwhile
    filled += bytesRead;
  }
  return filled === size ? bytes : bytes.slice(0, filled);
}

async function readUnsized(file: FileHandle, path: string, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const part = new Uint8Array(65536);
    const { bytesRead } = await file.read(part, 0, part.length, null);
    if (bytesRead === 0) break;
    total += bytesRead;
    if (total > maxBytes) throw new LimitError(path, total, maxBytes, "bytes");
    if (total > MAX_IN_ONE_PIECE) throw new LimitError(path, total, MAX_IN_ONE_PIECE, "bytes", ONE_PIECE_HINT);
    parts.push(part.subarray(0, bytesRead));
  }
  return joinBytes(parts);
}

async function writeAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
  const target = await writeTarget(path).catch((error: unknown) => explain(error, "write", path));
  if (target.isWrittenInto) {
    await writeInto(target.path, bytes).catch((error: unknown) => {
      if (errorCode(error) !== "ENXIO") return explain(error, "write", path);
      throw fileError("file_enxio", "write", path, "it is a pipe that nobody reads", "start its reader first", error);
    });
    return;
  }
  const folder = dirname(target.path);
  // Beside the target, because a rename is atomic only within one file system.
  const temporary = join(folder, `.${basename(target.path)}.${process.pid}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const file = await open(temporary, "wx", target.mode ?? 0o666);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target.path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined); // it may never have been made
    return explain(error, "write", path, folder);
  }
  await syncFolder(folder);
}

async function append(path: string, bytes: Uint8Array | string): Promise<void> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK = 0 } = constants;
  try {
    // Without O_NONBLOCK, opening a named pipe waits for its reader, forever perhaps.
    const file = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o666);
    try {
      await file.writeFile(bytes);
    } finally {
      await file.close();
    }
  } catch (error) {
    explain(error, "append to", path, dirname(path));
  }
}

async function move(from: string, to: string): Promise<void> {
  // rename() itself would replace a file, or a folder that happens to be empty.
  const taken = await lstat(to).catch(() => undefined);
  if (taken !== undefined) throw fileError("file_eexist", "rename", from, `${to} is in the way`);
  // Said here, because to rename() a missing source and a missing target folder are the same failure.
  if ((await lstat(from).catch(() => undefined)) === undefined) throw new NotFoundError("file or folder", from);
  await rename(from, to).catch((error: unknown) => explain(error, "rename", from, dirname(to)));
  await syncFolder(dirname(to));
  if (dirname(from) !== dirname(to)) await syncFolder(dirname(from));
}

async function remove(path: string): Promise<void> {
  // Windows refuses for a moment while something else, a virus scanner say, has a file open.
  await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) =>
    explain(error, "delete", path),
  );
}

/** Makes the rename itself durable. Best effort: Windows cannot open folders, and some file systems refuse. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

async function describe(path: string): Promise<FileEntry | undefined> {
  try {
    const info = await stat(path);
    return { path, isDirectory: info.isDirectory(), size: info.size };
  } catch (error) {
    const code = errorCode(error);
    return code === "ENOENT" || code === "ENOTDIR" ? undefined : explain(error, "look at", path);
  }
}

async function list(path: string): Promise<readonly FileEntry[]> {
  // As bytes: names that are not UTF-8 would turn into others, of which there is no file.
  const inside = await readdir(path, { withFileTypes: true, encoding: "buffer" }).catch((error: unknown) =>
    explain(error, "list", path),
  );
  const named = inside.map((entry) => ({ entry, name: entry.name.toString() }));
  const entries = await Promise.all(
    named.toSorted(byName).map(async ({ entry, name }): Promise<FileEntry | undefined> => {
      const full = join(path, name);
      if (!entry.name.equals(Buffer.from(name)))
        // Listed all the same, so that whoever opens it says why that cannot be done.
        return { path: full, isDirectory: entry.isDirectory(), size: UNKNOWN_SIZE };
      const found = await describe(full).catch(() => undefined);
      if (found?.isDirectory && entry.isSymbolicLink() && (await leadsBack(full))) return undefined;
      if (found !== undefined) return found;
      // A link to nowhere is listed as a file; what was deleted since is not.
      const link = await lstat(full).catch(() => undefined);
      return link === undefined ? undefined : { path: full, isDirectory: false, size: link.size };
    }),
  );
  return entries.filter((entry) => entry !== undefined);
}

/** Of files that are there, but cannot be opened by a name. */
const UNKNOWN_SIZE = 1;
const NAME_HINT = "its name is not UTF-8 text: rename it";

/** By code units, as strings are sorted. */
const byName = (a: { readonly name: string }, b: { readonly name: string }) => (a.name < b.name ? -1 : 1);

/** Whether a link leads to a folder that its own path goes through: who followed it would go in circles. */
async function leadsBack(path: string): Promise<boolean> {
  try {
    const target = await realpath(path);
    let outer = resolve(path);
    while (outer !== dirname(outer)) {
      outer = dirname(outer);
      if ((await realpath(outer)) === target) return true;
    }
    return false;
  } catch {
    return false; // it went away meanwhile: whoever opens it is told
  }
}

const errorCode = (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : "");

const REASONS: Readonly<Record<string, readonly [reason: string, hint?: string]>> = {
  EACCES: ["permission denied", "check who owns it and its mode"],
  EPERM: ["not permitted", "check who owns it and its mode"],
  EISDIR: ["it is a folder, not a file"],
  ENOTDIR: ["a part of the path is a file, not a folder"],
  EEXIST: ["a file of this name is in the way"],
  ENOSPC: ["the disk is full"],
  EDQUOT: ["the disk quota is used up"],
  EROFS: ["the file system is read-only"],
  EMFILE: ["too many open files", "raise the limit: ulimit -n"],
  ENAMETOOLONG: ["the name is too long"],
  ELOOP: ["its links go in circles"],
  ENXIO: ["it is not a regular file", NOT_A_FILE_HINT],
};

/** Turns a system error into one of ours; `missing` is what is absent when nothing is at the path (for a write: the folder). */
function explain(error: unknown, action: string, path: string, missing?: string): never {
  if (error instanceof SaccadeError) throw error;
  const code = errorCode(error);
  if (code === "ENOENT")
    throw missing === undefined
      ? new NotFoundError(action === "list" ? "folder" : "file", path, path.includes("\ufffd") ? NAME_HINT : undefined)
      : new NotFoundError("folder", missing, `make it before writing ${basename(path)}`);
  const [reason, hint] = REASONS[code] ?? [error instanceof Error ? error.message : String(error)];
  throw fileError(code === "" ? "file" : `file_${code.toLowerCase()}`, action, path, reason, hint, error);
}

function fileError(
  code: string,
  action: string,
  path: string,
  reason: string,
  hint?: string,
  cause?: unknown,
): SaccadeError {
  return new SaccadeError(code, `cannot ${action} ${path}: ${reason}`, {
    ...(hint === undefined ? {} : { hint }),
    data: { path, action, reason },
    cause,
  });
}
