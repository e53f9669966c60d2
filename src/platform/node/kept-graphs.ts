// Optimised models in the cache folder, so that the next process neither builds a model's graph nor has the engine optimise it. A file's name says
// what it is of and the digest of what is in it: what a killed process, a full disk or a bad one left is noticed, and made anew. Several processes
// may write at once; each writes a file of its own, which gets its name in one step.
import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { checkModelBytes } from "../../runtime/model-bytes.ts";
import { sha256 } from "./digest.ts";
import { makeDirectory } from "./make-directory.ts";

/** All files together; those that were not used for the longest time go. */
const TOTAL_BYTES = 2 ** 29;
/** What is older than this and unfinished belongs to nobody any more. */
const UNFINISHED_MS = 3_600_000;
/** How exactly it is known when a file was last used. */
const USE_MS = 3_600_000;

const NAME = /^([0-9a-f]{32})\.([0-9a-f]{64})\.onnx$/;
const UNFINISHED = /^[0-9a-f]{16}\.part$/;

export interface KeptGraphsOptions {
  /** Default 512 MiB. */
  readonly totalBytes?: number;
}

/** The optimised models of a folder. Whatever goes wrong with its files costs time, never a wrong answer. */
export class KeptGraphs {
  readonly #folder: string;
  readonly #totalBytes: number;

  constructor(folder: string, { totalBytes = TOTAL_BYTES }: KeptGraphsOptions = {}) {
    this.#folder = folder;
    this.#totalBytes = totalBytes;
  }

  /** The name that something is kept under. */
  static nameOf(facts: readonly string[]): string {
    return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 32);
  }

  /** The bytes of a model, in memory of their own; undefined where there is none, and where what is there is not what was written. */
  async find(name: string): Promise<Uint8Array | undefined> {
    for (const { file, of, digest } of await this.#list()) {
      if (of !== name) continue;
      const path = join(this.#folder, file);
      const bytes = await readFile(path).catch(() => undefined);
      if (bytes === undefined) continue;
      if ((await sha256(bytes)) === digest) {
        await noteUse(path).catch(() => undefined);
        return bytes.byteLength === bytes.buffer.byteLength ? new Uint8Array(bytes.buffer) : Uint8Array.from(bytes);
      }
      await rm(path, { force: true }).catch(() => undefined);
    }
    return undefined;
  }

  /** A path to write a model to; undefined where nothing can be written. */
  async begin(): Promise<string | undefined> {
    try {
      await makeDirectory(this.#folder);
      await this.#clear();
    } catch {
      return undefined;
    }
    return join(this.#folder, `${randomBytes(8).toString("hex")}.part`);
  }

  /** Gives what was written its name. */
  async finish(written: string, name: string): Promise<void> {
    try {
      const bytes = await readFile(written);
      checkModelBytes(bytes); // a disk that is full ends a file in the middle
      const file = `${name}.${await sha256(bytes)}.onnx`;
      await rename(written, join(this.#folder, file));
      await this.#makeRoom(file);
    } catch {
      await this.discard(written);
    }
  }

  /** Takes away what was begun. */
  async discard(written: string): Promise<void> {
    await rm(written, { force: true }).catch(() => undefined);
  }

  /** Takes away what an engine does not like. */
  async remove(name: string): Promise<void> {
    for (const { file, of } of await this.#list())
      if (of === name) await rm(join(this.#folder, file), { force: true }).catch(() => undefined);
  }

  async #list(): Promise<{ readonly file: string; readonly of: string; readonly digest: string }[]> {
    const names = await readdir(this.#folder).catch(() => []);
    return names.flatMap((file) => {
      const [, of, digest] = NAME.exec(file) ?? [];
      return of === undefined || digest === undefined ? [] : [{ file, of, digest }];
    });
  }

  async #clear(): Promise<void> {
    for (const file of await readdir(this.#folder)) {
      const path = join(this.#folder, file);
      if (UNFINISHED.test(file) && Date.now() - (await stat(path)).mtimeMs > UNFINISHED_MS) await rm(path);
    }
  }

  async #makeRoom(kept: string): Promise<void> {
    const files = await Promise.all(
      (await this.#list()).map(async ({ file }) => {
        const { size, mtimeMs } = await stat(join(this.#folder, file));
        return { file, size, used: file === kept ? Number.POSITIVE_INFINITY : mtimeMs };
      }),
    );
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { file, size } of files.toSorted((a, b) => a.used - b.used)) {
      if (total <= this.#totalBytes || file === kept) return;
      await rm(join(this.#folder, file), { force: true });
      total -= size;
    }
  }
}

async function noteUse(path: string): Promise<void> {
  const now = Date.now();
  if (now - (await stat(path)).mtimeMs > USE_MS) await utimes(path, now / 1000, now / 1000);
}
