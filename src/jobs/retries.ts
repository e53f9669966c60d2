// Rows that are to be done again: of shards that were given up all, of others those with an error. Until they are done, what the others were answered stays.
import { z } from "zod";
import { decodeText } from "../text-file.ts";
import { historyOf, QUARANTINED, readAttempts, recordAttempt } from "./attempts.ts";
import { decodePart, markerPath, partPath, readMarker } from "./part.ts";
import { type PlanFolder, planPaths, shardName } from "./plan.ts";
import { type PlanFiles, readIfThere } from "./plan-files.ts";
import { readProgress } from "./progress.ts";

const retrySchema = z.strictObject({ rows: z.array(z.int()) });
const MAX_RETRY_BYTES = 2 ** 26;

const retryPath = (files: PlanFiles, folder: string, shard: number): string =>
  files.join(folder, planPaths.retries, `${shardName(shard)}.json`);

/** undefined for a shard that is done as a whole. */
export async function retriedRows(
  files: PlanFiles,
  folder: string,
  shard: number,
): Promise<ReadonlySet<number> | undefined> {
  const path = retryPath(files, folder, shard);
  const bytes = await readIfThere(files, path, { maxBytes: MAX_RETRY_BYTES });
  if (bytes === undefined) return undefined;
  try {
    return new Set(retrySchema.parse(JSON.parse(decodeText(bytes, path))).rows);
  } catch {
    return undefined; // then all of it is done again
  }
}

export const removeRetry = (files: PlanFiles, folder: string, shard: number): Promise<void> =>
  files.remove(retryPath(files, folder, shard));

export interface RetryOptions {
  /** Only rows with one of these. Default: all but those in quarantine. */
  readonly codes?: readonly string[];
  /** Also pictures that ended the process. */
  readonly quarantined?: boolean;
  /** For the record. */
  readonly worker: string;
  readonly at: string;
}

export interface Retried {
  readonly rows: number;
  readonly shards: number;
}

/** Puts failed rows and given-up shards back; workers do them as they do all others. */
export async function retryFailed(opened: PlanFolder, options: RetryOptions): Promise<Retried> {
  const { files, folder } = opened;
  const { done, givenUp } = await readProgress(opened);
  let rows = 0;
  let shards = 0;
  const { worker, at, quarantined = false } = options;
  for (const shard of givenUp) {
    await recordAttempt(files, folder, shard, { event: "reset", worker, at, quarantined });
    await files.remove(files.join(folder, planPaths.failed, `${shardName(shard)}.json`));
    shards++;
  }
  for (const shard of done) {
    const marker = await readMarker(files, folder, shard);
    if (marker === undefined || marker.failed === 0) continue;
    const path = partPath(files, folder, shard);
    const answered = await decodePart(await files.read(path), { columns: [], metadata: {} }, path);
    const again = answered.filter(({ failure }) => failure !== undefined && isWanted(failure.code, options));
    if (again.length === 0) continue;
    const isStruck = historyOf(await readAttempts(files, folder, shard)).quarantined.size > 0;
    if (isStruck && quarantined) await recordAttempt(files, folder, shard, { event: "reset", worker, at, quarantined });
    const request = { rows: again.map(({ row }) => row) };
    await files.writeAtomic(retryPath(files, folder, shard), `${JSON.stringify(request)}\n`);
    await files.remove(markerPath(files, folder, shard));
    rows += again.length;
    shards++;
  }
  return { rows, shards };
}

const isWanted = (code: string, { codes, quarantined }: RetryOptions): boolean =>
  codes === undefined ? code !== QUARANTINED || quarantined === true : codes.includes(code);
