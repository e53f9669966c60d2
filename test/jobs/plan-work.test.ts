// Plans from beginning to end in one process: planned, worked on by several at once, merged; retried, verified. Processes are jobs.slow.test.ts's.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { SaccadeError } from "../../src/errors.ts";
import { runShard } from "../../src/jobs/run-shard.ts";
import type { ShardRunner } from "../../src/jobs/shard-attempts.ts";
import type { JobsHost } from "../../src/platform/host.ts";
import { nodeJobsHost } from "../../src/platform/node/jobs-host.ts";
import { mergePlan, retryPlan, statusOfPlan, verifyPlan } from "../../src/workflows/jobs/after-work.ts";
import type { JobOptions } from "../../src/workflows/jobs/job-options.ts";
import type { JobTaskName } from "../../src/workflows/jobs/job-tasks.ts";
import { openPlan, planJobs, readManifest } from "../../src/workflows/jobs/plan-jobs.ts";
import { workPlan } from "../../src/workflows/jobs/work-plan.ts";
import { cli } from "../cli/fake-terminal.ts";
import { temporaryFolder, writeVit } from "../cli/mini-model.ts";
import { writeRecipe } from "../cli/train-cases.ts";
import { pictureBytes, pictureName, writePictures } from "./pictures.ts";

const folder = temporaryFolder();
const PICTURES = 40;
let model: string;
let pictures: string;
beforeAll(async () => {
  model = await writeVit(join(folder, "vit"));
  pictures = await writePictures(join(folder, "pictures"), PICTURES, 13);
});

/** Computes in this process. */
function runnerHere(plan: string): ShardRunner {
  const opening = openPlan(nodeJobsHost, plan, { device: "cpu", threads: 1, sessions: 1, onNotice: () => undefined });
  return {
    ready: async () => undefined,
    run(order) {
      const end = opening.then(async (opened) => {
        const answer = await runShard(opened, order, { onProgress: () => undefined });
        return { kind: "done", ...answer } as const;
      });
      return { end, stop: () => undefined };
    },
    [Symbol.asyncDispose]: async () => (await opening)[Symbol.asyncDispose](),
  };
}
const host: JobsHost = { ...nodeJobsHost, openShardRunner: runnerHere };

const work = (plan: string, options: { index?: number; count?: number } = {}) =>
  workPlan(host, plan, { device: "cpu", leaseMs: 5000, signal: new AbortController().signal, ...options });

async function planned<T extends JobTaskName>(name: string, task: T, options: JobOptions<T> = {}): Promise<string> {
  const plan = join(folder, name);
  await planJobs(nodeJobsHost, [pictures], { folder: plan, task, model, options, shardRows: 7 });
  return plan;
}

test("two workers at once, tasks of a scheduler, and one worker alone give the same file", async () => {
  const [together, tasks] = [await planned("together", "classify"), await planned("tasks", "classify")];
  expect(JSON.parse(readFileSync(join(together, "plan.json"), "utf8")).hash).toBe(
    JSON.parse(readFileSync(join(tasks, "plan.json"), "utf8")).hash,
  );
  // Of nothing there is no file: an empty one could be taken for an answer.
  const nothing = mergePlan(host, together, join(folder, "nothing.parquet"), { isPartial: true });
  await expect(nothing).rejects.toMatchObject({
    code: "unfinished",
    message: "none of 6 shards is done: there is nothing to merge",
  });
  expect(readdirSync(folder).filter((name) => name.includes("nothing"))).toEqual([]);
  const both = await Promise.all([work(together), work(together)]);
  expect(both.reduce((sum, { rows }) => sum + rows, 0)).toBe(PICTURES);
  for (const index of [0, 1]) await work(tasks, { index, count: 2 });
  const merged = await mergePlan(host, together, join(folder, "together.parquet"));
  expect((await mergePlan(host, tasks, join(folder, "tasks.parquet"))).sha256).toBe(merged.sha256);
  expect(merged.rows).toBe(PICTURES);
  expect(await verifyPlan(host, together)).toMatchObject({ rows: PICTURES, failedRows: 3, missing: [], faults: [] });
  expect(await statusOfPlan(host, together)).toMatchObject({ doneRows: PICTURES, failedRows: 3, doneShards: 6 });
  await mergePlan(host, together, join(folder, "together.jsonl"));
  const lines = readFileSync(join(folder, "together.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines[0].predictions).toHaveLength(5);
  expect(lines[12].error.code).toBe("image_truncated");
});

test("status says who takes long, and who has begun the same shard once more", async () => {
  const plan = await planned("late", "classify");
  await work(plan, { index: 0, count: 6 });
  const sign = { host: "here", pid: 7, queue: "Redis", state: "working", at: new Date().toISOString(), seconds: 900 };
  const beat = { ...sign, rows: 0, shards: 0, shard: 3, shard_rows: 2 };
  writeFileSync(join(plan, "workers/slow.json"), JSON.stringify({ ...beat, id: "slow", shard_seconds: 800 }));
  const second = { ...beat, id: "second", host: "there", shard_seconds: 0.001, is_second: true };
  writeFileSync(join(plan, "workers/second.json"), JSON.stringify(second));
  const { exitCode, stdout } = await cli(["jobs", "status", plan]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/here +7 +Redis +0 +3 \(2 in 13[^)]*, takes long\)/);
  expect(stdout).toMatch(/there +7 +Redis +0 +3 \(2 in [^)]*, begun once more\)/);
});

