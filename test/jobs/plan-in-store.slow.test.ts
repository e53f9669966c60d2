// A plan in a store of objects: workers that share no folder write their parts there. Whatever happens, the merged file is that of a plan on the disk.
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readMarker } from "../../src/jobs/part.ts";
import { readPlan } from "../../src/jobs/plan.ts";
import { nodeJobsHost } from "../../src/platform/node/jobs-host.ts";
import { mergePlan, retryPlan, statusOfPlan, verifyPlan } from "../../src/workflows/jobs/after-work.ts";
import { planJobs } from "../../src/workflows/jobs/plan-jobs.ts";
import { temporaryFolder, writeVit } from "../cli/mini-model.ts";
import { kill, outcomeOf, startWorker, workUnderFire, writeList } from "./crashes.ts";
import { pictureName, writePictures } from "./pictures.ts";
import { type ObjectStore, objectStore, redisServer } from "./servers.ts";

const folder = temporaryFolder();
const ROWS = 240;
const SHARDS = 10;
const redis = await redisServer();
let store: ObjectStore;
let list: string;
let alone: string;

const planned = async (place: string) => {
  const options = { folder: place, task: "classify" as const, model: join(folder, "vit"), shardRows: ROWS / SHARDS };
  await planJobs(nodeJobsHost, [list], options);
  return place;
};
const outcome = (plan: string) => outcomeOf(plan, join(folder, `${plan.split("/").at(-1)}.parquet`));

beforeAll(async () => {
  store = await objectStore("answers");
  Object.assign(process.env, store.environment);
  await writeVit(join(folder, "vit"));
  const pictures = await writePictures(join(folder, "pictures"), 24, 13, 256);
  const names = Array.from({ length: 24 }, (_, i) => join(pictures, pictureName(i)));
  list = writeList(join(folder, "list.txt"), names, ROWS);
  const onDisk = await planned(join(folder, "plan"));
  expect(await startWorker(onDisk, []).ended).toBe(0);
  alone = (await outcome(onDisk)).sha256;
}, 240_000);
afterAll(async () => {
  await store.remove();
  await redis?.stop();
});

test("tasks of a scheduler write it together; without one or a queue they are told what is missing", async () => {
  const plan = await planned("s3://answers/by-index");
  await expect(planned(plan)).rejects.toThrow(/there is a plan in s3:\/\/answers\/by-index already/);
  const refused = startWorker(plan, []);
  expect(await refused.ended).toBe(2);
  expect(refused.complaints()).toMatch(/no folder for leases/);
  expect(refused.complaints()).toMatch(/--queue postgres/);
  const workers = [0, 1].map((index) => startWorker(plan, ["--index", `${index}`, "--count", "2"]));
  expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0]);
  expect(await statusOfPlan(nodeJobsHost, plan)).toMatchObject({ doneRows: ROWS, doneShards: SHARDS, failedRows: 10 });
  expect(await outcome(plan)).toMatchObject({ rows: ROWS, missing: 0, doubled: 0, faults: 0, sha256: alone });
  // The merged file may lie there too.
  expect((await mergePlan(nodeJobsHost, plan, "s3://answers/merged.parquet")).sha256).toBe(alone);
});

test("failed rows are done again, damaged parts are found and computed anew", async () => {
  const plan = "s3://answers/by-index";
  expect(await retryPlan(nodeJobsHost, plan)).toEqual({ rows: 10, shards: 10 });
  await expect(mergePlan(nodeJobsHost, plan, join(folder, "none.parquet"))).rejects.toMatchObject({
    code: "unfinished",
  });
  expect(await startWorker(plan, ["--index", "0", "--count", "1"]).ended).toBe(0);
  expect((await outcome(plan)).sha256).toBe(alone);
  const { files } = await readPlan(nodeJobsHost, plan);
  await files.writeAtomic(files.join(plan, "parts/part-00003.parquet"), "damaged");
  const found = await verifyPlan(nodeJobsHost, plan, { repairs: true });
  expect(found.faults).toEqual([{ shard: 3, problem: "its part is not what its marker says" }]);
  expect(await startWorker(plan, ["--index", "3", "--count", "10"]).ended).toBe(0);
  expect((await outcome(plan)).sha256).toBe(alone);
});

test.skipIf(redis === undefined)(
  "workers with a queue go on when one is killed, and when the store is away for a while",
  async () => {
    const plan = await planned("s3://answers/by-queue");
    const options = ["--queue", redis!.address, "--lease", "3"];
    const workers = [0, 1].map(() => startWorker(plan, options));
    // One part lies there: asking the plan how far it is may take as long as all of the others need.
    while (!store.objects("answers/by-queue/parts").some((name) => name.endsWith(".json"))) {
      if (workers.every(({ child }) => child.exitCode !== null)) throw new Error(workers[0]!.complaints());
      await pause(5);
    }
    const victim = (workers.find(({ child }) => child.exitCode === null) ?? workers[0]!).child.pid!;
    kill(victim);
    await store.stop();
    await pause(4000);
    await store.start();
    const left = workers.filter(({ child }) => child.pid !== victim);
    expect(await Promise.all(left.map(({ ended }) => ended))).toEqual([0]);
    expect(await outcome(plan)).toMatchObject({ rows: ROWS, missing: 0, doubled: 0, faults: 0, sha256: alone });
    const { files } = await readPlan(nodeJobsHost, plan);
    expect(await readMarker(files, plan, 0)).toMatchObject({ rows: ROWS / SHARDS });
  },
);

test.skipIf(redis === undefined)("workers that are killed again and again lose and double nothing", async () => {
  const plan = await planned("s3://answers/under-fire");
  const options = ["--queue", redis!.address, "--lease", "4"];
  const fire = { plan, workers: 2, kills: 5, options, seed: 7, timeoutMs: 600_000 };
  expect((await workUnderFire(fire)).kills).toBe(5);
  expect(await outcome(plan)).toMatchObject({ rows: ROWS, missing: 0, doubled: 0, faults: 0, sha256: alone });
});

test("training runs, which are files, are not planned into a store", async () => {
  const sweep = { folder: "s3://answers/sweep", task: "train" } as const;
  await expect(planJobs(nodeJobsHost, [join(folder, "pictures")], sweep)).rejects.toThrow(/training runs are files/);
});
