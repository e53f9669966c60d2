// A disk in memory, and one that fails: for tests of what a run leaves behind when it ends badly.
import { NotFoundError, SaccadeError } from "../../errors.ts";
import type { FileEntry, Files } from "../../platform/host.ts";

/** Files in memory, under "/". */
export class MemoryFiles implements Files {
  /** By path: contents, or undefined for a folder. */
  readonly entries = new Map<string, Uint8Array | undefined>([["", undefined]]);
  readonly #locked = new Set<string>();

  async read(path: string): Promise<Uint8Array> {
    const bytes = this.entries.get(normal(path));
    if (bytes === undefined) throw new NotFoundError("file", path);
    return bytes.slice();
  }

  async readBeside(path: string, name: string): Promise<Uint8Array> {
    return this.read(`${parentOf(normal(path))}/${name}`);
  }

  async writeAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
    this.#requireParent(path);
    this.entries.set(normal(path), toBytes(bytes));
  }

  async append(path: string, bytes: Uint8Array | string): Promise<void> {
    this.#requireParent(path);
    const before = this.entries.get(normal(path)) ?? new Uint8Array(0);
    const added = toBytes(bytes);
    const after = new Uint8Array(before.length + added.length);
    after.set(before);
    after.set(added, before.length);
    this.entries.set(normal(path), after);
  }

  async stat(path: string): Promise<FileEntry | undefined> {
    const key = normal(path);
    if (!this.entries.has(key)) return undefined;
    const bytes = this.entries.get(key);
    return { path, isDirectory: bytes === undefined, size: bytes?.length ?? 0 };
  }

  async list(path: string): Promise<readonly FileEntry[]> {
    const folder = normal(path);
    if (!this.entries.has(folder)) throw new NotFoundError("folder", path);
    return [...this.entries]
      .filter(([key]) => key !== "" && parentOf(key) === folder)
      .map(([key, bytes]) => ({ path: key, isDirectory: bytes === undefined, size: bytes?.length ?? 0 }))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async makeDirectory(path: string): Promise<void> {
    for (let key = normal(path); key !== ""; key = parentOf(key)) this.entries.set(key, undefined);
  }

  async rename(from: string, to: string): Promise<void> {
    if (!this.entries.has(normal(from))) throw new NotFoundError("file or folder", from);
    if (this.entries.has(normal(to))) throw new SaccadeError("file_eexist", `${to} is in the way`);
    this.#requireParent(to);
    for (const key of this.#below(from)) {
      this.entries.set(normal(to) + key.slice(normal(from).length), this.entries.get(key));
      this.entries.delete(key);
    }
  }

  async remove(path: string): Promise<void> {
    for (const key of this.#below(path)) this.entries.delete(key);
  }

  async lock(folder: string): Promise<AsyncDisposable> {
    if (this.#locked.has(folder)) throw new SaccadeError("in_use", `${folder} is in use`);
    this.#locked.add(folder);
    return {
      [Symbol.asyncDispose]: async () => {
        this.#locked.delete(folder);
      },
    };
  }

  join(...parts: string[]): string {
    return parts.join("/");
  }

  /** Text of a file. */
  text(path: string): string {
    return new TextDecoder().decode(this.entries.get(normal(path)));
  }

  /** Names below a folder, sorted. */
  names(path: string): string[] {
    const folder = normal(path);
    const inside = [...this.entries.keys()].filter((key) => key !== "" && parentOf(key) === folder);
    return inside.map((key) => key.slice(folder.length + 1)).sort();
  }

  #below(path: string): string[] {
    const key = normal(path);
    return [...this.entries.keys()].filter((other) => other === key || other.startsWith(`${key}/`));
  }

  #requireParent(path: string): void {
    const parent = parentOf(normal(path));
    if (!this.entries.has(parent) || this.entries.get(parent) !== undefined) throw new NotFoundError("folder", parent);
  }
}

/**
 * Passes operations on, and lets the `failAt`th (from 1) fail after doing a part of its work. `dies` makes every later one fail as well, as
 * if the process had been killed there.
 */
export class FaultyFiles implements Files {
  operations = 0;
  failed = false;

  constructor(
    readonly files: Files,
    readonly failAt: number,
    readonly dies: boolean,
  ) {}

  read(path: string, options?: { maxBytes?: number }): Promise<Uint8Array> {
    return this.#run(() => this.files.read(path, options));
  }

  readBeside(path: string, name: string, options?: { maxBytes?: number }): Promise<Uint8Array> {
    return this.#run(() => this.files.readBeside(path, name, options));
  }

  writeAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
    const half = () => this.files.writeAtomic(`${path}.half.tmp`, toBytes(bytes).subarray(0, bytes.length >> 1));
    // Only a dead process leaves its temporary file.
    return this.#run(() => this.files.writeAtomic(path, bytes), this.dies ? half : undefined);
  }

  append(path: string, bytes: Uint8Array | string): Promise<void> {
    const half = () => this.files.append(path, toBytes(bytes).subarray(0, bytes.length >> 1));
    return this.#run(() => this.files.append(path, bytes), half);
  }

  stat(path: string): Promise<FileEntry | undefined> {
    return this.#run(() => this.files.stat(path));
  }

  list(path: string): Promise<readonly FileEntry[]> {
    return this.#run(() => this.files.list(path));
  }

  lock(folder: string): Promise<AsyncDisposable> {
    return this.files.lock(folder);
  }

  makeDirectory(path: string): Promise<void> {
    return this.#run(() => this.files.makeDirectory(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#run(() => this.files.rename(from, to));
  }

  remove(path: string): Promise<void> {
    const first = async () => {
      if (!(await this.files.stat(path))?.isDirectory) return;
      const [entry] = await this.files.list(path);
      if (entry !== undefined) await this.files.remove(entry.path);
    };
    return this.#run(() => this.files.remove(path), first);
  }

  join(...parts: string[]): string {
    return this.files.join(...parts);
  }

  async #run<T>(whole: () => Promise<T>, part?: () => Promise<void>): Promise<T> {
    this.operations++;
    if (this.operations < this.failAt || (this.failed && !this.dies)) return whole();
    if (!this.failed) await part?.();
    this.failed = true;
    throw new SaccadeError("file_eio", `operation ${this.operations} failed`);
  }
}

function normal(path: string): string {
  return path.replace(/\/+$/, "");
}

function parentOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf("/")));
}

function toBytes(bytes: Uint8Array | string): Uint8Array {
  return typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes.slice();
}
