// Checkpoints of the official repositories under their own names become timm's, with nothing missing and nothing left over.
import { describe, expect, test } from "vitest";
import { fitWeights, inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { type TensorData, tensor } from "../src/tensor.ts";
import { loadGolden } from "./golden-case.ts";
import { iaRed2Case } from "./learned-tokens-parity.ts";

function adopted(golden: string, rename: (tensors: Map<string, TensorData>) => Map<string, TensorData>) {
  const { weights, config, json } = loadGolden(`timm-mini/${golden}`)!;
  const definition = defineModel(json.model as string, config);
  const tensors = definition.architecture.adoptWeights(rename(new Map(weights)), definition.config);
  return { weights, fitted: fitWeights(inferenceGraph(definition), tensors, golden) };
}

const renamed = (tensors: ReadonlyMap<string, TensorData>, rename: (name: string) => string) =>
  new Map([...tensors].map(([name, value]) => [rename(name), value]));

describe("microsoft/Swin-Transformer", () => {
  // There merging ends a stage, the head is one layer, and indices and masks are stored.
  const official = (tensors: Map<string, TensorData>) => {
    const names = renamed(tensors, (name) =>
      name
        .replace(/^layers\.(\d+)\.downsample/, (_, stage: string) => `layers.${Number(stage) - 1}.downsample`)
        .replace("head.fc.", "head."),
    );
    const index = tensor("int64", [49, 49], new BigInt64Array(49 * 49));
    names.set("layers.0.blocks.0.attn.relative_position_index", index);
    names.set("layers.0.blocks.1.attn_mask", tensor("float32", [4, 49, 49], new Float32Array(4 * 49 * 49)));
    return names;
  };

  test("names", () => {
    const { weights, fitted } = adopted("swin_mini", official);
    expect(fitted).toEqual(weights);
  });

  test("names and other windows", () => {
    const { fitted } = adopted("swin_mini_larger_windows", official);
    expect(fitted.get("layers.0.blocks.0.attn.relative_position_bias_table")?.shape).toEqual([17 * 15, 1]);
  });
});

test("IBM/CrossViT: lists of positions and class tokens", () => {
  const { weights, fitted } = adopted("crossvit_mini_dagger", (tensors) =>
    renamed(tensors, (name) => name.replace(/^(pos_embed|cls_token)_/, "$1.")),
  );
  expect(fitted).toEqual(weights);
});

test("old ViT: the first layer as a matrix", () => {
  const { weights, fitted } = adopted("vit_mini", (tensors) => {
    const first = tensors.get("patch_embed.proj.weight")!;
    return tensors.set("patch_embed.proj.weight", { ...first, shape: [24, 3 * 8 * 8] });
  });
  expect(fitted).toEqual(weights);
});

test("IA-RED2: blocks among all and again in their group", () => {
  const { golden, definition } = iaRed2Case("iared/iared_vit_6");
  const twice = [...golden.weights].flatMap(([name, value]): [string, TensorData][] => {
    const [, block, rest] = /^blocks\.(\d+)\.(.+)$/.exec(name) ?? [];
    if (block === undefined) return [[name, value]];
    return [
      [name, value],
      [`groups.${Math.floor(Number(block) / 2)}.block_list.${Number(block) % 2}.${rest}`, value],
    ];
  });
  const adopted = definition.architecture.adoptWeights(new Map(twice), definition.config);
  expect(fitWeights(inferenceGraph(definition), adopted, "twice")).toEqual(golden.weights);
});
