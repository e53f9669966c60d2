import { expect, test } from "vitest";
import { FormatError } from "../../errors.ts";
import { sharesOfTrace } from "./trace-shares.ts";

let clock = 0;

function kernel(name: string, op: string, us: number, kind = "_kernel_time") {
  clock += us;
  return { cat: "Node", name: `${name}${kind}`, ts: clock - us, dur: us, args: { op_name: op, provider: "CPU" } };
}

/** Kernels of one run, and the run around them. */
function run(...kernels: (readonly [name: string, op: string, us: number])[]) {
  const from = clock;
  const events = kernels.map(([name, op, us]) => kernel(name, op, us));
  return [...events, { cat: "Session", name: "model_run", ts: from, dur: clock - from }];
}

const NODES = ["stem/conv_1", "stem/relu_2", "layers.0.attn/matMul_5", "add_7", "layers.1.fc/gemm_9", "gelu_10"];

const trace = (...runs: (readonly (readonly [string, string, number])[])[]) => {
  clock = 0;
  return JSON.stringify([
    { cat: "Session", name: "session_initialization", ts: 0, dur: 5, args: {} },
    ...runs.flatMap((kernels) => run(...kernels)),
  ]);
};

const ONE = [
  ["stem/relu_2_nchwc", "Conv", 40],
  ["ReorderOutput", "ReorderOutput", 10],
  ["layers.0.attn/matMul_5", "MatMul", 20],
  ["add_7", "Add", 10],
  ["layers.1.fc/gemm_9/Transpose", "Gemm", 15],
  ["gelu_10", "Gelu", 5],
] as const;

test("shares by kind of operator, the longest first, without the first run", () => {
  const slow = ONE.map(([name, op, us]) => [name, op, 100 * us] as const);
  const { ops } = sharesOfTrace(trace(slow, ONE, ONE), NODES);
  expect(ops.map(({ name }) => name)).toEqual(["Conv", "MatMul", "Gemm", "ReorderOutput", "Add", "Gelu"]);
  expect(ops[0]!.share).toBeCloseTo(0.4);
  expect(ops.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
});

test("shares by part: glue stands where the file has it, what the engine made after what ran before", () => {
  const { parts } = sharesOfTrace(trace(ONE, ONE), NODES);
  expect(parts).toEqual([
    { name: "stem", share: expect.closeTo(0.5) },
    { name: "layers.0", share: expect.closeTo(0.3) },
    { name: "layers.1", share: expect.closeTo(0.2) },
  ]);
});

test("an engine that runs nodes in another order changes nothing", () => {
  const [stem, reorder, attention, sum, fc, gelu] = ONE;
  const { parts } = sharesOfTrace(trace(ONE, [attention, fc, stem, reorder, sum, gelu]), NODES);
  expect(Object.fromEntries(parts.map(({ name, share }) => [name, Math.round(100 * share)]))).toEqual({
    stem: 50,
    "layers.0": 30,
    "layers.1": 20,
  });
});

test("a single run is used as it is; times before and after kernels are not theirs", () => {
  clock = 0;
  const events = [
    kernel("conv_1", "Conv", 30),
    kernel("conv_1", "Conv", 5, "_fence_before"),
    { cat: "Session", name: "model_run", ts: 0, dur: 40 },
  ];
  expect(sharesOfTrace(JSON.stringify(events), ["conv_1"])).toEqual({ ops: [{ name: "Conv", share: 1 }], parts: [] });
});

test.each(["", "[", "{}", "[1]", "[]", '[{"cat":"Node","name":5,"ts":0}]'])("%j is refused", (text) => {
  expect(() => sharesOfTrace(text, [])).toThrow(FormatError);
});
