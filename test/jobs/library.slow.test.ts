// Batch jobs as functions of the library: what docs/jobs.md shows, on a plan of its own.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mergePlan, planJobs, retryPlan, statusOfPlan, verifyPlan, workPlan } from "../../src/node.ts";
import { temporaryFolder, writeVit } from "../cli/mini-model.ts";
import { writePictures } from "./pictures.ts";

test("a program plans, works, looks, tries again, checks and merges", async () => {
  const folder = temporaryFolder();
  const model = await writeVit(join(folder, "vit"));
  const pictures = await writePictures(join(folder, "pictures"), 20, 10);
  const place = join(folder, "plan");
  const { plan } = await planJobs([pictures], {
    ...{ folder: place, model, shardRows: 8 },
    task: "classify",
    options: { topK: 2 },
  });
  expect(plan).toMatchObject({ rows: 20, task: "classify", options: { top_k: 2 } });
  const states = new Set<string>();
  const worked = await workPlan(place, { threads: 1, sessions: 1, onHeartbeat: ({ state }) => states.add(state) });
  expect(worked).toEqual({ rows: 20, failed: 2, shards: 3, givenUp: 0 });
  expect(states).toContain("stopped");
  expect(await statusOfPlan(place)).toMatchObject({ rows: 20, doneRows: 20, failedRows: 2, doneShards: 3 });
  expect(await retryPlan(place, { codes: ["network"] })).toEqual({ rows: 0, shards: 0 });
  expect(await verifyPlan(place)).toMatchObject({ faults: [], missing: [] });
  expect((await mergePlan(place, join(folder, "answers.jsonl"))).rows).toBe(20);
  const [first] = readFileSync(join(folder, "answers.jsonl"), "utf8").split("\n");
  expect(JSON.parse(first!).predictions).toHaveLength(2);
});
