// Files that are written as their bytes come: under a temporary name until all of them are there.
import { createHash, randomBytes } from "node:crypto";
import { open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { NotFoundError, SaccadeError } from "../../errors.ts";
import type { FileInProgress } from "../host.ts";

export async function createFile(path: string): Promise<FileInProgress> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.${randomBytes(6).toString("hex")}.tmp`);
  const explain = (error: unknown): never => {
    if (error instanceof SaccadeError) throw error;
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new NotFoundError("folder", folder, `make it before writing ${basename(path)}`);
    const reason = code === "ENOSPC" ? "the disk is full" : message;
    throw new SaccadeError(`file_${code.toLowerCase()}`, `cannot write ${path}: ${reason}`, { cause: error });
  };
  const file = await open(temporary, "wx").catch(explain);
  const hash = createHash("sha256");
  let bytes = 0;
  let isOpen = true;
  const close = async () => {
    if (isOpen) await file.close();
    isOpen = false;
  };
  return {
    async write(part) {
      hash.update(part);
      bytes += part.length;
      await file.writeFile(part).catch(explain); // at the file's position: parts follow each other
    },
    async finish() {
      await file.sync().catch(explain);
      await close();
      await rename(temporary, path).catch(explain);
      return { bytes, sha256: hash.digest("hex") };
    },
    async discard() {
      await close();
      await unlink(temporary).catch(() => undefined); // it has its own name by now, or was never made
    },
  };
}
