// The Swin family at toy size against the official code's numbers; official files of other windows, pictures and classes; which model a file of v2 is.
import { describe, expect, test } from "vitest";
import { defineModel, registry } from "../src/models/registry.ts";
import { stageGeometry } from "../src/models/swin/config.ts";
import { classesOf1k } from "../src/models/swin/imagenet-22k.ts";
import { distancesOf } from "../src/nn/cosine-attention.ts";
import { type TensorData, tensor } from "../src/tensor.ts";
import { goldenCases, isToy } from "./golden-case.ts";
import { expectInterpreterLayers, expectSessionLayers } from "./layer-parity.ts";
import { swinCase } from "./swin-parity.ts";

describe.each(goldenCases("swin").filter(isToy))("%s", (name) => {
  test("interpreter", () => expectInterpreterLayers(swinCase(name)));
  test("native", () => expectSessionLayers(swinCase(name), "cpu"));
});

const floats = (shape: readonly number[], value: (i: number) => number = () => 0): TensorData =>
  tensor(
    "float32",
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i)),
  );

describe("official files", () => {
  const [HEAD, TABLE] = ["head.weight", "layers.0.blocks.0.attn.relative_position_bias_table"];
  const adopt = (tensors: Readonly<Record<string, TensorData>>, config: object) => {
    const { architecture, config: checked } = defineModel("swin", { depths: [2], num_heads: [2], ...config });
    return architecture.adoptWeights(new Map(Object.entries(tensors)), checked);
  };

  // Numbers of torch.nn.functional.interpolate(mode="bicubic"), as the official load_pretrained calls it.
  test("bias tables of other windows are resampled bicubically", () => {
    const table = floats([25, 2], (i) => ((i >> 1) ** 2 % 7) + (i % 2) * 0.5 * (i >> 1));
    const adopted = adopt({ [HEAD]: floats([3, 4]), [TABLE]: table }, { window_size: 4, num_classes: 3 });
    const { shape, data } = adopted.get(TABLE)!;
    expect(shape).toEqual([49, 2]);
    const first = [-0.41837, 0.10007, 2.11617, 4.31487, 2.83951, 1.74488, 1.82398, 2.65936];
    const second = [-0.65453, 0.14088, 2.5841, 5.11808, 3.97799, 3.31047, 3.66654, 3.80805];
    for (const [i, value] of first.entries()) {
      expect(data[2 * i]).toBeCloseTo(value, 4);
      expect(data[2 * i + 1]).toBeCloseTo(second[i]!, 4);
    }
  });

  test("positions of other pictures too", () => {
    const positions = floats([1, 16, 1], (i) => i ** 2 % 7);
    const config = { ape: true, img_size: 12, embed_dim: 2, num_classes: 3 };
    const { shape, data } = adopt({ [HEAD]: floats([3, 4]), absolute_pos_embed: positions }, config).get(
      "absolute_pos_embed",
    )!;
    expect(shape).toEqual([1, 9, 1]);
    const expected = [0.42919, 2.77257, 1.984, 1.91403, 3.32715, 0.92322, 3.26716, 0.58666, 1.03328];
    for (const [i, value] of expected.entries()) expect(data[i]).toBeCloseTo(value, 4);
  });

  test("of ImageNet-22k's classes a model of ImageNet-1k gets its own", () => {
    const classes = classesOf1k();
    expect(new Set(classes).size).toBe(1000);
    expect([classes[0], classes[1], classes[999], Math.max(...classes)]).toEqual([359, 368, 21_817, 21_817]);
    const official = { [HEAD]: floats([21_841, 2], (i) => i), "head.bias": floats([21_841], (i) => i) };
    const adopted = adopt(official, { num_classes: 1000 });
    expect(adopted.get("head.fc.weight")!.shape).toEqual([1000, 2]);
    expect([...adopted.get("head.fc.weight")!.data.subarray(2, 4)]).toEqual([736, 737]);
    expect([...adopted.get("head.fc.bias")!.data]).toEqual(classes);
    expect(adopt(official, { num_classes: 21_841 }).get("head.fc.weight")).toBe(official[HEAD]);
  });

  test("of v2 fit one registered model, by windows, the windows of its pretraining, and classes", () => {
    const models = [...registry.values()].filter(({ architecture }) => architecture === "swinv2");
    expect(models.length).toBe(12);
    for (const { name } of models) {
      const { config } = defineModel(name) as { config: Parameters<typeof stageGeometry>[0] & Record<string, unknown> };
      const file = new Map<string, TensorData>([
        ["patch_embed.norm.weight", floats([config.embed_dim])],
        ["head.weight", floats([config.num_classes as number, 1])],
      ]);
      for (const [i, { heads, window }] of stageGeometry(config).entries()) {
        const pretrained = (config.pretrained_window_sizes as number[] | undefined)?.[i] ?? 0;
        const distances = distancesOf({ window, learned: window }, pretrained);
        const shape = [1, 2 * window.height - 1, 2 * window.width - 1, 2];
        file.set(`layers.${i}.blocks.0.attn.logit_scale`, floats([heads, 1, 1]));
        file.set(
          `layers.${i}.blocks.0.attn.relative_coords_table`,
          tensor("float32", shape, Float32Array.from(distances)),
        );
        file.set(`layers.${i}.blocks.${config.depths[i]! - 1}.norm1.weight`, floats([1]));
      }
      const fitting = models.filter((model) => {
        const candidate = defineModel(model.name);
        return candidate.architecture.isMadeFor!(file, candidate.config);
      });
      expect(fitting.map((model) => model.name)).toEqual([name]);
    }
  });
});

test("Swin-MLP has no tokens to make fewer", () => {
  const { architecture } = defineModel("swin_mlp_tiny_c24_patch4_window8_256");
  expect(architecture.reduceTokens).toBeUndefined();
});
