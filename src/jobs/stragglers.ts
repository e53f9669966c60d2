// Shards that take much longer than others did. Times are those of the workers' own clocks, which nobody compares with another's.
import { readMarker } from "./part.ts";
import type { PlanFolder } from "./plan.ts";
import { readHeartbeats, readProgress } from "./progress.ts";

/** Times the median. */
const MUCH = 3;
/** Shards whose times are looked at. */
const SAMPLE = 32;

/** Shards that exactly one other worker has, and has had for long, the longest first. */
export async function stragglers(opened: PlanFolder, self: string, leastMs: number): Promise<number[]> {
  const usual = await medianSeconds(opened);
  if (usual === undefined) return [];
  const left = new Set((await readProgress(opened)).left);
  const working = (await readHeartbeats(opened.files, opened.folder)).filter(
    ({ id, state, shard }) => id !== self && state === "working" && shard !== undefined && left.has(shard),
  );
  const late = working
    .filter(({ shard, shard_seconds: seconds = 0 }) => {
      const workers = working.filter((other) => other.shard === shard).length;
      return workers === 1 && seconds > Math.max(MUCH * usual, leastMs / 1000);
    })
    .toSorted((a, b) => (b.shard_seconds ?? 0) - (a.shard_seconds ?? 0));
  return late.map(({ shard }) => shard!);
}

export async function medianSeconds(opened: PlanFolder): Promise<number | undefined> {
  const { done } = await readProgress(opened);
  const markers = await Promise.all(
    [...done].slice(-SAMPLE).map((shard) => readMarker(opened.files, opened.folder, shard)),
  );
  const seconds = markers.flatMap((marker) => (marker === undefined ? [] : [marker.seconds])).toSorted((a, b) => a - b);
  return seconds[Math.floor(seconds.length / 2)];
}
