// How many rows make a shard: what takes about a minute here. Large enough that opening a model and writing a file are nothing beside it, small enough
// that little is lost with a worker.
import type { ManifestReader } from "../../jobs/manifest.ts";
import type { PlannedPictures } from "../../jobs/pictures.ts";
import type { ShardTask } from "../../jobs/task.ts";

const SHARD_SECONDS = 60;
/** The first runs are slow, and do not count. */
const WARM_UP = 8;
const TRIAL = 48;
const LEAST_ROWS = 16;
const MOST_ROWS = 2 ** 14;
/** Of few pictures, so many shards if they take longer than `LEAST_SECONDS` each: several workers are to have something to do. */
const LEAST_SHARDS = 16;
/** Between two shards a tenth of a second is lost. */
const LEAST_SECONDS = 8;

export async function usualShardRows(
  manifest: ManifestReader,
  pictures: PlannedPictures,
  open: () => Promise<ShardTask>,
  stopping: { readonly signal?: AbortSignal } = {},
): Promise<number> {
  if (manifest.rows <= LEAST_ROWS) return LEAST_ROWS;
  const rows = await manifest.read({ from: 0, to: Math.min(WARM_UP + TRIAL, manifest.rows) });
  await using task = await open();
  let answered = 0;
  let started = performance.now();
  for await (const _ of task.run(
    rows.map((row) => pictures.open(row)),
    { onProgress: () => undefined, ...stopping },
  )) {
    answered++;
    if (answered === Math.min(WARM_UP, Math.ceil(rows.length / 2))) started = performance.now();
  }
  const timed = rows.length - Math.min(WARM_UP, Math.ceil(rows.length / 2));
  const perSecond = (1000 * timed) / Math.max(1, performance.now() - started);
  return shardRowsFor(perSecond, manifest.rows);
}

/** A power of two, so that two trials that differ a little give the same plan. */
export function shardRowsFor(perSecond: number, rows: number): number {
  const forAll = Math.max(rows / LEAST_SHARDS, perSecond * LEAST_SECONDS);
  const wanted = Math.min(perSecond * SHARD_SECONDS, forAll, MOST_ROWS);
  return 2 ** Math.round(Math.log2(Math.max(wanted, LEAST_ROWS)));
}
