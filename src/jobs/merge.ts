// All parts as one file, in the manifest's order, a shard at a time: Parquet, or JSON lines.
import { checkAborted } from "../data/files.ts";
import { ParquetStream } from "../data/parquet-stream.ts";
import { SaccadeError } from "../errors.ts";
import type { FileInProgress } from "../platform/host.ts";
import { decodePart, type PartRow, type PartShape, partColumns, partPath, partSchema } from "./part.ts";
import { type PlanFolder, shardCount } from "./plan.ts";
import { readProgress } from "./progress.ts";

export interface MergeOptions {
  readonly format: "parquet" | "jsonl";
  /** Although shards are missing. Default false. */
  readonly isPartial?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (shards: number) => void;
}

export interface Merged {
  readonly rows: number;
  readonly bytes: number;
  /** Of the file: equal for equal plans, whoever worked on them. */
  readonly sha256: string;
}

/** @throws SaccadeError "unfinished", FormatError for a part that cannot be read */
export async function mergeJobs(
  opened: PlanFolder,
  shape: PartShape,
  file: FileInProgress,
  { format, isPartial = false, signal, onProgress }: MergeOptions,
): Promise<Merged> {
  const { files, folder, plan } = opened;
  const { done, givenUp, left } = await readProgress(opened);
  const missing = left.length + givenUp.size;
  if (missing > 0 && !isPartial)
    throw new SaccadeError("unfinished", `${missing} of ${shardCount(plan)} shards are missing`, {
      hint: "saccade jobs status says why; --partial merges what is there",
      data: { missing },
    });
  // A file without a row could be taken for an answer.
  if (done.size === 0)
    throw new SaccadeError("unfinished", `none of ${shardCount(plan)} shards is done: there is nothing to merge`, {
      hint: "saccade work does them; saccade jobs status says how they stand",
      data: { missing },
    });
  const out = format === "parquet" ? parquetOut(file, shape) : jsonOut(file);
  let rows = 0;
  for (let shard = 0; shard < shardCount(plan); shard++) {
    checkAborted(signal, "merging");
    if (!done.has(shard)) continue;
    const path = partPath(files, folder, shard);
    const answered = await decodePart(await files.read(path), shape, path);
    await out.write(answered);
    rows += answered.length;
    onProgress?.(shard + 1);
  }
  await out.finish();
  return { rows, ...(await file.finish()) };
}

interface Out {
  write(rows: readonly PartRow[]): Promise<void>;
  finish(): Promise<void>;
}

function parquetOut(file: FileInProgress, shape: PartShape): Out {
  const { elements, topLevel } = partSchema(shape);
  const stream = new ParquetStream(file, elements, topLevel, shape.metadata);
  return {
    write: (rows) => stream.write(partColumns(rows, shape)),
    finish: () => stream.finish(),
  };
}

function jsonOut(file: FileInProgress): Out {
  return {
    write: (rows) => file.write(new TextEncoder().encode(rows.map((row) => `${jsonLine(row)}\n`).join(""))),
    finish: async () => undefined,
  };
}

/** As commands print it: the picture, and its answer or its error. */
function jsonLine({ key, row, values, failure }: PartRow): string {
  const base = { path: key, row };
  if (failure !== undefined) return JSON.stringify({ ...base, error: failure });
  const { answer, ...others } = values;
  const said: unknown = typeof answer === "string" ? JSON.parse(answer) : undefined;
  const plain = Object.entries(others).map(([name, value]) => [
    name,
    value instanceof Float32Array ? Array.from(value) : value,
  ]);
  return JSON.stringify({ ...base, ...(typeof said === "object" ? said : Object.fromEntries(plain)) });
}
