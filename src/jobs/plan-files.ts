// What a plan's folder needs of the place where it lies: the disk, or a store of objects.
import { NotFoundError } from "../errors.ts";
import type { FileEntry, Files } from "../platform/host.ts";
import { decodeText } from "../text-file.ts";

export interface PlanFiles {
  /** Throws NotFoundError, or LimitError when larger than `maxBytes`. */
  read(path: string, options?: { readonly maxBytes?: number }): Promise<Uint8Array>;
  /** Readers see what was there before or all of `bytes`, never half of it. */
  writeAtomic(path: string, bytes: Uint8Array | string): Promise<void>;
  /** Deletes a file. Nothing at `path` is fine. */
  remove(path: string): Promise<void>;
  /** undefined when there is nothing at `path`. */
  stat(path: string): Promise<FileEntry | undefined>;
  /** What lies directly in a folder, sorted by name; nothing where there is no folder. */
  list(path: string): Promise<readonly FileEntry[]>;
  /** Of a store, which has none, only makes sure that the bucket is there. */
  makeDirectory(path: string): Promise<void>;
  join(...parts: string[]): string;
  /** Adds a line to a log. Several processes may do so at once; one that is killed meanwhile may leave a torn line. */
  addLine(log: string, line: string): Promise<void>;
  /** The lines of a log, those of each writer in its order; none where there is no log. */
  readLines(log: string): Promise<readonly string[]>;
}

/** What a file holds; undefined where there is none. Asked once: every question costs a request of a store. */
export async function readIfThere(
  files: Pick<PlanFiles, "read">,
  path: string,
  options?: { readonly maxBytes?: number },
): Promise<Uint8Array | undefined> {
  try {
    return await files.read(path, options);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

const MAX_LOG_BYTES = 2 ** 24;

/** A plan's folder on the disk. */
export function planFilesOnDisk(files: Files): PlanFiles {
  return {
    ...files,
    list: async (path) => ((await files.stat(path)) === undefined ? [] : files.list(path)),
    // A line of its own, whatever a torn one before it left.
    addLine: (log, line) => files.append(log, `\n${line}\n`),
    async readLines(log) {
      const bytes = await readIfThere(files, log, { maxBytes: MAX_LOG_BYTES });
      return bytes === undefined ? [] : decodeText(bytes, log).split("\n");
    },
  };
}
