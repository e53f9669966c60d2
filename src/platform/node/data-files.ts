// Files for data sets: those of the local disk, and parts of them, for pictures inside archives.
import type { DataFiles } from "../../data/files.ts";
import { nodeFiles } from "./files.ts";
import { decodeInThread } from "./parquet-thread.ts";
import { readRange } from "./read-range.ts";

/** The local disk as data sets see it. */
export const nodeDataFiles: DataFiles = {
  read: nodeFiles.read,
  stat: nodeFiles.stat,
  list: nodeFiles.list,
  join: nodeFiles.join,
  readRange,
  decodeParquet: decodeInThread,
};
