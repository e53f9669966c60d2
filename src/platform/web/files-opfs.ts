// Files in the origin's private file system, which survives reloads. A browser writes a file beside the old one and swaps them when it is closed, so that
// readers see one or the other. It cannot rename folders: their files are moved one by one, with a note of it that is carried out to its end
// when the tab died in between.
import { LimitError, NotFoundError, SaccadeError } from "../../errors.ts";
import type { FileEntry } from "../host.ts";
import { besideOf } from "./beside.ts";
import { joinPath, partsOf } from "./paths.ts";
import { bytesOfBlob, faultName, storageFault } from "./storage-faults.ts";
import type { WebFiles } from "./web-files.ts";

/** Where a folder is being moved, until it is there. */
const MOVE_NOTE = ".move.json";

/** Chromium, Firefox and Safari have it; the library of types does not. */
interface MovableFile {
  move?(folder: FileSystemDirectoryHandle, name: string): Promise<void>;
}

type Handle = FileSystemFileHandle | FileSystemDirectoryHandle;

export class OpfsFiles implements WebFiles {
  readonly #open: () => Promise<FileSystemDirectoryHandle>;
  readonly #name: string;
  #root: Promise<FileSystemDirectoryHandle> | undefined;
  /** What is being written, by path: writes to one file come after each other. */
  readonly #writing = new Map<string, Promise<void>>();

  /**
   * @param open gives the folder that is "/"
   * @param name of that folder, for locks
   */
  constructor(open: () => Promise<FileSystemDirectoryHandle>, name: string) {
    this.#open = open;
    this.#name = name;
  }

  async read(path: string, { maxBytes = Number.POSITIVE_INFINITY } = {}): Promise<Uint8Array> {
    const file = await this.#file(path);
    if (file.size > maxBytes) throw new LimitError(path, file.size, maxBytes, "bytes");
    return bytesOfBlob(file, path);
  }

