// How a plan stands, for people and for programs.

import { type Marker, readMarker } from "./part.ts";
import { type PlanFolder, shardCount } from "./plan.ts";
import type { PlanFiles } from "./plan-files.ts";
import { type GivenUp, type Heartbeat, readGivenUp, readHeartbeats, readProgress } from "./progress.ts";
import { medianSeconds } from "./stragglers.ts";

export interface WorkerStatus extends Heartbeat {
  /** Whether its sign of life is fresh. */
  readonly lives: boolean;
  /** Whether its shard takes much longer than others did. */
  readonly isLate: boolean;
}

export interface JobsStatus {
  readonly rows: number;
  readonly doneRows: number;
  /** Rows with an error, of those that are done. */
  readonly failedRows: number;
  readonly shards: number;
  readonly doneShards: number;
  readonly givenUp: readonly GivenUp[];
  readonly workers: readonly WorkerStatus[];
  /** Rows a second, of the workers that live; undefined where none has answered anything yet. */
  readonly rate: number | undefined;
  readonly secondsLeft: number | undefined;
}

/** A worker that has not written for so long is taken for gone. */
const FRESH_MS = 30_000;
const MUCH = 3;
const PARALLEL = 64;

/** @param now milliseconds since 1970 */
export async function jobsStatus(opened: PlanFolder, now: number): Promise<JobsStatus> {
  const { files, folder, plan } = opened;
  const { done, givenUp } = await readProgress(opened);
  const markers = await markersOf(files, folder, [...done]);
  const usual = await medianSeconds(opened);
  const workers = (await readHeartbeats(files, folder)).map((heartbeat): WorkerStatus => {
    const lives = heartbeat.state !== "stopped" && now - Date.parse(heartbeat.at) < FRESH_MS;
    const isLate = lives && usual !== undefined && (heartbeat.shard_seconds ?? 0) > MUCH * usual;
    return { ...heartbeat, lives, isLate };
  });
  const living = workers.filter(({ lives }) => lives);
  const rate = living.reduce(
    (sum, { rows, shard_rows: part = 0, seconds }) => sum + (rows + part) / Math.max(1, seconds),
    0,
  );
  const doneRows = markers.reduce((sum, { rows }) => sum + rows, 0);
  const underWay = living.reduce((sum, { shard_rows: part = 0 }) => sum + part, 0);
  const left = Math.max(0, plan.rows - doneRows - underWay);
  const notes = await Promise.all([...givenUp].map((shard) => readGivenUp(files, folder, shard)));
  return {
    rows: plan.rows,
    doneRows,
    failedRows: markers.reduce((sum, { failed }) => sum + failed, 0),
    shards: shardCount(plan),
    doneShards: done.size,
    givenUp: notes.filter((note) => note !== undefined),
    workers,
    rate: rate > 0 ? rate : undefined,
    secondsLeft: rate > 0 ? left / rate : undefined,
  };
}

/** Markers that can be read. */
export async function markersOf(files: PlanFiles, folder: string, shards: readonly number[]): Promise<Marker[]> {
  const markers: Marker[] = [];
  for (let at = 0; at < shards.length; at += PARALLEL) {
    const some = await Promise.all(shards.slice(at, at + PARALLEL).map((shard) => readMarker(files, folder, shard)));
    markers.push(...some.filter((marker) => marker !== undefined));
  }
  return markers;
}
