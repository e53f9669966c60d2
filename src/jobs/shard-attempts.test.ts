import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { nodeFiles } from "../platform/node/files.ts";
import { attemptsPath, historyOf, readAttempts, recordAttempt } from "./attempts.ts";
import type { Plan } from "./plan.ts";
import { writePlan } from "./plan.ts";
import { planFilesOnDisk } from "./plan-files.ts";
import type { ShardOrder } from "./run-shard.ts";
import { type AttemptContext, attemptShard, type RunEnd, type ShardRunner } from "./shard-attempts.ts";

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function context(run: (order: ShardOrder) => RunEnd): Promise<AttemptContext & { orders: ShardOrder[] }> {
  const folder = await mkdtemp(join(tmpdir(), "saccade-attempts-"));
  folders.push(folder);
  const plan = { hash: "0".repeat(64), rows: 64, shard_rows: 32 } as Plan;
  const opened = { files: planFilesOnDisk(nodeFiles), folder, plan };
  await writePlan(opened);
  const orders: ShardOrder[] = [];
  let ids = 0;
  const runner: ShardRunner = {
    ready: async () => undefined,
    run(order) {
      orders.push(order);
      return { end: Promise.resolve(run(order)), stop: () => undefined };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  return {
    ...{ opened, worker: "w", runner, orders },
    date: () => "2026-01-01T00:00:00.000Z",
    newId: () => `${folder}-${++ids}`,
    onProgress: () => undefined,
    onRunning: () => undefined,
    onNotice: () => undefined,
    isStopping: () => false,
  };
}

const done = ({ from, to }: ShardOrder): RunEnd => ({ kind: "done", rows: to - from, failed: 0, seconds: 1 });
const died: RunEnd = { kind: "died", reason: "SIGSEGV" };
const has = ({ from, to, quarantined }: ShardOrder, row: number) =>
  row >= from && row < to && !quarantined.includes(row);

describe("a picture that ends the process", () => {
  test.each([[[37]], [[32]], [[63]], [[40, 41]], [[33, 62]]])(
    "%j is found by halves, and the rest is done",
    async (rows) => {
      const ctx = await context((order) => (rows.some((row) => has(order, row)) ? died : done(order)));
      expect(await attemptShard(ctx, 1)).toMatchObject({ kind: "done", rows: 32 });
      const history = historyOf(await readAttempts(ctx.opened.files, ctx.opened.folder, 1));
      expect([...history.quarantined].sort()).toEqual(rows);
      // Alone it was tried twice; the whole shard twice before and once after.
      for (const row of rows) expect(history.deaths({ from: row, to: row + 1 }).seen).toBe(2);
      const whole = ctx.orders.filter(({ isProbe }) => !isProbe);
      expect(whole.map(({ quarantined }) => quarantined.length)).toEqual([0, 0, rows.length]);
      expect(ctx.orders.length).toBeLessThan(3 + rows.length * 14);
    },
  );

  test("deaths that are no picture's fault put none in quarantine, and end in giving up", async () => {
    const ctx = await context((order) => (order.isProbe ? done(order) : died));
    expect(await attemptShard(ctx, 0)).toMatchObject({ kind: "given-up" });
    expect(historyOf(await readAttempts(ctx.opened.files, ctx.opened.folder, 0)).quarantined.size).toBe(0);
  });

  test("nothing has begun before the process is ready: a worker that is killed until then leaves no death", async () => {
    const ctx = await context(done);
    let becomeReady: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => {
      becomeReady = resolve;
    });
    const end = attemptShard({ ...ctx, runner: { ...ctx.runner, ready: () => ready } }, 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await readAttempts(ctx.opened.files, ctx.opened.folder, 0)).toEqual([]);
    becomeReady();
    expect(await end).toMatchObject({ kind: "done" });
    expect(await readAttempts(ctx.opened.files, ctx.opened.folder, 0)).toHaveLength(2);
  });

  test.each([
    [5, []],
    [6, [3]],
  ])(
    "workers that were killed %d times over one picture alone, which is healthy: %j in quarantine",
    async (kills, quarantined) => {
      const ctx = await context(done);
      const begin = (id: string, from: number, to: number) =>
        recordAttempt(ctx.opened.files, ctx.opened.folder, 0, { event: "begin", id, from, to, worker: "x", at: "" });
      for (const id of ["a", "b"]) await begin(id, 0, 32);
      for (const to of [16, 8, 4]) await begin(`half ${to}`, 0, to);
      await begin("quarter", 2, 4);
      for (let kill = 0; kill < kills; kill++) await begin(`alone ${kill}`, 3, 4);
      expect(await attemptShard(ctx, 0)).toMatchObject({ kind: "done" });
      const history = historyOf(await readAttempts(ctx.opened.files, ctx.opened.folder, 0));
      expect([...history.quarantined]).toEqual(quarantined);
    },
  );

  test("a worker that was killed counts as a death, and what it found out is not done again", async () => {
    const ctx = await context(done);
    for (const id of ["a", "b"])
      await recordAttempt(ctx.opened.files, ctx.opened.folder, 0, {
        event: "begin",
        id,
        from: 0,
        to: 32,
        worker: "x",
        at: "",
      });
    await recordAttempt(ctx.opened.files, ctx.opened.folder, 0, {
      event: "begin",
      id: "c",
      from: 0,
      to: 16,
      worker: "x",
      at: "",
    });
    await recordAttempt(ctx.opened.files, ctx.opened.folder, 0, {
      event: "end",
      id: "c",
      outcome: "done",
      worker: "x",
      at: "",
    });
    expect(await attemptShard(ctx, 0)).toMatchObject({ kind: "done" });
    expect(ctx.orders.map(({ from, to, isProbe }) => [from, to, isProbe])).toEqual([
      [16, 32, true],
      [0, 32, false],
    ]);
  });
});

test("errors of the engine are tried three times, those of the surroundings are not the shard's", async () => {
  const ctx = await context(() => ({ kind: "failed", message: "out of memory", isPassing: false }));
  expect(await attemptShard(ctx, 0)).toEqual({ kind: "given-up", reason: "out of memory" });
  expect(ctx.orders.length).toBe(3);
  const full = await context(() => ({ kind: "failed", message: "the disk is full", isPassing: true }));
  expect(await attemptShard(full, 0)).toEqual({ kind: "passing", message: "the disk is full" });
  expect(historyOf(await readAttempts(full.opened.files, full.opened.folder, 0)).failures).toBe(0);
});

test("a torn line is no line, and what follows it is one", async () => {
  const ctx = await context(done);
  const { files, folder } = ctx.opened;
  await nodeFiles.append(attemptsPath(files, folder, 0), '\n{"event":"begin","id":"a","fr');
  await recordAttempt(ctx.opened.files, folder, 0, { event: "quarantine", row: 3, worker: "x", at: "" });
  expect(await readAttempts(ctx.opened.files, folder, 0)).toHaveLength(1);
});
