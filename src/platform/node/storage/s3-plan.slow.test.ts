// What a plan's folder promises, of the disk and of a store of objects.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ObjectStore, objectStore } from "../../../../test/jobs/servers.ts";
import { planFilesOnDisk } from "../../../jobs/plan-files.ts";
import { RandomSource } from "../../../random.ts";
import { nodeFiles } from "../files.ts";
import { s3Storage } from "./s3.ts";
import { lazyS3 } from "./s3-client.ts";
import { createObject, planFilesInStore } from "./s3-plan.ts";

let store: ObjectStore;
const folder = mkdtempSync(join(tmpdir(), "saccade-plan-files-"));
beforeAll(async () => {
  store = await objectStore("plans");
  Object.assign(process.env, store.environment);
});
afterAll(async () => {
  await store.remove();
  rmSync(folder, { recursive: true });
});

const open = lazyS3();
const storage = s3Storage(open);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe.each([
  ["the disk", planFilesOnDisk(nodeFiles), `${folder}/plan`],
  ["a store of objects", planFilesInStore(open, storage), "s3://plans/some/plan/"],
])("%s", (_, files, plan) => {
  test("has files in folders, which are replaced as a whole, listed and removed", async () => {
    await files.makeDirectory(files.join(plan, "parts"));
    const path = files.join(plan, "parts", "part-1.json");
    expect(await files.stat(path)).toBeUndefined();
    await files.writeAtomic(path, "before");
    await files.writeAtomic(path, new TextEncoder().encode("after, é"));
    expect(textOf(await files.read(path))).toBe("after, é");
    expect(await files.stat(path)).toMatchObject({ isDirectory: false, size: 9 });
    expect(await files.stat(plan)).toMatchObject({ isDirectory: true });
    await files.writeAtomic(files.join(plan, "parts", "part-0.json"), "");
    await files.writeAtomic(files.join(plan, "plan.json"), "{}");
    const inside = await files.list(files.join(plan, "parts"));
    expect(inside.map((entry) => entry.path)).toEqual([files.join(plan, "parts", "part-0.json"), path]);
    expect((await files.list(plan)).map(({ path: each, isDirectory }) => [each, isDirectory])).toEqual([
      [files.join(plan, "parts"), true],
      [files.join(plan, "plan.json"), false],
    ]);
    await files.remove(path);
    await files.remove(path);
    await expect(files.read(path)).rejects.toMatchObject({ code: "not_found" });
    await expect(files.read(files.join(plan, "plan.json"), { maxBytes: 1 })).rejects.toMatchObject({ code: "limit" });
  });

  test("has logs, to which several add lines at once, each in its order", async () => {
    await files.makeDirectory(files.join(plan, "attempts"));
    const log = files.join(plan, "attempts", "00001.jsonl");
    expect(await files.readLines(log)).toEqual([]);
    await Promise.all(
      ["a", "b"].map(async (who) => {
        for (let i = 0; i < 12; i++) await files.addLine(log, `${who}${i}`);
      }),
    );
    const lines = (await files.readLines(log)).filter((line) => line !== "");
    for (const who of ["a", "b"])
      expect(lines.filter((line) => line.startsWith(who))).toEqual(Array.from({ length: 12 }, (_, i) => `${who}${i}`));
    expect(await files.readLines(files.join(plan, "attempts", "00002.jsonl"))).toEqual([]);
  });
});

test("an object is sent in parts as its bytes come, and is not there before all of it is", async () => {
  const random = new RandomSource(3, "s3/parts");
  const block = new Uint8Array(2 ** 22).map(() => random.next() & 255);
  const hash = createHash("sha256");
  const file = await createObject(open, "s3://plans/large.parquet");
  for (let i = 0; i < 9; i++) {
    block[0] = i; // the writer uses its memory again
    hash.update(block);
    await file.write(block);
  }
  expect(await storage.stat("s3://plans/large.parquet")).toBeUndefined();
  const sha256 = hash.digest("hex");
  expect(await file.finish()).toEqual({ bytes: 9 * 2 ** 22, sha256 });
  await file.discard();
  const there = await storage.read("s3://plans/large.parquet");
  expect(createHash("sha256").update(there).digest("hex")).toBe(sha256);
  const given = await createObject(open, "s3://plans/none.parquet");
  for (let i = 0; i < 5; i++) await given.write(block);
  await given.discard();
  expect(await storage.stat("s3://plans/none.parquet")).toBeUndefined();
});

test("a bucket that is not there is named", async () => {
  const files = planFilesInStore(open, storage);
  const missing = { code: "not_found", message: expect.stringContaining("s3://nowhere") };
  await expect(files.makeDirectory("s3://nowhere/plan")).rejects.toMatchObject(missing);
  await expect(files.writeAtomic("s3://nowhere/plan/plan.json", "{}")).rejects.toMatchObject(missing);
});
