// How far a plan is, from its folder alone: markers say what is done, notes what was given up, heartbeats who works.
import { z } from "zod";
import { SaccadeError } from "../errors.ts";
import { baseName } from "../image/picture-files.ts";
import { decodeText } from "../text-file.ts";
import { type PlanFolder, planPaths, shardCount, shardName } from "./plan.ts";
import { type PlanFiles, readIfThere } from "./plan-files.ts";

export interface Progress {
  readonly done: ReadonlySet<number>;
  readonly givenUp: ReadonlySet<number>;
  /** Neither, in order. */
  readonly left: readonly number[];
}

export async function readProgress({ files, folder, plan }: PlanFolder): Promise<Progress> {
  const done = await numbered(files, files.join(folder, planPaths.parts), /^part-(\d+)\.json$/);
  const givenUp = await numbered(files, files.join(folder, planPaths.failed), /^(\d+)\.json$/);
  const left: number[] = [];
  for (let shard = 0; shard < shardCount(plan); shard++) if (!done.has(shard) && !givenUp.has(shard)) left.push(shard);
  return { done, givenUp, left };
}

async function numbered(files: PlanFiles, folder: string, name: RegExp): Promise<Set<number>> {
  const found = new Set<number>();
  for (const each of await names(files, folder)) {
    const [, number] = name.exec(each) ?? [];
    if (number !== undefined) found.add(Number(number));
  }
  return found;
}

async function names(files: PlanFiles, folder: string): Promise<string[]> {
  return (await files.list(folder)).map(({ path }) => baseName(path));
}

const givenUpSchema = z.looseObject({ shard: z.int(), reason: z.string(), at: z.string() });
export type GivenUp = z.infer<typeof givenUpSchema>;

export async function giveUp(files: PlanFiles, folder: string, note: GivenUp): Promise<void> {
  await files.writeAtomic(
    files.join(folder, planPaths.failed, `${shardName(note.shard)}.json`),
    `${JSON.stringify(note)}\n`,
  );
}

export async function readGivenUp(files: PlanFiles, folder: string, shard: number): Promise<GivenUp | undefined> {
  return readJson(files, files.join(folder, planPaths.failed, `${shardName(shard)}.json`), givenUpSchema);
}

const heartbeatSchema = z.looseObject({
  id: z.string(),
  host: z.string(),
  pid: z.int(),
  queue: z.string(),
  /** "working", "waiting", "stopped". */
  state: z.string(),
  /** When it was written, by the worker's clock. */
  at: z.string(),
  /** Since the worker began. */
  seconds: z.number(),
  /** Rows that it has answered in that time, and shards that are whole. */
  rows: z.int(),
  shards: z.int(),
  shard: z.int().optional(),
  /** Since it began with the shard, and rows of it that are answered. */
  shard_seconds: z.number().optional(),
  shard_rows: z.int().optional(),
  /** Whether somebody else has it too, who takes long. */
  is_second: z.boolean().optional(),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;

export async function writeHeartbeat(files: PlanFiles, folder: string, heartbeat: Heartbeat): Promise<void> {
  const path = files.join(folder, planPaths.workers, `${heartbeat.id}.json`);
  await files.writeAtomic(path, `${JSON.stringify(heartbeat)}\n`);
}

export async function readHeartbeats(files: PlanFiles, folder: string): Promise<Heartbeat[]> {
  const place = files.join(folder, planPaths.workers);
  const found = (await names(files, place)).filter((name) => /^[\w.-]+\.json$/.test(name) && !name.startsWith("."));
  const read = await Promise.all(found.map((name) => readJson(files, files.join(place, name), heartbeatSchema)));
  return read.filter((heartbeat) => heartbeat !== undefined);
}

async function readJson<T>(files: PlanFiles, path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    const bytes = await readIfThere(files, path, { maxBytes: 2 ** 20 });
    return bytes === undefined ? undefined : schema.parse(JSON.parse(decodeText(bytes, path)));
  } catch (error) {
    if (error instanceof SaccadeError && error.code === "network") throw error;
    return undefined; // it is being written on a disk that shows halves
  }
}