  async readRange(path: string, start: number, length: number): Promise<Uint8Array> {
    return bytesOfBlob((await this.#file(path)).slice(start, start + length), path);
  }

  async readBeside(path: string, name: string, options?: { maxBytes?: number }): Promise<Uint8Array> {
    return this.read(besideOf(path, name), options);
  }

  writeAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
    return this.#write(path, "write", async (file) => writeAll(await file.createWritable(), 0, chunk(bytes)));
  }

  append(path: string, bytes: Uint8Array | string): Promise<void> {
    return this.#write(path, "append to", async (file) => {
      const { size } = await file.getFile();
      await writeAll(await file.createWritable({ keepExistingData: true }), size, chunk(bytes));
    });
  }

  async rename(from: string, to: string): Promise<void> {
    const source = await this.#find(from);
    if (source === undefined) throw new NotFoundError("file or folder", from);
    if ((await this.#find(to)) !== undefined)
      throw new SaccadeError("file_eexist", `cannot rename ${from}: ${to} is in the way`, { data: { from, to } });
    const { folder, name } = await this.#place(to);
    try {
      if (source.kind === "file") {
        await moveFile(source, (await this.#place(from)).folder, folder, name);
        return;
      }
      const root = await this.#ready();
      await this.#alone(async () => {
        await writeNote(root, { from, to });
        await carryOut(root, { from, to });
      });
    } catch (error) {
      throw storageFault(error, "rename", from);
    }
  }

  async remove(path: string): Promise<void> {
    try {
      const { folder, name } = await this.#place(path);
      await folder.removeEntry(name, { recursive: true });
    } catch (error) {
      if (error instanceof NotFoundError || faultName(error) === "NotFoundError") return;
      throw storageFault(error, "delete", path);
    }
  }

  async stat(path: string): Promise<FileEntry | undefined> {
    const found = await this.#find(path);
    if (found === undefined) return undefined;
    if (found.kind === "directory") return { path, isDirectory: true, size: 0 };
    return { path, isDirectory: false, size: (await found.getFile()).size };
  }

  async list(path: string): Promise<readonly FileEntry[]> {
    const folder = await this.#find(path);
    if (folder === undefined) throw new NotFoundError("folder", path);
    if (folder.kind === "file") throw storageFault({ name: "TypeMismatchError" }, "list", path);
    const entries: FileEntry[] = [];
    for await (const [name, handle] of folder.entries()) {
      const isDirectory = handle.kind === "directory";
      const size = isDirectory ? 0 : (await (handle as FileSystemFileHandle).getFile()).size;
      if (name !== MOVE_NOTE) entries.push({ path: joinPath(path, name), isDirectory, size });
    }
    return entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  async makeDirectory(path: string): Promise<void> {
    try {
      await folderAt(await this.#ready(), partsOf(path), true);
    } catch (error) {
      throw storageFault(error, "make the folder", path);
    }
  }

  async lock(folder: string): Promise<AsyncDisposable> {
    if ((await this.#find(folder)) === undefined) throw new NotFoundError("folder", folder);
    return takeLock(`${this.#name}/${partsOf(folder).join("/")}`, folder);
  }

  join(...parts: string[]): string {
    return joinPath(...parts);
  }

  /** The root, after what an ended tab left half done has been done. */
  #ready(): Promise<FileSystemDirectoryHandle> {
    this.#root ??= (async () => {
      const root = await this.#open();
      const note = await readNote(root);
      if (note !== undefined)
        await this.#alone(async () => {
          const still = await readNote(root); // another tab may just have carried it out
          if (still !== undefined) await carryOut(root, still);
        });
      return root;
    })().catch((error: unknown) => {
      this.#root = undefined;
      throw storageFault(error, "open", "the browser's storage");
    });
    return this.#root;
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    await navigator.locks.request(`${this.#name}: moving`, work);
  }

  async #file(path: string): Promise<File> {
    const found = await this.#find(path);
    if (found === undefined) throw new NotFoundError("file", path);
    if (found.kind === "directory") throw storageFault({ name: "TypeMismatchError" }, "read", path);
    return found.getFile();
  }

  async #find(path: string): Promise<Handle | undefined> {
    const parts = partsOf(path);
    const name = parts.pop();
    const root = await this.#ready();
    try {
      if (name === undefined) return root;
      return await childOf(await folderAt(root, parts, false), name);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw storageFault(error, "open", path);
    }
  }

  /** The folder that a path is in, which must be there. */
  async #place(path: string): Promise<{ readonly folder: FileSystemDirectoryHandle; readonly name: string }> {
    const parts = partsOf(path);
    const name = parts.pop();
    if (name === undefined) throw new SaccadeError("file", "the top folder itself cannot be written to or deleted");
    try {
      return { folder: await folderAt(await this.#ready(), parts, false), name };
    } catch (error) {
      if (isAbsent(error)) throw new NotFoundError("folder", parts.join("/"), `make it before writing ${name}`);
      throw storageFault(error, "open", path);
    }
  }

  #write(path: string, action: string, work: (file: FileSystemFileHandle) => Promise<void>): Promise<void> {
    const key = partsOf(path).join("/");
    const before = this.#writing.get(key) ?? Promise.resolve();
    const written = before
      .catch(() => undefined)
      .then(async () => {
        const { folder, name } = await this.#place(path);
        try {
          await work(await folder.getFileHandle(name, { create: true }));
        } catch (error) {
          throw storageFault(error, action, path);
        }
      });
    this.#writing.set(key, written);
    const forget = () => {
      if (this.#writing.get(key) === written) this.#writing.delete(key);
    };
    written.then(forget, forget);
    return written;
  }
}

/** Locks are held by the page: what a closed tab had is free again. @throws SaccadeError "in_use" */
export async function takeLock(name: string, folder: string): Promise<AsyncDisposable> {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const isTaken = await new Promise<boolean>((resolve, reject) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock === null ? undefined : held;
      })
      .catch(reject);
  });
  if (!isTaken)
    throw new SaccadeError("in_use", `${folder} is in use: another tab, or another part of this one, has it`, {
      hint: "wait for it, or close the other tab",
      data: { folder },
    });
  return { [Symbol.asyncDispose]: async () => release() };
}