test("embeddings keep their space; failed rows are done again without the others, damaged parts as a whole", async () => {
  const plan = await planned("vectors", "embed");
  await work(plan);
  const before = await mergePlan(host, plan, join(folder, "vectors.parquet"));
  const mended = join(pictures, pictureName(12));
  const damaged = readFileSync(mended);
  // The plan's pictures are frozen: one that is mended is another, so the row says that.
  writeFileSync(mended, await pictureBytes(12));
  expect(await retryPlan(host, plan)).toEqual({ rows: 3, shards: 3 });
  await expect(mergePlan(host, plan, join(folder, "none.parquet"))).rejects.toMatchObject({ code: "unfinished" });
  expect((await work(plan)).shards).toBe(3);
  await mergePlan(host, plan, join(folder, "vectors.jsonl"));
  const row = JSON.parse(readFileSync(join(folder, "vectors.jsonl"), "utf8").split("\n")[12]!);
  expect(row.error.code).toBe("changed");
  writeFileSync(mended, damaged);
  writeFileSync(join(plan, "parts/part-00003.parquet"), "damaged");
  rmSync(join(plan, "parts/part-00001.json"));
  const first = readFileSync(join(plan, "parts/part-00000.parquet"));
  for (const damaged of [first.subarray(0, 100), first.subarray(0, first.length - 9), Buffer.alloc(0)]) {
    writeFileSync(join(plan, "parts/part-00000.parquet"), damaged);
    const merging = mergePlan(host, plan, join(folder, "damaged.parquet"), { isPartial: true });
    await expect(merging).rejects.toMatchObject({ code: "format", message: expect.stringContaining("part-00000") });
  }
  writeFileSync(join(plan, "parts/part-00000.parquet"), first);
  const found = await verifyPlan(host, plan, { repairs: true });
  expect(found.missing).toEqual([1]);
  expect(found.faults).toEqual([{ shard: 3, problem: "its part is not what its marker says" }]);
  await work(plan);
  expect((await mergePlan(host, plan, join(folder, "again.parquet"))).bytes).toBeGreaterThan(0);
  expect(before.rows).toBe(PICTURES);
});

test("a sweep keeps its recipes, and no two of its runs have one name", async () => {
  const recipe = writeRecipe(join(folder, "own.json"));
  const sweep = (name: string, options: JobOptions<"train">) =>
    planJobs(nodeJobsHost, [pictures], { folder: join(folder, name), task: "train", options });
  for (const options of [
    { seeds: [0, 1, 0] },
    { recipes: ["everyday", "everyday"] },
    { recipes: [recipe, recipe] },
    { recipes: ["evryday"] },
    { recipes: [join(folder, "no-such.json")] },
    { recipes: [{ name: "nothing else" }] },
  ])
    await expect(sweep("refused", options), JSON.stringify(options)).rejects.toThrow(SaccadeError);
  expect(existsSync(join(folder, "refused"))).toBe(false);
  const { plan } = await sweep("kept", { recipes: ["everyday", recipe], seeds: [3] });
  expect(plan.options.recipes).toMatchObject(["everyday", { name: "tiny" }]);
  // A plan of a plan's own options is the same plan.
  const again = await sweep("again", { recipes: plan.options.recipes, seeds: [3] } as JobOptions<"train">);
  expect(again.plan.hash).toBe(plan.hash);
  const manifest = await readManifest(nodeJobsHost, join(folder, "kept"));
  expect(await manifest.read({ from: 0, to: 2 })).toMatchObject([
    { key: "everyday-seed-3", address: `file://${pictures}` },
    { key: "tiny-seed-3", address: `file://${pictures}` },
  ]);
});

