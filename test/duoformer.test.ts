// DuoFormer: sizes, the order of a region's cells, official names in their two forms, configurations told by shapes, and those that cannot be. The official code's numbers: in
// the slow suite.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { interpret } from "../src/graph/interpreter/interpret.ts";
import { recogniseCheckpoint } from "../src/model-folder/recognise.ts";
import { modelCost } from "../src/models/cost.ts";
import { fitWeights, inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { elementCount, tensor, toFloat64 } from "../src/tensor.ts";
import { goldenCases, goldenPath } from "./golden-case.ts";
import { toyOf } from "./registry-toys.ts";

// The published numbers count a normalisation that nothing reads, of 2 * 768 values. Products are those of convolutions and linear layers.
test.each([
  ["duoformer_r50_2scales_channel", 185_336_644, 33.8],
  ["duoformer_r50_3scales_channel", 185_742_916, 100.7],
])("%s has the size and cost of the official code", (name, parameters, gmacs) => {
  const cost = modelCost(defineModel(name, { num_classes: 4 }), { height: 224, width: 224 });
  expect(cost.parameters).toBe(parameters - 2 * 768);
  const weighted = cost.ops.filter(({ op }) => op === "gemm" || op === "conv").reduce((sum, { macs }) => sum + macs, 0);
  expect(weighted / 1e9).toBeCloseTo(gmacs, 1);
});

/** Zeros of the shapes that a case lists: names and shapes are all that is asked for here. */
function officialTensors(name: string) {
  const json = JSON.parse(readFileSync(goldenPath(`${name}.json`)!, "utf8"));
  const listed = json.tensors as readonly { readonly name: string; readonly shape: readonly number[] }[];
  return { config: json.config, tensors: new Map(listed.map((entry) => [entry.name, zeros(entry.shape)])) };
}

const zeros = (shape: readonly number[]) => tensor("float32", shape, new Float32Array(elementCount(shape)));

test.each(goldenCases("duoformer"))("%s has the official tensors, and is told by their shapes", (name) => {
  const official = officialTensors(name);
  const definition = defineModel("duoformer", official.config);
  const { architecture, config } = definition;
  const adopted = architecture.adoptWeights(official.tensors, config);
  expect(fitWeights(inferenceGraph(definition), adopted, name).size).toBe(
    [...official.tensors.keys()].filter((key) => !/num_batches_tracked|fc_norm/.test(key)).length,
  );
  const { num_heads: _, proj_dim: __, ...told } = official.config;
  expect(architecture.adoptShapes!(official.tensors)).toMatchObject(told);
});

const toy = toyOf("duoformer_r50_3scales");
const model = defineModel("duoformer_r50_3scales", toy.config);

test("regions are row by row, and so are a region's cells, but column by column in the second smallest map", () => {
  const layers = ["resnet_projector.stage.2", "resnet_projector.stage.3", "regions"];
  const graph = inferenceGraph(model, {}, { layers });
  const parameters = initialWeights(graph, 0);
  const shape = [1, 3, 32, 64];
  const image = tensor(
    "float32",
    shape,
    Float32Array.from({ length: 3 * 32 * 64 }, (_, i) => Math.sin(i * i)),
  );
  const found = interpret(graph, { inputs: { image }, parameters, outputs: layers });
  const regions = toFloat64(found.get("regions")!); // (1, 2 * 22, 24)
  const projected = (stage: number, row: number, column: number) => {
    const map = found.get(`resnet_projector.stage.${stage + 1}`)!;
    const [, channels, height, width] = map.shape as [number, number, number, number];
    const weight = toFloat64(parameters.get(`projection.proj_heads${stage}.weight`)!);
    const bias = toFloat64(parameters.get(`projection.proj_heads${stage}.bias`)!);
    const values = toFloat64(map);
    return Array.from({ length: 24 }, (_, out) => {
      let sum = bias[out]!;
      for (let c = 0; c < channels; c++)
        sum += weight[out * channels + c]! * values[(c * height + row) * width + column]!;
      return sum;
    });
  };
  const expectCell = (region: number, cell: number, stage: number, row: number, column: number) =>
    projected(stage, row, column).forEach((value, i) => {
      expect(regions[(region * 22 + cell) * 24 + i], `cell ${cell} of region ${region}`).toBeCloseTo(value, 5);
    });
  // Of the second region: behind its token and its cell of the smallest map come four of the next, then sixteen.
  const nextOrder = [
    [0, 2],
    [1, 2],
    [0, 3],
    [1, 3],
  ] as const;
  nextOrder.forEach(([row, column], i) => {
    expectCell(1, 2 + i, 2, row, column);
  });
  expectCell(1, 6, 1, 0, 4);
  expectCell(1, 7, 1, 0, 5);
  expectCell(1, 10, 1, 1, 4);
});

describe("a checkpoint", () => {
  const wide = defineModel("duoformer", { ...toy.config, embed_dim: 64, num_heads: 1, img_size: 64 });
  const weights = initialWeights(inferenceGraph(wide), 0);
  const LISTED: Readonly<Record<string, string>> = {
    conv1: "0",
    bn1: "1",
    layer1: "4",
    layer2: "5",
    layer3: "6",
    layer4: "7",
  };
  const listed = new Map(
    [...weights].map(([name, value]) => [
      name.replace(/^(resnet_projector)\.([^.]+)/, (_, at, part: string) => `${at}.${LISTED[part]}`),
      value,
    ]),
  );

  test("has a backbone that is a list, or names its parts", () => {
    for (const tensors of [weights, listed])
      expect([...wide.architecture.adoptWeights(tensors, wide.config).keys()].sort()).toEqual(
        [...weights.keys()].sort(),
      );
  });

  test("has positions for another size of pictures resampled", () => {
    const larger = wide.architecture.atSize!(wide.config, { height: 96, width: 128 });
    const adopted = wide.architecture.adoptWeights(listed, larger);
    expect(adopted.get("vision_transformer.pos_embed")!.shape).toEqual([1, 1 + 3 * 4, 64]);
    expect(wide.architecture.isMadeFor!(listed, larger)).toBe(false);
    expect(wide.architecture.isMadeFor!(listed, wide.config)).toBe(true);
  });

  test("that is whole is recognised by its shapes", () => {
    const usual = defineModel("duoformer", { embed_dim: 64, num_heads: 1, depth: 1, backbone: "r18", num_layers: 3 });
    const declared = [...inferenceGraph(usual).parameters.values()];
    const tensors = new Map(declared.map(({ name, shape }) => [name, zeros(shape)]));
    const { definition, notes } = recogniseCheckpoint({ tensors, facts: {} }, "duo.pth", { architecture: "duoformer" });
    expect(definition.config).toEqual(usual.config);
    expect(notes.join("\n")).toContain("num_layers 3");
  });
});

test.each([
  [{ img_size: 100 }, "img_size must be a multiple of 32"],
  [{ embed_dim: 100 }, "num_heads must divide embed_dim"],
  [{ proj_dim: 96 }, "proj_dim must be as large as embed_dim"],
  [{ num_layers: 5 }, "num_layers"],
  [{ backbone_config: { width: 3 } }, "width"],
])("%o cannot be", (config, message) => {
  expect(() => defineModel("duoformer", config)).toThrow(UsageError);
  expect(() => defineModel("duoformer", config)).toThrow(message);
});

test("pictures of another size than the configured one are refused", () => {
  expect(() =>
    modelCost(
      { ...model, architecture: { ...model.architecture, atSize: (c: unknown) => c } },
      { height: 224, width: 224 },
    ),
  ).toThrow(/configured for pictures of 64 x 32 pixels/);
});
