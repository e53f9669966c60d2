// The local disk as plans see it. Looking at ten million files one promise at a time would take many minutes, so folders are walked in slices that
// do not wait, with a pause for everything else between them.
import { constants, type Dir, opendirSync, realpathSync, type Stats, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { LimitError, NotFoundError, SaccadeError } from "../../../errors.ts";
import { isHidden } from "../../../image/picture-files.ts";
import { changed, type ReadStored, type Storage, type StoredObject } from "../../../jobs/storage.ts";
import { nodeDataFiles } from "../data-files.ts";

/** Objects that are given together, and looked at without a pause. */
const BATCH = 2048;
/** Names of one folder that are put in order; of larger ones, as many at a time. */
const SORTED = 250_000;

export const localStorage: Storage = {
  stat: async (path) => {
    const info = lookAt(path);
    return info === undefined ? undefined : { ...objectOf(path, info), isFolder: info.isDirectory() };
  },
  async statAll(paths) {
    const found: (StoredObject | undefined)[] = [];
    for (const path of paths) {
      const info = lookAt(path);
      found.push(info?.isFile() === true ? objectOf(path, info) : undefined);
      if (found.length % BATCH === 0) await setImmediate();
    }
    return found;
  },
  walk,
  read: (path, options) => reading(path, options, (size) => [0, size]),
  readRange: (path, start, length, options) => reading(path, options, () => [start, length]),
  dataFiles: nodeDataFiles,
};

const lookAt = (path: string): Stats | undefined => {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // a file in the place of a folder, links in circles, no permission: nothing that could be read
  }
};

const etagOf = ({ size, mtimeMs }: Pick<Stats, "size" | "mtimeMs">): string =>
  `${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}`;
const objectOf = (path: string, info: Stats): StoredObject => ({ path, size: info.size, etag: etagOf(info) });

async function* walk(folder: string, isWanted: (path: string) => boolean): AsyncGenerator<readonly StoredObject[]> {
  yield* walkBelow(folder, isWanted, new Set([realpathSync(folder)]));
}

async function* walkBelow(
  folder: string,
  isWanted: (path: string) => boolean,
  /** Where links led: nobody walks in circles. */
  linked: Set<string>,
): AsyncGenerator<readonly StoredObject[]> {
  const opened = openFolder(folder);
  try {
    for (let isMore = true; isMore; ) {
      const entries: { name: string; isLink: boolean }[] = [];
      while (entries.length < SORTED) {
        const entry = opened.readSync();
        if (entry === null) {
          isMore = false;
          break;
        }
        if (!isHidden({ path: entry.name })) entries.push({ name: entry.name, isLink: entry.isSymbolicLink() });
        if (entries.length % (8 * BATCH) === 0) await setImmediate();
      }
      entries.sort((a, b) => (a.name < b.name ? -1 : 1));
      let batch: StoredObject[] = [];
      for (const { name, isLink } of entries) {
        const path = join(folder, name);
        const info = lookAt(path);
        if (info?.isDirectory() === true) {
          if (isLink && !isNew(path, linked)) continue;
          if (batch.length > 0) yield batch;
          batch = [];
          yield* walkBelow(path, isWanted, linked);
        } else if (info?.isFile() === true && isWanted(path)) batch.push(objectOf(path, info));
        if (batch.length < BATCH) continue;
        yield batch;
        batch = [];
        await setImmediate();
      }
      if (batch.length > 0) yield batch;
    }
  } finally {
    opened.closeSync();
  }
}

function openFolder(folder: string): Dir {
  try {
    return opendirSync(folder, { bufferSize: 1024 });
  } catch (error) {
    throw failure(error, "list", folder);
  }
}

function isNew(path: string, linked: Set<string>): boolean {
  const real = realpathSync(path);
  if ([...linked].some((known) => known === real || known.startsWith(`${real}/`))) return false;
  linked.add(real);
  return true;
}

async function reading(
  path: string,
  { etag, maxBytes = Number.POSITIVE_INFINITY }: ReadStored = {},
  part: (size: number) => readonly [start: number, length: number],
): Promise<Uint8Array> {
  try {
    // Without O_NONBLOCK, opening a named pipe waits for its writer, forever perhaps.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const info = await file.stat();
      if (!info.isFile()) throw new SaccadeError("not_a_file", `cannot read ${path}: it is not a regular file`);
      if (etag !== undefined && etagOf(info) !== etag) throw changed(path);
      const [start, length] = part(info.size);
      if (length > maxBytes) throw new LimitError(path, length, maxBytes, "bytes");
      const bytes = new Uint8Array(Math.max(0, Math.min(length, info.size - start)));
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await file.read(bytes, filled, Math.min(bytes.length - filled, 2 ** 30), start + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled === bytes.length ? bytes : bytes.slice(0, filled);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw failure(error, "read", path);
  }
}

function failure(error: unknown, action: string, path: string): SaccadeError {
  if (error instanceof SaccadeError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOENT" || code === "ENOTDIR") return new NotFoundError(action === "list" ? "folder" : "file", path);
  const reason = code === "EACCES" ? "permission denied" : error instanceof Error ? error.message : String(error);
  return new SaccadeError(code === "" ? "file" : `file_${code.toLowerCase()}`, `cannot ${action} ${path}: ${reason}`, {
    cause: error,
  });
}
