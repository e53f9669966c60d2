// Workers, as processes, that are told to stop or are refused: what they had is free at once, and the exit code says how they ended.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { nodeJobsHost } from "../../src/platform/node/jobs-host.ts";
import { statusOfPlan } from "../../src/workflows/jobs/after-work.ts";
import { temporaryFolder, writeVit } from "../cli/mini-model.ts";
import {
  childOf,
  freshCopy,
  isAlive,
  type Outcome,
  outcomeOf,
  runCommand,
  startWorker,
  type WorkerProcess,
  writeList,
} from "./crashes.ts";
import { pictureName, writePictures } from "./pictures.ts";

const folder = temporaryFolder();
const ROWS = 240;
let plan: string;
let alone: Outcome;
/** Longer than any of these tests: nobody waits for the end of a lease. */
const LEASE = ["--lease", "600"];

beforeAll(async () => {
  const model = await writeVit(join(folder, "vit"));
  const pictures = await writePictures(join(folder, "pictures"), 12, 7, 512);
  const names = Array.from({ length: 12 }, (_, i) => join(pictures, pictureName(i)));
  const list = writeList(join(folder, "list.txt"), names, ROWS);
  plan = join(folder, "plan");
  runCommand(["plan", list, "--model", model, "--shard", "24", "--out", plan]);
  runCommand(["work", plan, "--threads", "1", "--sessions", "1"]);
  alone = await outcomeOf(plan, join(folder, "alone.parquet"));
}, 240_000);

/** Until somebody has a shard, of which rows may be done. */
async function working(place: string, { child }: WorkerProcess): Promise<void> {
  while ((await statusOfPlan(nodeJobsHost, place)).workers.every(({ shard }) => shard === undefined)) {
    if (child.exitCode !== null) throw new Error("the worker ended before it was seen at its work");
    await pause(20);
  }
}
const leases = (place: string) => readdirSync(join(place, "leases"));

test.each([
  ["that may finish what is nearly done", ["--grace", "30"]],
  ["that has no time for it", ["--grace", "0"]],
])("SIGTERM ends a worker %s with 130, holding nothing; the next goes on at once", async (name, grace) => {
  const under = freshCopy(plan, join(folder, name.replaceAll(" ", "-")));
  const worker = startWorker(under, [...LEASE, ...grace]);
  await working(under, worker);
  worker.child.kill("SIGTERM");
  expect(await worker.ended).toBe(130);
  expect(leases(under)).toEqual([]);
  const { doneShards } = await statusOfPlan(nodeJobsHost, under);
  expect(await startWorker(under, LEASE).ended).toBe(0);
  expect(doneShards).toBeLessThan(10);
  expect(await outcomeOf(under, join(folder, "merged.parquet"))).toEqual(alone);
});

test("a worker with another model than the plan's says so, ends with the process that it had started, and holds nothing", async () => {
  const under = freshCopy(plan, join(folder, "refused"));
  const other = await writeVit(join(folder, "other"), {}, ["a", "b", "c", "d", "f"]);
  const worker = startWorker(under, [...LEASE, "--model", other]);
  let child: number | undefined;
  while (child === undefined && worker.child.exitCode === null) {
    child = childOf(worker.child.pid!);
    await pause(10);
  }
  expect(await worker.ended).toBe(1);
  expect(worker.complaints()).toMatch(/not the model that was planned with/);
  expect(isAlive(child!)).toBe(false);
  expect(leases(under)).toEqual([]);
  expect(await startWorker(under, LEASE).ended).toBe(0);
  expect(await outcomeOf(under, join(folder, "merged.parquet"))).toEqual(alone);
});
