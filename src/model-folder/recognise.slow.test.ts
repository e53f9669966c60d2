// Which model a bare checkpoint is, from nothing but names and shapes.
import { describe, expect, test } from "vitest";
import { inferenceGraph } from "../models/graph.ts";
import { usualTransform } from "../models/picture-input.ts";
import { defineModel } from "../models/registry.ts";
import type { TensorData } from "../tensor.ts";
import { type BareCheckpoint, detectModels, recogniseCheckpoint } from "./recognise.ts";

/** A checkpoint without its values: nothing looks at them unless it has to. */
function checkpoint(name: string, config?: Record<string, unknown>): BareCheckpoint {
  const { parameters } = inferenceGraph(defineModel(name, config));
  const tensors = new Map(
    [...parameters.values()].map(({ name: parameter, shape }): [string, TensorData] => [
      parameter,
      { dtype: "float32", shape, data: new Float32Array(0) },
    ]),
  );
  return { tensors, facts: {} };
}

const renamed = ({ tensors, facts }: BareCheckpoint, rename: (name: string) => string): BareCheckpoint => ({
  tensors: new Map([...tensors].map(([name, value]) => [rename(name), value])),
  facts,
});

const official = (name: string) => ({ name, prefix: "", classes: undefined });

test.each([
  "sparseformer_v1_tiny",
  "resnet50",
  "vit_tiny_patch16_224",
  "vit_small_patch32_224",
  "deit_small_distilled_patch16_224",
  "deit_base_distilled_patch16_384",
  "swin_tiny_patch4_window7_224",
  "swin_base_patch4_window12_384",
  "crossvit_9_240",
  "crossvit_small_240",
  "crossvit_15_dagger_240",
  "crossvit_15_dagger_408",
])("%s is recognised", (name) => {
  const found = detectModels(checkpoint(name));
  // The smallest ViT has its twin, as all of them have.
  expect(found).toEqual((name === "vit_tiny_patch16_224" ? [name, "deit_tiny_patch16_224"] : [name]).map(official));
});

test("the image encoder of a whole SAM, or alone", () => {
  const encoder = checkpoint("sam_vit_b");
  expect(detectModels(encoder)).toEqual([official("sam_vit_b")]);
  const whole = renamed(encoder, (name) => `image_encoder.${name}`);
  const decoder = ["mask_decoder.iou_token.weight", "prompt_encoder.no_mask_embed.weight"];
  const others = decoder.map((name): [string, TensorData] => [name, [...encoder.tensors.values()][0]!]);
  expect(detectModels({ ...whole, tensors: new Map([...whole.tensors, ...others]) })).toEqual([official("sam_vit_b")]);
});

describe("models of videos", () => {
  test("by their own names; how many frames they were trained with no file says", () => {
    expect(detectModels(checkpoint("tsm_mobilenetv2_8x_kinetics"))).toEqual([official("tsm_mobilenetv2_8x_kinetics")]);
    const resnet = checkpoint("tsm_resnet50_8x_kinetics");
    const either = ["tsm_resnet50_8x_kinetics", "tsm_resnet50_16x_kinetics"];
    expect(detectModels(resnet)).toEqual(either.map(official));
    const { definition } = recogniseCheckpoint(resnet, "tsm_resnet50_16x_kinetics.pth");
    expect(definition.registered?.name).toBe("tsm_resnet50_16x_kinetics");
    const wrapped = renamed(resnet, (name) => name.replace(".conv1.weight", ".conv1.net.weight"));
    expect(detectModels(wrapped)).toEqual(either.map(official));
    expect(detectModels(checkpoint("gfv_resnet50_144")).map(({ name }) => name)).toContain("gfv_resnet50_144");
    expect(detectModels(checkpoint("media_sparseformer_v1_tiny"))).toEqual([official("media_sparseformer_v1_tiny")]);
  });

  test("what they begin with is a model of pictures, whatever its classes", () => {
    const found = detectModels(checkpoint("resnet50", { num_classes: 400 }));
    expect(found).toEqual([{ name: "resnet50", prefix: "", classes: 400 }]);
    expect(detectModels(checkpoint("mobilenetv2_100"))).toEqual([official("mobilenetv2_100")]);
    expect(detectModels(checkpoint("sparseformer_v1_tiny"))).toEqual([official("sparseformer_v1_tiny")]);
  });
});

