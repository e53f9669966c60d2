// Part of a file on the local disk.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { NotFoundError, SaccadeError } from "../../errors.ts";

/** The bytes from `start` on; fewer than `length` where the file ends before. */
export async function readRange(path: string, start: number, length: number): Promise<Uint8Array> {
  try {
    // Without O_NONBLOCK, opening a named pipe waits for its writer, forever perhaps.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      if (!(await file.stat()).isFile())
        throw new SaccadeError("not_a_file", `cannot read ${path}: it is not a regular file`);
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
    if (error instanceof SaccadeError) throw error;
    if (error instanceof Error && "code" in error && error.code === "ENOENT") throw new NotFoundError("file", path);
    throw new SaccadeError("file", `cannot read ${path}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}
