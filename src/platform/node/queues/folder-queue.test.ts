import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { openFolderQueue } from "./folder-queue.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function planFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "saccade-queue-"));
  folders.push(folder);
  for (const name of ["parts", "failed"]) mkdirSync(join(folder, name));
  return folder;
}

const open = (folder: string, worker: string, shards = 4, leaseMs = 60) =>
  openFolderQueue({ folder, plan: "p", shards, worker, leaseMs });

test("a shard is one worker's; what is done or given up is nobody's", async () => {
  const folder = planFolder();
  writeFileSync(join(folder, "parts/part-00001.json"), "{}");
  writeFileSync(join(folder, "failed/00002.json"), "{}");
  const [a, b] = [await open(folder, "a"), await open(folder, "b")];
  const taken = await Promise.all([a.take(), b.take(), a.take()]);
  expect(taken.flatMap((lease) => lease?.shard ?? []).sort()).toEqual([0, 3]);
  expect(await b.outstanding()).toBe(2);
  await taken.find((lease) => lease !== undefined)!.release();
  expect(await b.take()).toBeDefined();
});

test("a plan in a store of objects has none: what there is instead is said", async () => {
  await expect(open("s3://bucket/plan", "a")).rejects.toMatchObject({
    code: "usage",
    hint: expect.stringContaining("--index N --count M"),
  });
});

test("a worker that falls silent loses its shard and is told; one that gives signs keeps it", async () => {
  const folder = planFolder();
  const [a, b] = [await open(folder, "a", 1), await open(folder, "b", 1)];
  const lease = (await a.take())!;
  expect(await b.take()).toBeUndefined(); // seen for the first time
  for (let i = 0; i < 4; i++) {
    await pause(30);
    expect(await lease.renew()).toBe(true);
    expect(await b.take()).toBeUndefined();
  }
  await pause(80);
  const other = await b.take();
  expect(other?.shard).toBe(0);
  expect(await lease.renew()).toBe(false);
  await lease.complete(); // it is not this one's to take away
  expect(await other!.renew()).toBe(true);
  await other!.complete();
  expect(readdirSync(join(folder, "leases"))).toEqual([]);
});

test("a process of this machine that is no more is known at once", async () => {
  const folder = planFolder();
  const a = await open(folder, "a", 1, 60_000);
  await a.take();
  const path = join(folder, "leases/00000.lease");
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  writeFileSync(path, readFileSync(path, "utf8").replace(`"pid":${process.pid}`, `"pid":${pid}`));
  const b = await open(folder, "b", 1, 60_000);
  expect((await b.take())?.shard).toBe(0);
});
