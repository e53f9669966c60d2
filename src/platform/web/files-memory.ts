// Files in memory, for pages to which the browser gives no storage: they are gone with the page.
import { LimitError, NotFoundError, SaccadeError } from "../../errors.ts";
import type { FileEntry } from "../host.ts";
import { besideOf } from "./beside.ts";
import { joinPath, partsOf } from "./paths.ts";
import type { WebFiles } from "./web-files.ts";

export class MemoryFiles implements WebFiles {
  /** By path: contents, or undefined for a folder. */
  readonly #entries = new Map<string, Uint8Array | undefined>([["", undefined]]);
  readonly #locked = new Set<string>();

  async read(path: string, { maxBytes = Number.POSITIVE_INFINITY } = {}): Promise<Uint8Array> {
    const bytes = this.#entries.get(keyOf(path));
    if (bytes === undefined) {
      if (this.#entries.has(keyOf(path)))
        throw new SaccadeError("is_directory", `cannot read ${path}: it is a folder, not a file`);
      throw new NotFoundError("file", path);
    }
    if (bytes.length > maxBytes) throw new LimitError(path, bytes.length, maxBytes, "bytes");
    return bytes.slice();
  }

  async readRange(path: string, start: number, length: number): Promise<Uint8Array> {
    return (await this.read(path)).slice(start, start + length);
  }

  async readBeside(path: string, name: string, options?: { maxBytes?: number }): Promise<Uint8Array> {
    return this.read(besideOf(path, name), options);
  }

  async writeAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
    this.#requireFolder(path);
    this.#entries.set(keyOf(path), ownBytes(bytes));
  }

  async append(path: string, bytes: Uint8Array | string): Promise<void> {
    this.#requireFolder(path);
    const before = this.#entries.get(keyOf(path)) ?? new Uint8Array(0);
    const added = ownBytes(bytes);
    const after = new Uint8Array(before.length + added.length);
    after.set(before);
    after.set(added, before.length);
    this.#entries.set(keyOf(path), after);
  }

  async rename(from: string, to: string): Promise<void> {
    const [old, now] = [keyOf(from), keyOf(to)];
    if (!this.#entries.has(old)) throw new NotFoundError("file or folder", from);
    if (this.#entries.has(now))
      throw new SaccadeError("file_eexist", `cannot rename ${from}: ${to} is in the way`, { data: { from, to } });
    this.#requireFolder(to);
    for (const key of this.#below(old)) {
      this.#entries.set(now + key.slice(old.length), this.#entries.get(key));
      this.#entries.delete(key);
    }
  }

  async remove(path: string): Promise<void> {
    for (const key of this.#below(keyOf(path))) if (key !== "") this.#entries.delete(key);
  }

  async stat(path: string): Promise<FileEntry | undefined> {
    const key = keyOf(path);
    if (!this.#entries.has(key)) return undefined;
    const bytes = this.#entries.get(key);
    return { path, isDirectory: bytes === undefined, size: bytes?.length ?? 0 };
  }

  async list(path: string): Promise<readonly FileEntry[]> {
    const folder = keyOf(path);
    if (!this.#entries.has(folder)) throw new NotFoundError("folder", path);
    return [...this.#entries]
      .filter(([key]) => key !== "" && parentOf(key) === folder)
      .map(([key, bytes]) => ({
        path: joinPath(path, key.slice(folder === "" ? 0 : folder.length + 1)),
        isDirectory: bytes === undefined,
        size: bytes?.length ?? 0,
      }))
      .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  async makeDirectory(path: string): Promise<void> {
    for (let key = keyOf(path); key !== ""; key = parentOf(key)) {
      if (this.#entries.get(key) !== undefined)
        throw new SaccadeError("file_eexist", `cannot make the folder ${path}: ${key} is a file`);
      this.#entries.set(key, undefined);
    }
  }

  async lock(folder: string): Promise<AsyncDisposable> {
    const key = keyOf(folder);
    if (!this.#entries.has(key)) throw new NotFoundError("folder", folder);
    if (this.#locked.has(key)) throw new SaccadeError("in_use", `${folder} is in use by another part of this page`);
    this.#locked.add(key);
    return { [Symbol.asyncDispose]: async () => void this.#locked.delete(key) };
  }

  join(...parts: string[]): string {
    return joinPath(...parts);
  }

  #below(key: string): string[] {
    return [...this.#entries.keys()].filter((other) => other === key || other.startsWith(`${key}/`));
  }

  #requireFolder(path: string): void {
    const folder = parentOf(keyOf(path));
    if (!this.#entries.has(folder) || this.#entries.get(folder) !== undefined)
      throw new NotFoundError("folder", folder, `make it before writing ${path}`);
  }
}

const keyOf = (path: string): string => partsOf(path).join("/");

const parentOf = (key: string): string => key.slice(0, Math.max(0, key.lastIndexOf("/")));

const ownBytes = (bytes: Uint8Array | string): Uint8Array =>
  typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes.slice();
