// Files for data sets: those of the local disk, and parts of them, for pictures inside archives.
import { open } from "node:fs/promises";
import type { DataFiles } from "../../data/files.ts";
import { NotFoundError, SaccadeError } from "../../errors.ts";
import { nodeFiles } from "./files.ts";

/** The local disk as data sets see it. */
export const nodeDataFiles: DataFiles = {
  read: nodeFiles.read,
  stat: nodeFiles.stat,
  list: nodeFiles.list,
  join: nodeFiles.join,
  readRange,
};

async function readRange(path: string, start: number, length: number): Promise<Uint8Array> {
  try {
    const file = await open(path, "r");
    try {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await file.read(bytes, filled, Math.min(length - filled, 2 ** 30), start + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") throw new NotFoundError("file", path);
    throw new SaccadeError("file", `cannot read ${path}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}
