// SAM's image encoder with Expedit inside it against the official code's numbers: in the interpreter, natively and in WebAssembly.
import { describe, expect, test } from "vitest";
import { reshape } from "../src/graph/build.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { countMacs } from "../src/graph/macs.ts";
import { trace } from "../src/graph/scope.ts";
import { fitWeights, inferenceGraph, initialWeights, parameterCount } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import type { SamConfig } from "../src/models/sam/config.ts";
import { clusterRows, nearestClusters } from "../src/nn/tokens/clusters.ts";
import { byWindow, Reordering, rowByRow } from "../src/nn/windows.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { tensor } from "../src/tensor.ts";
import { goldenCases, loadGolden, maxDifference } from "./golden-case.ts";

/** Of a case's config: what the official code calls hourglass. */
interface Hourglass {
  readonly hourglass_clustering_location: number;
  readonly hourglass_num_cluster: number;
  readonly hourglass_temperture: number;
  readonly hourglass_reconstruction_k: number;
}

describe.each(goldenCases("expedit").filter((name) => name.includes("_sam_")))("%s", (name) => {
  const golden = loadGolden(name)!;
  const own = Object.entries(golden.config).filter(([field]) => !field.startsWith("hourglass"));
  const cut = golden.config as unknown as Hourglass;
  const side = Math.sqrt(cut.hourglass_num_cluster);
  const { architecture, config } = defineModel("sam", {
    ...Object.fromEntries(own),
    norm_eps: 1e-5,
    tokens: `cluster=${side}x${side}@${cut.hourglass_clustering_location}:expedit+tau=${cut.hourglass_temperture}+k=${cut.hourglass_reconstruction_k}`,
  });
  const before = `block.${cut.hourglass_clustering_location}`;
  const graph = inferenceGraph({ architecture, config }, {}, { layers: ["neck", before] });
  const weights = fitWeights(graph, golden.weights, name);
  const expected = golden.outputs.get("features")!;

  test("interpreter", () => {
    const outputs = interpret(graph, {
      inputs: { image: golden.image },
      parameters: weights,
      outputs: ["neck", before],
    });
    expect(maxDifference(outputs.get("neck"), expected)).toBeLessThan(2e-6);

    const { window_size } = config as SamConfig;
    const window = { height: window_size, width: window_size };
    const [n, cells, width] = outputs.get(before)!.shape as [number, number, number];
    const map = { height: Math.sqrt(cells), width: Math.sqrt(cells) };
    const clusters = trace(({ graph: inner }) => {
      const rows = { tokens: inner.input("tokens", [n, cells, width]), order: rowByRow(map) };
      const inWindows = new Reordering(inner).to(byWindow(map, window), rows);
      const x = reshape(inWindows, [-1, window_size ** 2, width]); // (N * windows, area, width)
      const to = { height: side, width: side };
      const options = { from: window, to, iterations: 5, tau: cut.hourglass_temperture, window: 5 };
      const centroids = clusterRows(x, options)(x);
      return { centroids, hard_labels: nearestClusters(x, centroids) };
    });
    const found = interpret(clusters, { inputs: { tokens: outputs.get(before)! }, parameters: new Map() });
    expect(maxDifference(found.get("centroids"), golden.outputs.get("centroids")!)).toBeLessThan(1e-5);
    expect(maxDifference(found.get("hard_labels"), golden.outputs.get("hard_labels")!)).toBe(0);
  });
  test.each([
    ["cpu", "onnxruntime"],
    ["wasm", "portable"],
  ] as const)("%s, %s operators", async (device, target) => {
    await using session = await nodeHost.createSession(lower(graph, { parameters: weights, target }), { device });
    const { neck } = await session.run({ image: golden.image }, { outputs: ["neck"] });
    expect(maxDifference(neck, expected)).toBeLessThan(1e-4 + 4 * golden.float32Error);
  });
});

// Parameters and GMACs as timm counts them for the same networks, without those that no product of two tensors needs.
test.each([
  ["sam_vit_b", 89.67, 486.4],
  ["sam_vit_l", 308.28, 1493.9],
  ["sam_vit_h", 637.03, 2982.2],
])("%s has the published %d million parameters and %d GMACs", (name, millions, gmacs) => {
  const graph = inferenceGraph(defineModel(name));
  expect(parameterCount(graph) / 1e6).toBeCloseTo(millions, 2);
  const { total } = countMacs(graph, new Map([["batch", 1]]), [graph.outputs.get("logits")!]);
  expect(Math.abs(total / 1e9 / gmacs - 1)).toBeLessThan(0.01);
});

const SMALL = { embed_dim: 12, num_heads: 2, depth: 2, out_chans: 6, window_size: 3, global_attn_indexes: [1] };

describe("official files", () => {
  const definition = defineModel("sam_vit_b", { ...SMALL, img_size: 96 });
  const graph = inferenceGraph(definition);
  const own = initialWeights(graph, 1);

  test("hold a whole SAM, of which the image encoder is read", () => {
    const others = ["prompt_encoder.not_a_point_embed.weight", "mask_decoder.iou_token.weight"];
    const file = new Map([
      ...[...own].map(([name, value]) => [`image_encoder.${name}`, value] as const),
      ...others.map((name) => [name, tensor("float32", [1, 256], new Float32Array(256))] as const),
    ]);
    const adopted = definition.architecture.adoptWeights(file, definition.config);
    expect(fitWeights(graph, adopted, "sam")).toEqual(own);
  });

  test("fit pictures of another size: positions and the tables of blocks that see all are interpolated", () => {
    const wide = defineModel("sam_vit_b", { ...SMALL, img_size: [64, 128] });
    const fitted = fitWeights(inferenceGraph(wide), wide.architecture.adoptWeights(own, wide.config), "sam");
    expect(fitted.get("pos_embed")!.shape).toEqual([1, 4, 8, 12]);
    expect(fitted.get("blocks.0.attn.rel_pos_h")!.shape).toEqual([5, 6]);
    expect(fitted.get("blocks.1.attn.rel_pos_h")!.shape).toEqual([7, 6]);
    expect(fitted.get("blocks.1.attn.rel_pos_w")!.shape).toEqual([15, 6]);
  });

  test("without relative or absolute positions there are none", () => {
    const plain = inferenceGraph(
      defineModel("sam", { ...SMALL, img_size: 96, use_rel_pos: false, use_abs_pos: false }),
    );
    expect([...plain.parameters.keys()].filter((name) => name.includes("pos"))).toEqual([]);
  });
});

test.each([
  [{ global_attn_indexes: [12] }, "global_attn_indexes"],
  [{ num_heads: 7 }, "num_heads"],
  [{ img_size: 8 }, "img_size"],
])("a configuration that cannot be: %o", (config, field) => {
  expect(() => defineModel("sam_vit_b", config)).toThrow(field);
});