describe("ViT and DeiT have the same names and shapes", () => {
  const twins = checkpoint("deit_base_patch16_384");

  test("so both are named, but no other size, whose positions would have to be resampled", () => {
    expect(detectModels(twins)).toEqual(["vit_base_patch16_384", "deit_base_patch16_384"].map(official));
    expect(() => recogniseCheckpoint(twins, "weights.pth")).toThrow(/several models: vit_base\S+, deit_base\S+/);
  });

  test("the file's own name decides", () => {
    const { definition } = recogniseCheckpoint(twins, "/weights/vit/deit_base_patch16_384-8de9b5d1.pth");
    expect(definition.registered?.name).toBe("deit_base_patch16_384");
    expect(usualTransform(definition)).toContain("normalize(imagenet)");
    expect(() => recogniseCheckpoint(twins, "/deit_base_patch16_384/weights.pth")).toThrow(/several models/);
  });
});

test("tensors of no family's names and of no member's shapes are nobody's", () => {
  const unknown = checkpoint("swin_tiny_patch4_window7_224", { embed_dim: 48 });
  expect(detectModels(unknown)).toEqual([]);
  expect(detectModels(renamed(unknown, (name) => `encoder.${name}`))).toEqual([]);
  const halfWrapped = renamed(checkpoint("resnet18"), (name) => (name.startsWith("fc") ? name : `encoder.${name}`));
  expect(detectModels(halfWrapped)).toEqual([]);
});