test("what is stopped says so in the library's words, and leaves a place for another try", async () => {
  const signal = AbortSignal.abort();
  const plan = { folder: join(folder, "stopped"), task: "classify", model } as const;
  await expect(planJobs(nodeJobsHost, [pictures], { ...plan, signal })).rejects.toMatchObject({ code: "aborted" });
  await planJobs(nodeJobsHost, [pictures], { ...plan, shardRows: 20 });
  await work(plan.folder);
  await expect(verifyPlan(host, plan.folder, { signal })).rejects.toMatchObject({ code: "aborted" });
  const merging = mergePlan(host, plan.folder, join(folder, "stopped.jsonl"), { signal });
  await expect(merging).rejects.toMatchObject({ code: "aborted" });
  expect(readdirSync(folder).filter((name) => name.includes("stopped."))).toEqual([]);
});

test("numbers of which nothing would come, or no end, are refused", async () => {
  for (const shardRows of [0, 0.5, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    const planning = { folder: join(folder, "refused"), task: "classify", model, shardRows } as const;
    await expect(planJobs(nodeJobsHost, [pictures], planning)).rejects.toMatchObject({ code: "usage" });
  }
  expect(existsSync(join(folder, "refused"))).toBe(false);
  const plan = await planned("numbers", "classify");
  for (const options of [
    { index: -1 },
    { index: 0.5, count: 2 },
    { index: 0, count: 0 },
    { index: 0, count: Number.NaN },
    { count: 2 },
    { leaseMs: 0 },
    { leaseMs: Number.NaN },
    { leaseMs: 86_400_000 },
    { graceMs: -1 },
    { patienceMs: Number.NaN },
    { silenceMs: 0 },
  ])
    await expect(workPlan(host, plan, options), JSON.stringify(options)).rejects.toMatchObject({ code: "usage" });
  const handed: unknown[] = [];
  const openShardRunner: JobsHost["openShardRunner"] = (place, { silenceMs }) => {
    handed.push(silenceMs);
    return runnerHere(place);
  };
  await workPlan({ ...host, openShardRunner }, plan, { device: "cpu", silenceMs: Number.POSITIVE_INFINITY });
  expect(handed).toEqual([2 ** 31 - 1]); // the longest that a timer waits
});

test("plans are frozen: another model, another version and a changed plan are refused", async () => {
  const plan = await planned("frozen", "classify", { topK: 2 });
  await expect(planned("frozen", "classify")).rejects.toThrow(/already/);
  // @ts-expect-error: what a clock decides comes out differently every time, so it is no option
  await expect(planned("x", "classify", { budgetMs: 3 })).rejects.toThrow(/options of classify/);
  await expect(planned("y", "detekt" as "detect")).rejects.toThrow(/no task/);
  const path = join(plan, "plan.json");
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace('"top_k": 2', '"top_k": 3'));
  await expect(work(plan)).rejects.toThrow(/changed since/);
  writeFileSync(path, text);
  await writeVit(model, {}, ["a", "b", "c", "d", "f"]);
  const compute = { device: "cpu", threads: 1, sessions: 1, onNotice: () => undefined } as const;
  await expect(openPlan(nodeJobsHost, plan, compute)).rejects.toMatchObject({ code: "plan_model" });
  // The same model by another path is the same.
  const elsewhere = await writeVit(join(folder, "elsewhere"));
  await (await openPlan(nodeJobsHost, plan, { ...compute, model: elsewhere }))[Symbol.asyncDispose]();
});

test("a model that answers something else is refused when a plan is made, and no plan is left", async () => {
  await expect(planned("other", "detect")).rejects.toMatchObject({
    hint: "saccade classify asks it (Classifier.load)",
  });
  expect(existsSync(join(folder, "other", "plan.json"))).toBe(false);
});
