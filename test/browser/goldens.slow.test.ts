// The official code's numbers in Chromium: every SparseFormer of toy size, and a toy of each other family, in WebAssembly and on WebGPU's software
// adapter, each compiled as a page runs it there. WebGPU takes ten seconds for a model's kernels: it does not run square SparseFormers, whose kernels are those of oblong ones, and of the other families
// those that differ most; SACCADE_SWEEP=all runs them too.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Graph } from "../../src/graph/tensor.ts";
import { loadModel, requireNative } from "../../src/model-folder/load.ts";
import { inferenceGraph } from "../../src/models/graph.ts";
import { type Kernels, type LoweringTarget, lower } from "../../src/onnx/lower.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { type TensorData, toFloat64 } from "../../src/tensor.ts";
import { backboneGraph } from "../backbone-parity.ts";
import { clipTextGraph } from "../clip-text-parity.ts";
import { TOY_CONFIG, toyOutputs, toyPath, toyPictures } from "../gfnet-toys.ts";
import { goldenCases, isToy, loadGolden, maxDifference, toleranceOf } from "../golden-case.ts";
import { sparseformerGraph } from "../sparseformer-parity.ts";
import { noChromium } from "./chromium.ts";
import type { EngineApi } from "./pages/engine-page.ts";
import { fromPlain, plainTensors } from "./plain-tensors.ts";
import { type OpenPage, openSite, type Site } from "./site.ts";

vi.setConfig({ testTimeout: 300_000 });

interface ModelCase {
  readonly graph: Graph;
  readonly weights: ReadonlyMap<string, TensorData>;
  readonly feeds: Readonly<Record<string, TensorData>>;
  /** What the official code answers. */
  readonly outputs: ReadonlyMap<string, TensorData>;
  readonly toleranceOf: (output: string) => number;
}

const SPARSEFORMERS = goldenCases("sparseformer").filter(isToy);
const BACKBONES = [
  ...[
    "resnet_toy_bottleneck",
    "regnet_toy",
    "mobilenetv3_toy_large",
    "efficientnet_toy",
    "densenet_toy",
    "convnext_toy",
  ].map((name) => `timm-extra/${name}`),
  ...["vit_mini", "deit_mini_distilled", "swin_mini_padded", "crossvit_mini_dagger"].map((name) => `timm-mini/${name}`),
];
const SAME_KERNELS = SPARSEFORMERS.filter((name) => name.endsWith("_64x64"));
const LIKE_OTHERS = BACKBONES.filter((name) => !/efficientnet|swin|crossvit/.test(name));
const WITHOUT_WEBGPU = process.env.SACCADE_SWEEP === "all" ? [] : [...SAME_KERNELS, ...LIKE_OTHERS];
const CLIP_TEXT = "clip-text/clip_text_mini";
const GFNET = "gfnet/toy-recurrent";

async function modelCase(name: string): Promise<ModelCase> {
  if (name === GFNET) return gfnetCase();
  const golden = loadGolden(name)!;
  const { outputs } = golden;
  const rest = { outputs, toleranceOf: (output: string) => toleranceOf(golden, output) };
  if (SPARSEFORMERS.includes(name)) return { ...sparseformerGraph(golden), feeds: { image: golden.image }, ...rest };
  if (BACKBONES.includes(name)) return { ...backboneGraph(name), feeds: { image: golden.image }, ...rest };
  const { graph, weights, ids } = clipTextGraph(golden);
  const embedding = outputs.get("text_embedding")!; // what our output "logits" is in the official code
  return { graph, weights, feeds: { ids }, ...rest, outputs: new Map([["logits", embedding]]) };
}

async function gfnetCase(): Promise<ModelCase> {
  const options = { architecture: "gfnet", config: TOY_CONFIG.recurrent };
  const { definition, weights } = requireNative(await loadModel(nodeHost, toyPath("recurrent"), options));
  const feeds = { image: toyPictures() };
  return {
    graph: inferenceGraph(definition),
    weights,
    feeds,
    outputs: toyOutputs("recurrent"),
    toleranceOf: () => 1e-4,
  };
}

/** 1e-4 on logits and regions. Features and tokens are up to 4, and their rounding is as much larger. */
function closeness(output: string, value: TensorData): number {
  if (/logits|roi/.test(output)) return 1e-4;
  return 1e-4 * toFloat64(value).reduce((largest, x) => Math.max(largest, Math.abs(x)), 1);
}

describe.skipIf(noChromium)("goldens in a page", () => {
  let site: Site<EngineApi>;
  let page: OpenPage<EngineApi>;
  beforeAll(async () => {
    site = await openSite({ page: "engine-page", webgpu: true });
    page = await site.open();
  });
  afterAll(() => site?.close());

  async function run({ graph, weights, feeds }: ModelCase, device: "wasm" | "webgpu", kernels: Kernels = {}) {
    const target: LoweringTarget = device === "webgpu" ? "webgpu" : "onnxruntime";
    site.server.put("/model.onnx", lower(graph, { parameters: weights, target, ...kernels }));
    const session = await page.api.open("/model.onnx", { device, check: false });
    expect(session.device).toBe(device);
    const outputs = await page.api.run(session.id, plainTensors(feeds));
    await page.api.dispose(session.id);
    return new Map(Object.entries(outputs).map(([name, value]) => [name, fromPlain(value)]));
  }

  test.each([...SPARSEFORMERS, ...BACKBONES, CLIP_TEXT, GFNET])("%s", async (name) => {
    const model = await modelCase(name);
    const wasm = await run(model, "wasm");
    expect(model.outputs.size).toBeGreaterThan(0);
    for (const [output, expected] of model.outputs)
      expect(maxDifference(wasm.get(output), expected), output).toBeLessThan(model.toleranceOf(output));
    if (WITHOUT_WEBGPU.includes(name)) return;
    const webgpu = await run(model, "webgpu");
    expect([...webgpu.keys()]).toEqual([...wasm.keys()]);
    for (const [output, value] of wasm)
      expect(maxDifference(webgpu.get(output), value), output).toBeLessThan(closeness(output, value));
  });

  test("a SparseFormer on WebGPU with the provider's own kernels", async () => {
    const golden = loadGolden(SAME_KERNELS.find((name) => name.includes("v1_mini"))!)!;
    const { outputs, image } = golden;
    const model = {
      ...sparseformerGraph(golden, { fewKernels: true }),
      feeds: { image },
      outputs,
      toleranceOf: () => 0,
    };
    const answers = await run(model, "webgpu", { gridSample: "kernel", normedSums: true });
    for (const [output, value] of outputs)
      expect(maxDifference(answers.get(output), value), output).toBeLessThan(closeness(output, value));
  });
});