const isAbsent = (error: unknown) => faultName(error) === "NotFoundError" || faultName(error) === "TypeMismatchError";

async function folderAt(
  root: FileSystemDirectoryHandle,
  parts: readonly string[],
  create: boolean,
): Promise<FileSystemDirectoryHandle> {
  let folder = root;
  for (const part of parts) folder = await folder.getDirectoryHandle(part, { create });
  return folder;
}

async function childOf(folder: FileSystemDirectoryHandle, name: string): Promise<Handle> {
  try {
    return await folder.getFileHandle(name);
  } catch (error) {
    if (faultName(error) !== "TypeMismatchError") throw error;
    return folder.getDirectoryHandle(name);
  }
}

/** The browser takes no view of shared memory. */
function chunk(bytes: Uint8Array | string): Blob {
  const isShared = typeof bytes !== "string" && !(bytes.buffer instanceof ArrayBuffer);
  return new Blob([isShared ? Uint8Array.from(bytes) : (bytes as Uint8Array<ArrayBuffer> | string)]);
}

/**
 * Writes at a position and closes, which is what makes it a file; without it the old one stays. Room is asked for first: Chromium calls storage that
 * ends in the middle of a write by several names, and what it says of a site's quota is not what the site has.
 */
async function writeAll(writable: FileSystemWritableFileStream, position: number, data: Blob): Promise<void> {
  try {
    await writable.truncate(position + data.size);
    await writable.write({ type: "write", position, data });
    await writable.close();
  } catch (error) {
    await writable.abort().catch(() => undefined);
    throw error;
  }
}

async function moveFile(
  file: FileSystemFileHandle & MovableFile,
  from: FileSystemDirectoryHandle,
  to: FileSystemDirectoryHandle,
  name: string,
): Promise<void> {
  if (file.move !== undefined) return file.move(to, name);
  const copy = await to.getFileHandle(name, { create: true });
  await writeAll(await copy.createWritable(), 0, await file.getFile());
  await from.removeEntry(file.name);
}

interface Move {
  readonly from: string;
  readonly to: string;
}

async function writeNote(root: FileSystemDirectoryHandle, move: Move): Promise<void> {
  const note = await root.getFileHandle(MOVE_NOTE, { create: true });
  await writeAll(await note.createWritable(), 0, chunk(JSON.stringify(move)));
}

async function readNote(root: FileSystemDirectoryHandle): Promise<Move | undefined> {
  try {
    const text = await (await (await root.getFileHandle(MOVE_NOTE)).getFile()).text();
    const { from, to } = JSON.parse(text) as Partial<Move>;
    return typeof from === "string" && typeof to === "string" ? { from, to } : undefined;
  } catch {
    return undefined; // none, or one that was never finished: nothing has been moved then
  }
}

/** Moves what is still at the old place. It may have been begun before. */
async function carryOut(root: FileSystemDirectoryHandle, { from, to }: Move): Promise<void> {
  const parts = partsOf(from);
  const name = parts.pop()!;
  const parent = await folderAt(root, parts, false);
  const source = await parent.getDirectoryHandle(name).catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });
  if (source !== undefined) {
    await moveInside(source, await folderAt(root, partsOf(to), true));
    await parent.removeEntry(name, { recursive: true });
  }
  await root.removeEntry(MOVE_NOTE);
}

async function moveInside(from: FileSystemDirectoryHandle, to: FileSystemDirectoryHandle): Promise<void> {
  const inside: Handle[] = [];
  for await (const handle of from.values()) inside.push(handle as Handle);
  for (const handle of inside) {
    if (handle.kind === "file") await moveFile(handle, from, to, handle.name);
    else await moveInside(handle, await to.getDirectoryHandle(handle.name, { create: true }));
  }
}
