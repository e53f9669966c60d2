import { expect, test } from "vitest";
import type { ModelCost } from "../../models/cost.ts";
import { assembleRows, bestRates, type Measured } from "./assemble.ts";

const costOf = (macs: number, macsAtLoad = 0): ModelCost => ({
  parameters: 7,
  macs,
  macsAtLeast: 0,
  decisions: 0,
  macsAtLoad,
  activations: { peakBytes: macs / 10, totalBytes: macs },
  parts: [],
  ops: [],
});

function measured(model: string, times: number[], more: Partial<Measured> & { batch?: number } = {}): Measured {
  const { batch = 1, ...rest } = more;
  return {
    setting: { model, height: 224, width: 224, batch, device: "cpu", precision: "float32", threads: 2 },
    times,
    cost: { single: costOf(1e9), batch: costOf(batch * 1e9) },
    parameters: 7,
    compileMs: 3,
    ...rest,
  };
}

const LIMITS = [{ device: "cpu", threads: 2, gflops: 100, size: 1024 }];

test("medians are of the rounds that count, ratios of the same rounds", () => {
  const [a, b] = assembleRows([measured("a", [10, 99, 20, 10]), measured("b", [30, 1, 20, 40])], LIMITS, [0, 2, 3]);
  expect(a).toMatchObject({ ms: { median: 10 }, ratio: { median: 1 }, pictures_per_second: 100, compile_ms: 3 });
  // 3, 1 and 4 times a, round by round; the medians' ratio is 3 too, but 2 to 3.5 is the spread within rounds.
  expect(b).toMatchObject({ ms: { median: 30 }, ratio: { median: 3, q1: 2, q3: 3.5 } });
});

test("ratios compare equal settings only, and a model alone has none", () => {
  const rows = assembleRows(
    [measured("a", [10, 10, 10]), measured("a", [40, 40, 40], { batch: 8 }), measured("b", [20, 20, 20], { batch: 8 })],
    [],
    [0, 1, 2],
  );
  expect(rows.map(({ ratio }) => ratio?.median)).toEqual([undefined, 1, 0.5]);
  expect(rows[2]!.pictures_per_second).toBe(400);
});

test("the share of the limit counts what a run does, and not what is done when the model is loaded", () => {
  const cost = { single: costOf(1e9, 0.2e9), batch: costOf(4e9, 0.2e9) };
  const [row] = assembleRows([measured("a", [152, 152, 152], { cost, batch: 4 })], LIMITS, [0, 1, 2]);
  // 2 x 3.8 G operations in 152 ms are 50 GFLOP/s.
  expect(row).toMatchObject({ macs: 1e9, run_macs: 3.8e9, activation_bytes: 0.4e9 });
  expect(row!.share_of_limit).toBeCloseTo(0.5);
});

test("what failed has no row; what nobody can count has no share", () => {
  const foreign = measured("foreign", [5, 5, 5], { cost: undefined, parameters: undefined });
  const rows = assembleRows([measured("broken", []), foreign], LIMITS, [0, 1, 2]);
  expect(rows.map(({ model }) => model)).toEqual(["foreign"]);
  expect(rows[0]).not.toHaveProperty("share_of_limit");
  expect(rows[0]).not.toHaveProperty("macs");
});

test("the limit is the best size of each device and number of threads", () => {
  const probe = (size: number, threads: number, ms: number) => ({
    probe: { size, products: 1 },
    device: "cpu",
    threads,
    times: [ms, 1, ms, ms],
  });
  const limits = bestRates([probe(1000, 2, 20), probe(2000, 2, 100), probe(1000, 1, 40)], [0, 2, 3]);
  expect(limits).toEqual([
    { device: "cpu", threads: 2, gflops: 160, size: 2000 },
    { device: "cpu", threads: 1, gflops: 50, size: 1000 },
  ]);
  expect(bestRates([{ ...probe(1000, 2, 20), times: [] }], [0])).toEqual([]);
});