describe("checkpoints as training programs write them", () => {
  const wrapped = renamed(checkpoint("resnet18"), (name) => `model.net.${name}`);
  const fineTuned = checkpoint("resnet18", { num_classes: 7 });

  test("a prefix that all names share is left out where the rest fits, and said", () => {
    expect(detectModels(wrapped)).toEqual([{ name: "resnet18", prefix: "model.net.", classes: undefined }]);
    for (const options of [{}, { architecture: "resnet18" }]) {
      const { definition, tensors, notes } = recogniseCheckpoint(wrapped, "last.ckpt", options);
      expect(definition.registered?.name).toBe("resnet18");
      expect([...tensors.keys()]).toEqual([...checkpoint("resnet18").tensors.keys()]);
      expect(notes).toEqual([`all names begin with "model.net.", which is not resnet18's and was left out`]);
    }
  });

  test("fine-tuned to other classes", () => {
    expect(detectModels(fineTuned)).toEqual([{ name: "resnet18", prefix: "", classes: 7 }]);
    for (const options of [{}, { architecture: "resnet18" }]) {
      const { definition, notes } = recogniseCheckpoint(fineTuned, "net.pth", options);
      expect(definition.config).toMatchObject({ num_classes: 7 });
      expect(notes).toEqual([expect.stringContaining("resnet18 with 7 classes of its own")]);
    }
  });

  test("both at once; a token model and one that carries facts too", () => {
    const both = renamed(fineTuned, (name) => `backbone.${name}`);
    expect(detectModels(both)).toEqual([{ name: "resnet18", prefix: "backbone.", classes: 7 }]);
    expect(detectModels(checkpoint("sparseformer_v1_tiny", { proj_dim: 3 }))).toEqual([
      { name: "sparseformer_v1_tiny", prefix: "", classes: 3 },
    ]);
  });

  test("without its last layers: SparK's files, with what they were pre-trained with or as timm's and the official code's", () => {
    const without = (name: string, lacks: RegExp) => {
      const { tensors, facts } = checkpoint(name);
      return { tensors: new Map([...tensors].filter(([tensor]) => !lacks.test(tensor))), facts };
    };
    const bare = without("resnet18", /^fc\./);
    const one: TensorData = { dtype: "float32", shape: [1], data: new Float32Array(1) };
    const others = [
      "densify_norms.0.weight",
      "densify_projs.0.bias",
      "mask_tokens.0",
      "dense_decoder.proj.bias",
      "imn_m",
    ];
    const inEncoder = renamed(bare, (name) => `sparse_encoder.sp_cnn.${name}`);
    const spark = {
      facts: {},
      tensors: new Map([...inEncoder.tensors, ...others.map((name) => [name, one] as const)]),
    };
    for (const [file, pretext] of [
      [spark, "spark"],
      [bare, "its file has no last layer"],
      [renamed(bare, (name) => `module.${name}`), "its file has no last layer"],
    ] as const)
      for (const options of [{}, { architecture: "resnet18" }]) {
        const found = recogniseCheckpoint(file, "resnet18_1kpretrained.pth", options);
        expect(found).toMatchObject({ pretext, definition: { config: { num_classes: 1 } } });
        expect(found.notes).toEqual([expect.stringContaining("resnet18 without its last layers (fc.weight, fc.bias)")]);
        expect(found.tensors.get("fc.weight")!.shape).toEqual([1, 512]);
        expect(found.tensors.has("dense_decoder.proj.bias")).toBe(false);
      }
    const official = renamed(without("convnext_tiny", /^head\./), (name) =>
      name
        .replace("stem.", "downsample_layers.0.")
        .replace(/^stages\.(\d)\.downsample/, "downsample_layers.$1")
        .replace(/\.blocks\.(\d)\.conv_dw/, ".$1.dwconv")
        .replace(/\.blocks\.(\d)\.mlp\.fc/, ".$1.pwconv")
        .replace(".blocks.", "."),
    );
    expect(official.tensors.has("stages.2.8.pwconv1.weight")).toBe(true);
    const { notes } = recogniseCheckpoint(official, "convnextT_1kpretrained_official_style.pth");
    expect(notes[0]).toMatch(/convnext_tiny without its last layers \(head\.norm\.weight, .*head\.fc\.bias\)/);
  });

  test("what the caller says is not changed", () => {
    const ask = () =>
      recogniseCheckpoint(fineTuned, "net.pth", { architecture: "resnet18", config: { num_classes: 9 } });
    expect(ask).toThrow(/fc\.weight is \[7, 512\] but must be \[9, 512\]/);
    const stem = new Map([...checkpoint("resnet18").tensors].filter(([name]) => name !== "bn1.weight"));
    const lacking = renamed({ tensors: stem, facts: {} }, (name) => `model.${name}`);
    const attempt = () => recogniseCheckpoint(lacking, "last.ckpt", { architecture: "resnet18" });
    // Of the two ways to read the names, the one that is nearer.
    expect(attempt).toThrow(/missing \(1\): bn1\.weight$/);
  });

  test("tensors of kinds that are not read explain what is missing", () => {
    const { tensors, facts } = checkpoint("resnet18");
    const rest = new Map([...tensors].filter(([name]) => name !== "fc.weight"));
    const unread = new Map([["fc.weight", "quantised"]]);
    const ask = (options: object) => () => recogniseCheckpoint({ tensors: rest, facts, unread }, "q.pth", options);
    expect(ask({ architecture: "resnet18" })).toThrow(
      /missing \(1\): fc\.weight\n {2}in the file, but of a kind that is not read \(1\): fc\.weight \(quantised\)/,
    );
    expect(ask({})).toThrow("and 1 of kinds that are not read: fc.weight (quantised)");
  });
});

test("a field that the configuration does not have is refused, in official ones too", () => {
  const tiny = checkpoint("sparseformer_v1_tiny");
  const ask = (config: Record<string, unknown>) => () => recogniseCheckpoint(tiny, "tiny.pth", { config });
  expect(ask({ nosuchfield: 1 })).toThrow('sparseformer_v1_tiny has no field "nosuchfield"');
  expect(ask({ num_sampling_points: 36 })).not.toThrow();
});
