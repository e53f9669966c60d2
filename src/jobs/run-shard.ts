// The rows of a shard to its part, in the process that computes. A pure function of the plan, the shard's number and the rows in quarantine: whoever
// runs it, and however often, writes the same.
import { AbortedError, SaccadeError } from "../errors.ts";
import type { DigestHost } from "../platform/host.ts";
import { QUARANTINED } from "./attempts.ts";
import type { ManifestReader, PlannedRow } from "./manifest.ts";
import { commitPart, decodePart, type PartRow, partPath, readMarker } from "./part.ts";
import type { PlannedPictures } from "./pictures.ts";
import type { PlanFolder, RowRange } from "./plan.ts";
import { readIfThere } from "./plan-files.ts";
import { removeRetry, retriedRows } from "./retries.ts";
import type { RunRows, ShardTask } from "./task.ts";

/** Plain data: it goes from one process to another. */
export interface ShardOrder extends RowRange {
  readonly shard: number;
  /** Only to see whether the process lives through it: nothing is written. */
  readonly isProbe: boolean;
  readonly quarantined: readonly number[];
  /** Who is said to have computed it. */
  readonly worker: string;
}

export interface ShardAnswer {
  readonly rows: number;
  readonly failed: number;
  readonly seconds: number;
}

export interface OpenedPlan extends PlanFolder {
  readonly host: DigestHost;
  readonly manifest: ManifestReader;
  readonly pictures: PlannedPictures;
  readonly task: ShardTask;
}

/** Whether a failure is of the surroundings, and not of a picture or a shard: it may pass. */
export function isPassing(error: unknown): error is SaccadeError {
  return error instanceof SaccadeError && ["network", "file_enospc", "file_edquot", "file_eio"].includes(error.code);
}

/**
 * Computes rows of a shard; all of them become its part, unless it is a probe.
 *
 * @throws what is no picture's fault: what the engine throws, SaccadeError "network" of a store that does not answer, "file_enospc", AbortedError
 */
export async function runShard(opened: OpenedPlan, order: ShardOrder, options: RunRows): Promise<ShardAnswer> {
  const { host, files, folder, plan, task } = opened;
  const started = performance.now();
  if (!order.isProbe) {
    const done = await readMarker(files, folder, order.shard);
    if (done?.plan === plan.hash) return done;
  }
  const planned = await opened.manifest.read(order);
  if (planned.length !== order.to - order.from)
    throw new SaccadeError("plan", `the manifest of ${folder} has no rows ${order.from} to ${order.to}`, {
      hint: "it was changed since it was made: plan again",
    });
  const before = order.isProbe ? undefined : await answeredBefore(opened, order.shard);
  const quarantined = new Set(order.quarantined);
  const isAsked = ({ row }: PlannedRow) => !quarantined.has(row) && (before === undefined || !before.has(row));
  const answers = await answer(opened, planned.filter(isAsked), options);
  const rows = planned.map((row): PartRow => before?.get(row.row) ?? answers.get(row.row) ?? withFailure(row, STRUCK));
  const seconds = (performance.now() - started) / 1000;
  const failed = rows.filter(({ failure }) => failure !== undefined).length;
  if (order.isProbe) return { rows: rows.length, failed, seconds };
  if (options.signal?.aborted === true) throw new AbortedError("the shard", options.signal.reason);
  const facts = { seconds: Math.round(1000 * seconds) / 1000, worker: order.worker, computed_on: task.device };
  const marker = await commitPart(host, opened, order.shard, rows, task.shape, facts);
  await removeRetry(files, folder, order.shard);
  return { rows: marker.rows, failed: marker.failed, seconds };
}

const STRUCK = {
  code: QUARANTINED,
  message: "it ended the process twice; it is not tried again (saccade jobs retry-failed --quarantined)",
};

const withFailure = (row: PlannedRow, failure: PartRow["failure"]): PartRow => ({ ...kept(row), values: {}, failure });
const kept = ({ row, key, size, etag }: PlannedRow) => ({ row, key, size, etag });

async function answer(
  { pictures, task }: OpenedPlan,
  rows: readonly PlannedRow[],
  options: RunRows,
): Promise<Map<number, PartRow>> {
  const answers = new Map<number, PartRow>();
  if (rows.length === 0) return answers;
  let next = 0;
  for await (const outcome of task.run(
    rows.map((row) => pictures.open(row)),
    options,
  )) {
    const row = rows[next++]!;
    options.onProgress();
    if (outcome.error === undefined) answers.set(row.row, { ...kept(row), values: outcome.values, failure: undefined });
    else {
      if (isPassing(outcome.error)) throw outcome.error;
      const { code, message } = outcome.error;
      answers.set(row.row, withFailure(row, { code, message }));
    }
  }
  if (next === rows.length) return answers;
  throw new SaccadeError("task", `${rows.length} rows were asked for, and ${next} answered`);
}

/** Of a shard of which only some rows are to be done again: what the others were answered. */
async function answeredBefore(
  { files, folder, task }: OpenedPlan,
  shard: number,
): Promise<ReadonlyMap<number, PartRow> | undefined> {
  const again = await retriedRows(files, folder, shard);
  const path = partPath(files, folder, shard);
  const bytes = again === undefined ? undefined : await readIfThere(files, path);
  if (again === undefined || bytes === undefined) return undefined;
  try {
    const rows = await decodePart(bytes, task.shape, path);
    return new Map(rows.filter(({ row }) => !again.has(row)).map((row) => [row.row, row]));
  } catch (error) {
    if (error instanceof SaccadeError && error.code === "format") return undefined;
    throw error;
  }
}
