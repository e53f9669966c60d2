// Every op on WebGPU, against the interpreter; and a train step whose state stays on the card, against the processor's. Runs on whatever Vulkan
// driver there is, or on the software one that Chromium carries: enough to tell whether numbers are right, not how fast they come.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { add, mul, reduceMean, sub } from "../src/graph/build.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { trace } from "../src/graph/scope.ts";
import type { Graph, Tensor } from "../src/graph/tensor.ts";
import { kernelsFor } from "../src/model-folder/device-kernels.ts";
import { changedModel } from "../src/models/registry.ts";
import { type Kernels, lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { SequentialSession, type StepResult } from "../src/runtime/sequential-session.ts";
import { type TensorData, toFloat64 } from "../src/tensor.ts";
import { expectClose } from "./compare.ts";
import { loadGolden, maxDifference } from "./golden-case.ts";
import { type OpCase, opCases, readyCase, readyTogether } from "./op-cases.ts";
import { sparseformerGraph } from "./sparseformer-parity.ts";

const SOFTWARE_DRIVER = "/usr/lib/chromium/vk_swiftshader_icd.json";
if (process.env.VK_DRIVER_FILES === undefined && existsSync(SOFTWARE_DRIVER))
  process.env.VK_DRIVER_FILES = SOFTWARE_DRIVER;
process.env.XDG_RUNTIME_DIR ??= "/tmp";

/** What onnxruntime-node 1.30.0 refuses on WebGPU. */
const REFUSED = ["pow: float32, broadcast both ways", "convTranspose: three dimensions"];

async function onWebgpu(
  graph: Graph,
  inputs: Readonly<Record<string, TensorData>>,
  parameters?: ReadonlyMap<string, TensorData>,
  kernels: Kernels = {},
): Promise<Readonly<Record<string, TensorData>>> {
  const bytes = lower(graph, { target: "webgpu", ...kernels, ...(parameters === undefined ? {} : { parameters }) });
  const session = await nodeHost.createSession(bytes, { device: "webgpu" });
  try {
    return await session.run(inputs);
  } finally {
    await session.dispose();
  }
}

const plusOne = (dtype: "float32" | "float16") => trace((scope) => ({ y: add(scope.graph.input("x", [2], dtype), 1) }));
const works = (dtype: "float32" | "float16", data: Float32Array | Uint16Array) =>
  onWebgpu(plusOne(dtype), { x: { dtype, shape: [2], data } }).then(
    () => true,
    () => false,
  );
const isThere = await works("float32", new Float32Array(2));
const hasHalves = isThere && (await works("float16", new Uint16Array(2)));
if (!isThere) console.warn("skipped: WebGPU finds no adapter here (Debian: apt install chromium libvulkan1)");
else if (!hasHalves) console.warn("skipped: float16, which this adapter does not know");

const isHalf = ({ title, inputs }: OpCase) =>
  /float16/.test(title) || Object.values(inputs).some(({ dtype }) => dtype === "float16");

/** What cases answer that one session computes: opening it takes most of the time. Empty if it fails, and then each is asked alone. */
async function answersTogether(cases: readonly OpCase[]): Promise<ReadonlyMap<OpCase, TensorData>> {
  try {
    const { graph, inputs } = readyTogether(cases);
    const answers = await onWebgpu(graph, inputs);
    return new Map(cases.map((opCase, i) => [opCase, answers[`${i}`]!]));
  } catch {
    return new Map();
  }
}

describe.skipIf(!isThere).each(Object.entries(opCases))("%s", (op, list) => {
  const cases = list.filter((opCase) => hasHalves || !isHalf(opCase));
  const isRefused = ({ title }: OpCase) => REFUSED.includes(`${op}: ${title}`);
  let together: ReadonlyMap<OpCase, TensorData>;
  beforeAll(async () => {
    const isAlike = (opCase: OpCase) => opCase.sizes === undefined && readyCase(opCase).parameters.size === 0;
    together = await answersTogether(cases.filter((opCase) => isAlike(opCase) && !isRefused(opCase)));
  });

  test.each(cases.map((opCase): [string, OpCase] => [opCase.title, opCase]))("%s", async (_, opCase) => {
    const { graph, inputs, parameters } = readyCase(opCase);
    const alone = async () => (await onWebgpu(graph, inputs, parameters)).y!;
    // A clear error, never a wrong number. When one is not refused any more, take it off the list.
    if (isRefused(opCase)) return expect(alone()).rejects.toThrow(/the run failed/);
    const expected = interpret(graph, { inputs, parameters }).get("y")!;
    expectClose(together.get(opCase) ?? (await alone()), expected, isHalf(opCase) ? 4e-3 : 1e-4);
  });
});

const TRUSTED = { gridSample: "kernel", normedSums: true } as const;

describe.skipIf(!isThere)("the provider's own kernels", () => {
  test("are found to be right", async () => {
    const model = {
      kind: "native",
      card: { name: "sparseformer_v1_tiny" },
      definition: changedModel("sparseformer_v1_tiny", {}),
      weights: new Map(),
    } as const;
    const notices: string[] = [];
    const options = { device: "webgpu", onNotice: (line: string) => void notices.push(line) } as const;
    expect(await kernelsFor(nodeHost, model, options)).toEqual({ target: "webgpu", ...TRUSTED });
    expect(notices).toEqual([]);
  });

  // Other ways of reading maps are gathered, of which the last case is one.
  const cases = opCases.gridSample.filter(({ title }) =>
    /picture.*linear, (zeros|border)$|volume, linear, zeros/.test(title),
  );
  test.each(cases.map((opCase): [string, OpCase] => [opCase.title, opCase]))("%s", async (_, opCase) => {
    const { graph, inputs, parameters } = readyCase(opCase);
    const { y } = await onWebgpu(graph, inputs, parameters, TRUSTED);
    expectClose(y!, interpret(graph, { inputs, parameters }).get("y")!, 1e-4);
  });

  test("a SparseFormer with them has the official numbers, and leaves the card only for sizes", async () => {
    const golden = loadGolden("sparseformer/sparseformer_v1_mini_64x64")!;
    const { graph, weights } = sparseformerGraph(golden, { fewKernels: true });
    const bytes = lower(graph, { parameters: weights, target: "webgpu", ...TRUSTED });
    const folder = mkdtempSync(join(tmpdir(), "saccade-webgpu-"));
    try {
      const session = await nodeHost.createSession(bytes, { device: "webgpu", tracePrefix: join(folder, "trace") });
      const outputs = await session.run({ image: golden.image }, { outputs: [...golden.outputs.keys()] });
      await session.dispose();
      for (const [name, expected] of golden.outputs) {
        const largest = toFloat64(expected).reduce((most, x) => Math.max(most, Math.abs(x)), 1);
        expect(maxDifference(outputs[name], expected), name).toBeLessThan(
          1e-4 * (/logits|roi/.test(name) ? 1 : largest),
        );
      }
      const placed = placesOf(readFileSync(join(folder, readdirSync(folder)[0]!), "utf8"));
      expect(placed.get("WebGpuExecutionProvider")).toContain("GridSample");
      expect([...(placed.get("CPUExecutionProvider") ?? [])].filter((op) => !SIZES.has(op))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** What the processor may compute meanwhile: sizes that a graph leaves free. */
const SIZES = new Set(["Shape", "Concat", "Gather", "Slice", "Mul", "Add", "Squeeze", "Unsqueeze"]);

/** Operators of a trace by the provider that ran them. */
function placesOf(trace: string): Map<string, Set<string>> {
  const events = JSON.parse(trace) as { cat?: string; name: string; args?: { provider?: string; op_name?: string } }[];
  const places = new Map<string, Set<string>>();
  for (const { cat, name, args } of events) {
    if (cat !== "Node" || !name.endsWith("_kernel_time") || args?.provider === undefined) continue;
    places.set(args.provider, (places.get(args.provider) ?? new Set()).add(args.op_name ?? ""));
  }
  return places;
}

test.skipIf(!isThere)("state stays on the card from run to run, and can be read", async () => {
  const size = 300;
  const graph = trace((scope) => {
    const [weight, target] = [scope.graph.input("weight", [size]), scope.graph.input("target", [size])];
    const wrong = sub(weight, target);
    return { next: sub(weight, mul(wrong, 0.25)), loss: reduceMean(mul(wrong, wrong), [0]) };
  });
  const state = { weight: "next" };
  const target = { dtype: "float32" as const, shape: [size], data: Float32Array.from({ length: size }, (_, i) => i) };
  const weight = { ...target, data: new Float32Array(size) };
  const runOn = async (device: "cpu" | "webgpu") => {
    const session = await nodeHost.createSession(lower(graph, { target: "webgpu" }), { device, state });
    try {
      const losses = [Number((await session.run({ weight, target })).loss!.data[0])];
      for (let i = 0; i < 5; i++) losses.push(Number((await session.run({ target })).loss!.data[0]));
      const [first, again] = [await session.readState!(), await session.readState!(["weight"])];
      expect(again).toEqual(first);
      // Reading does not disturb it, and it may be fed anew.
      await session.run({ target });
      await session.run({ weight, target });
      return { losses, weight: first.weight!, afresh: (await session.readState!()).weight! };
    } finally {
      await session.dispose();
    }
  };
  const [card, processor] = [await runOn("webgpu"), await runOn("cpu")];
  card.losses.forEach((loss, i) => {
    expect(loss / processor.losses[i]!).toBeCloseTo(1, 5);
  });
  expectClose(card.weight, processor.weight, 1e-5);
  expectClose(card.afresh, processor.afresh, 1e-5);
  expect(card.losses.at(-1)).toBeLessThan(card.losses[0]! / 10);
});

test.skipIf(!isThere)("sessions side by side take turns on the card, also while they close", async () => {
  const bytes = lower(plusOne("float32"), { target: "webgpu" });
  for (let round = 0; round < 2; round++) {
    const open = () => nodeHost.createSession(bytes, { device: "webgpu" });
    const sessions = await Promise.all(Array.from({ length: 4 }, open));
    const x = { dtype: "float32" as const, shape: [2], data: Float32Array.of(round, 2) };
    const answers = await Promise.all(sessions.flatMap((session) => [session.run({ x }), session.run({ x })]));
    for (const { y } of answers) expect([...y!.data]).toEqual([round + 1, 3]);
    await Promise.all(sessions.map((session) => session.dispose()));
  }
});

test.skipIf(!isThere)("stages of one model share the card, and let go of it", async () => {
  const graph = (build: (x: Tensor) => Record<string, Tensor>, name: string) =>
    lower(
      trace((scope) => build(scope.graph.input(name, ["batch", 2]))),
      { target: "webgpu" },
    );
  const files = new Map([
    ["first", graph((x) => ({ logits: add(x, 1), "next.sum": add(x, 1) }), "image")],
    ["second", graph((x) => ({ logits: mul(x, 2) }), "state.sum")],
  ]);
  const session = await nodeHost.createStagedSession(files, { device: "webgpu" });
  const steps = new SequentialSession(["first", "second"], session);
  const answers: number[][] = [];
  const images = { dtype: "float32" as const, shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) };
  const lastRow = ({ outputs }: StepResult) => {
    answers.push([...(outputs.logits!.data as Float32Array)]);
    return [1];
  };
  await steps.run(images, lastRow, { outputs: ["logits"] });
  await steps.dispose();
  expect(answers).toEqual([
    [2, 3, 4, 5],
    [8, 10],
  ]);
});
