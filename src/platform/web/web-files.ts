// A page's files, which can also be read in part.
import type { Files } from "../host.ts";

export interface WebFiles extends Files {
  /** The bytes of a file from `start` on; fewer than `length` where it ends before. Throws NotFoundError. */
  readRange(path: string, start: number, length: number): Promise<Uint8Array>;
}
