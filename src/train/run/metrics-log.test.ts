import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { NotFoundError, UsageError } from "../../errors.ts";
import { nodeFiles } from "../../platform/node/files.ts";
import { FaultyFiles, MemoryFiles } from "./memory-files.test-helper.ts";
import { type MetricRecord, MetricsLog, readMetrics } from "./metrics-log.ts";

const folder = mkdtempSync(join(tmpdir(), "saccade-metrics-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const train = (step: number, loss = 1 / step): MetricRecord => ({ kind: "train", step, epoch: 0, loss });
const steps = async (files: MemoryFiles) => (await readMetrics(files, "/m")).records.map(({ step }) => step);

test("one line a record, in the order given", async () => {
  const path = join(folder, "metrics.jsonl");
  const log = await MetricsLog.open(nodeFiles, path);
  expect(readFileSync(path, "utf8")).toBe("");
  const evaluation: MetricRecord = { kind: "eval", step: 2, epoch: 1, top1: 0.5, top5: 0.75, note: "first" };
  await Promise.all([log.append(train(1)), log.append({ ...train(2), learning_rate: 5e-4 }), log.append(evaluation)]);
  expect(readFileSync(path, "utf8").split("\n").slice(0, 2)).toEqual([
    '{"kind":"train","step":1,"epoch":0,"loss":1}',
    '{"kind":"train","step":2,"epoch":0,"loss":0.5,"learning_rate":0.0005}',
  ]);
  expect(await readMetrics(nodeFiles, path)).toEqual({
    records: [train(1), { ...train(2), learning_rate: 5e-4 }, evaluation],
    damagedLines: 0,
  });
});

test("a number that is not finite is null", async () => {
  const files = new MemoryFiles();
  const log = await MetricsLog.open(files, "/m");
  await log.append({ ...train(1, Number.NaN), gradient_norm: Number.POSITIVE_INFINITY });
  expect(files.text("/m")).toBe('{"kind":"train","step":1,"epoch":0,"loss":null,"gradient_norm":null}\n');
});

test("the reader passes over what is no record, wherever the file was torn", async () => {
  const files = new MemoryFiles();
  const log = await MetricsLog.open(files, "/m");
  for (const step of [1, 2, 3]) await log.append(train(step));
  const whole = files.entries.get("/m")!;
  for (let length = 0; length <= whole.length; length++) {
    files.entries.set("/m", whole.slice(0, length));
    const { records, damagedLines } = await readMetrics(files, "/m");
    // A line counts once its last brace is there, with or without the line's end.
    const complete = whole.slice(0, length).reduce((count, byte) => count + (byte === "}".charCodeAt(0) ? 1 : 0), 0);
    expect(records).toEqual([train(1), train(2), train(3)].slice(0, complete));
    expect(damagedLines).toBeLessThanOrEqual(1);
  }
  await files.writeAtomic("/m", '1\nnull\n[]\n{"kind":"other","step":1,"epoch":1}\n\n  \n{"kind":"train","epoch":0}\n');
  expect(await readMetrics(files, "/m")).toEqual({ records: [], damagedLines: 5 });
  await expect(readMetrics(files, "/none")).rejects.toBeInstanceOf(NotFoundError);
});

test("a resumed run keeps the lines up to its checkpoint and writes the others again", async () => {
  const files = new MemoryFiles();
  const log = await MetricsLog.open(files, "/m");
  for (const step of [1, 2, 3, 4]) await log.append(train(step));
  await log.append({ kind: "eval", step: 2, epoch: 1 });
  await files.append("/m", '{"kind":"train","st');
  const resumed = await MetricsLog.open(files, "/m", 2);
  expect(files.text("/m").split("\n").length).toBe(4);
  expect(await steps(files)).toEqual([1, 2, 2]);
  await resumed.append(train(3));
  expect(await steps(files)).toEqual([1, 2, 2, 3]);
  expect((await readMetrics(files, "/m")).damagedLines).toBe(0);
});

test("a file without an end of line, no file, and another run's file", async () => {
  const files = new MemoryFiles();
  await files.writeAtomic("/m", '{"kind":"train","step":1,"epoch":0}');
  await (await MetricsLog.open(files, "/m", 1)).append(train(2));
  expect(await steps(files)).toEqual([1, 2]);
  await files.remove("/m");
  await (await MetricsLog.open(files, "/m", 7)).append(train(8));
  expect(await steps(files)).toEqual([8]);
  await expect(MetricsLog.open(files, "/m")).rejects.toBeInstanceOf(UsageError);
});

test("of two lines of one kind and step the later counts", async () => {
  const files = new MemoryFiles();
  const log = await MetricsLog.open(files, "/m");
  for (const record of [train(1), { ...train(1), kind: "eval" } as const, train(2), train(1, 9)])
    await log.append(record);
  expect((await readMetrics(files, "/m")).records).toEqual([{ ...train(1), kind: "eval" }, train(2), train(1, 9)]);
});

test("a failed append costs its own line only", async () => {
  const files = new MemoryFiles();
  const faulty = new FaultyFiles(files, 4, false); // stat, write, append, append
  const log = await MetricsLog.open(faulty, "/m");
  await log.append(train(1));
  const results = await Promise.allSettled([log.append(train(2)), log.append(train(3))]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  expect(await readMetrics(files, "/m")).toEqual({ records: [train(1), train(3)], damagedLines: 1 });
});
