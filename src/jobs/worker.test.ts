// What a worker does with what it has taken: gives it back when it is refused, finishes or gives it back when it is told to stop, and helps with what takes
// others long. What computes is made up.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { SaccadeError } from "../errors.ts";
import { nodeFiles } from "../platform/node/files.ts";
import { openFolderQueue } from "../platform/node/queues/folder-queue.ts";
import { markerPath, readMarker } from "./part.ts";
import { type Plan, type PlanFolder, writePlan } from "./plan.ts";
import { planFilesOnDisk } from "./plan-files.ts";
import { readHeartbeats } from "./progress.ts";
import type { ShardOrder } from "./run-shard.ts";
import type { RunEnd, Running, ShardRunner } from "./shard-attempts.ts";
import { jobsStatus } from "./status.ts";
import { type WorkResult, work } from "./worker.ts";

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

const SHARD_ROWS = 10;

async function planOf(shards: number): Promise<PlanFolder> {
  const folder = await mkdtemp(join(tmpdir(), "saccade-worker-"));
  folders.push(folder);
  const plan = { hash: "0".repeat(64), rows: shards * SHARD_ROWS, shard_rows: SHARD_ROWS } as Plan;
  const opened = { files: planFilesOnDisk(nodeFiles), folder, plan };
  await writePlan(opened);
  return opened;
}

/** Writes that a shard is done, as the process that computes does. */
async function commit({ files, folder, plan }: PlanFolder, { shard, worker }: ShardOrder): Promise<RunEnd> {
  const marker = { plan: plan.hash, shard, rows: SHARD_ROWS, failed: 0, sha256: "", bytes: 0, seconds: 0.01 };
  const text = JSON.stringify({ ...marker, worker, computed_on: "cpu" });
  await files.writeAtomic(markerPath(files, folder, shard), text);
  return { kind: "done", rows: SHARD_ROWS, failed: 0, seconds: 0.01 };
}

type Run = (order: ShardOrder, onProgress: (rows: number) => void) => Running;

const runnerOf = (run: Run, ready: () => Promise<void> = async () => undefined): ShardRunner => ({
  ...{ run, ready },
  [Symbol.asyncDispose]: async () => undefined,
});
const quick = (opened: PlanFolder): Run => {
  return (order) => ({ end: commit(opened, order), stop: () => undefined });
};

/** Says at once how many rows are done, and ends when it is let go or stopped. */
function slow(opened: PlanFolder, rowsDone: number) {
  let letGo: () => void = () => undefined;
  let begin: (order: ShardOrder) => void = () => undefined;
  const begun = new Promise<ShardOrder>((resolve) => {
    begin = resolve;
  });
  const run: Run = (order, onProgress) => {
    onProgress(rowsDone);
    begin(order);
    let stop: () => void = () => undefined;
    const end = new Promise<RunEnd>((resolve) => {
      letGo = () => void commit(opened, order).then(resolve);
      stop = () => resolve({ kind: "stopped" });
    });
    return { end, stop: () => stop() };
  };
  return { run, begun, letGo: () => letGo() };
}

interface Worked {
  readonly leaseMs?: number;
  readonly graceMs?: number;
  readonly signal?: AbortSignal;
}

async function worker(
  opened: PlanFolder,
  id: string,
  runner: ShardRunner,
  { leaseMs = 60_000, graceMs, signal = new AbortController().signal }: Worked = {},
): Promise<WorkResult> {
  const { folder, plan } = opened;
  const shards = Math.ceil(plan.rows / plan.shard_rows);
  await using queue = await openFolderQueue({ folder, plan: plan.hash, shards, worker: id, leaseMs });
  let ids = 0;
  return await work(opened, {
    ...{ queue, runner, leaseMs, signal },
    worker: { id, host: "here", pid: process.pid },
    date: () => new Date().toISOString(),
    newId: () => `${id}-${++ids}`,
    ...(graceMs === undefined ? {} : { graceMs }),
  });
}

test("a worker that is refused gives its shard back at once: nobody waits until its lease is over", async () => {
  const opened = await planOf(1);
  const refused = runnerOf(quick(opened), async () => {
    throw new SaccadeError("plan_model", "this is not the model that was planned with");
  });
  await expect(worker(opened, "a", refused)).rejects.toMatchObject({ code: "plan_model" });
  const started = performance.now();
  expect(await worker(opened, "b", runnerOf(quick(opened)))).toMatchObject({ shards: 1, rows: SHARD_ROWS });
  expect(performance.now() - started).toBeLessThan(10_000);
});

test("a shard that takes somebody long is begun by who has nothing to do: status says so, and it is done once", async () => {
  const opened = await planOf(3);
  const stuck = slow(opened, 1);
  const leaseMs = 1500;
  const first = worker(opened, "slow", runnerOf(stuck.run), { leaseMs });
  const { shard } = await stuck.begun;
  const helped: ShardOrder[] = [];
  const helper = slow(opened, 5);
  const second = worker(
    opened,
    "helper",
    runnerOf((order, onProgress) => {
      helped.push(order);
      return (order.shard === shard ? helper.run : quick(opened))(order, onProgress);
    }),
    { leaseMs },
  );
  expect(await helper.begun).toMatchObject({ shard });
  let beats = await readHeartbeats(opened.files, opened.folder);
  while (!beats.some((beat) => beat.is_second)) {
    await pause(50);
    beats = await readHeartbeats(opened.files, opened.folder);
  }
  const status = await jobsStatus(opened, Date.now());
  expect(status.workers.find(({ id }) => id === "slow")).toMatchObject({ shard, isLate: true, is_second: false });
  expect(status.workers.find(({ id }) => id === "helper")).toMatchObject({ shard, is_second: true });
  helper.letGo();
  const results = await Promise.all([first, second]);
  expect(results.map(({ shards }) => shards)).toEqual([0, 3]);
  expect((await readMarker(opened.files, opened.folder, shard))?.worker).toBe("helper");
  expect(helped.filter((order) => order.shard === shard)).toHaveLength(1);
});

describe("told to stop", () => {
  const stopped = async (rowsDone: number, graceMs: number) => {
    const opened = await planOf(1);
    const stopping = new AbortController();
    const running = slow(opened, rowsDone);
    const ended = worker(opened, "a", runnerOf(running.run), { graceMs, signal: stopping.signal });
    await running.begun;
    await pause(100);
    stopping.abort();
    return { opened, running, ended };
  };
  const takenOver = async (opened: PlanFolder) => {
    const started = performance.now();
    expect(await worker(opened, "b", runnerOf(quick(opened)))).toMatchObject({ shards: 1 });
    expect(performance.now() - started).toBeLessThan(10_000);
  };

  test("a worker finishes a shard that is nearly done", async () => {
    const { running, ended, opened } = await stopped(9, 30_000);
    await pause(100);
    running.letGo();
    expect(await ended).toMatchObject({ shards: 1, rows: SHARD_ROWS });
    expect(await readMarker(opened.files, opened.folder, 0)).toMatchObject({ worker: "a" });
  });

  test("it gives back at once what would take longer than its grace", async () => {
    const { ended, opened } = await stopped(0, 30_000);
    expect(await ended).toMatchObject({ shards: 0 });
    await takenOver(opened);
  });

  test("it gives back what is not done when its grace is over", async () => {
    const { ended, opened } = await stopped(9, 300);
    expect(await ended).toMatchObject({ shards: 0 });
    await takenOver(opened);
  });
});
