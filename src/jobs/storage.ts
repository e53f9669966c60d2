// Where pictures lie, as plans and workers see it: the disk, or a store of objects. Paths are absolute ("/data/a.jpg") or of a store ("s3://bucket/a.jpg").
import type { DataFiles } from "../data/files.ts";
import { SaccadeError } from "../errors.ts";

/** A file or an object as it was when it was looked at. */
export interface StoredObject {
  readonly path: string;
  readonly size: number;
  /** Differs when the content does: the store's own, or of a file its size and time of change. */
  readonly etag: string;
}

export interface ReadStored {
  /** What the object must still be. */
  readonly etag?: string;
  readonly maxBytes?: number;
}

/** One kind of place. Failures are SaccadeErrors; "network" is one that may pass. */
export interface Storage {
  /** undefined when there is nothing. Of a store, whatever keys begin with is a folder. */
  stat(path: string): Promise<(StoredObject & { readonly isFolder: boolean }) | undefined>;
  /** Many files at once. */
  statAll(paths: readonly string[]): Promise<readonly (StoredObject | undefined)[]>;
  /**
   * All objects below a folder whose names are wanted, some at a time, hidden ones left out; a folder's in the order of their names where it has not
   * very many. Links in circles are not followed.
   */
  walk(folder: string, isWanted: (path: string) => boolean): AsyncIterable<readonly StoredObject[]>;
  /** Throws SaccadeError "changed" where it is no longer what `etag` says, NotFoundError, LimitError. */
  read(path: string, options?: ReadStored): Promise<Uint8Array>;
  /** From `start` on; fewer bytes than `length` where it ends before. Throws as `read`. */
  readRange(path: string, start: number, length: number, options?: Pick<ReadStored, "etag">): Promise<Uint8Array>;
  /** For archives: a part of the disk may have threads of its own to decode Parquet. */
  readonly dataFiles: DataFiles;
}

/** Gives the place that a path is in. */
export type StorageOf = (path: string) => Storage;

/** What was planned is not there any more, though something is. */
export function changed(path: string): SaccadeError {
  return new SaccadeError("changed", `${path} was changed since the plan was made`, {
    hint: "plan again, or put back what was there",
    data: { path },
  });
}
