// Which layers each family names, and their shapes. That their values are right in every form of a graph is a part of the sweep over registered models.
import { expect, test } from "vitest";
import { UsageError } from "../src/errors.ts";
import { inferenceGraph } from "../src/models/graph.ts";
import { layerNames } from "../src/models/layers.ts";
import { defineModel, type ModelDefinition, registry } from "../src/models/registry.ts";
import { toys } from "./registry-toys.ts";

/** The toy of a registered model, with its layers' shapes: "stage.1 [2, 8, 16, 24]". */
function layersOf(name: string): string[] {
  const { architecture, config } = registry.get(name)!;
  const toy = toys[architecture]!(config);
  const definition = defineModel(name, toy.config);
  const size = { batch: 2, height: toy.height!, width: toy.width! };
  const names = layerNames(inferenceGraph(definition, size));
  const graph = inferenceGraph(definition, size, { layers: names });
  return names.map((layer) => `${layer} [${graph.outputs.get(layer)!.shape.join(", ")}]`);
}

const SWIN_STAGES = [
  "stage.1 [2, 270, 12]",
  "merged.1 [2, 72, 24]",
  "stage.2 [2, 72, 24]",
  "merged.2 [2, 20, 48]",
  "stage.3 [2, 20, 48]",
  "merged.3 [2, 6, 96]",
  "stage.4 [2, 6, 96]",
  "tokens [2, 6, 96]",
];

const LAYERS: Readonly<Record<string, readonly string[]>> = {
  resnet18: ["stage.1 [2, 8, 16, 24]", "stage.2 [2, 16, 8, 12]", "stage.3 [2, 24, 4, 6]", "stage.4 [2, 32, 2, 3]"],
  regnety_006: ["stage.1 [2, 16, 16, 24]", "stage.2 [2, 24, 8, 12]", "stage.3 [2, 48, 4, 6]", "stage.4 [2, 80, 2, 3]"],
  convnext_tiny: ["stage.1 [2, 8, 17, 23]", "stage.2 [2, 16, 8, 11]", "stage.3 [2, 24, 4, 5]", "stage.4 [2, 32, 2, 2]"],
  convnext_isotropic_small: ["block.1 [2, 24, 4, 5]", "block.2 [2, 24, 4, 5]"],
  spartan_tiny: [
    "stem [2, 32, 16, 24]",
    "stage.1 [2, 32, 16, 24]",
    "stage.2 [2, 40, 8, 12]",
    "stage.3 [2, 48, 4, 6]",
    "stage.4 [2, 56, 2, 3]",
  ],
  densenet121: ["stage.1 [2, 32, 16, 24]", "stage.2 [2, 40, 8, 12]", "stage.3 [2, 36, 4, 6]", "stage.4 [2, 34, 2, 3]"],
  efficientnet_b2: [
    "stage.1 [2, 8, 31, 47]",
    "stage.2 [2, 8, 16, 24]",
    "stage.3 [2, 16, 8, 12]",
    "stage.4 [2, 24, 4, 6]",
    "stage.5 [2, 32, 4, 6]",
    "stage.6 [2, 48, 2, 3]",
    "stage.7 [2, 80, 2, 3]",
  ],
  mobilenetv2_100: [
    "stage.1 [2, 8, 31, 47]",
    "stage.2 [2, 8, 16, 24]",
    "stage.3 [2, 8, 8, 12]",
    "stage.4 [2, 16, 4, 6]",
    "stage.5 [2, 24, 4, 6]",
    "stage.6 [2, 40, 2, 3]",
    "stage.7 [2, 80, 2, 3]",
  ],
  mobilenetv3_large_100: [
    "stage.1 [2, 8, 31, 47]",
    "stage.2 [2, 8, 16, 24]",
    "stage.3 [2, 16, 8, 12]",
    "stage.4 [2, 24, 4, 6]",
    "stage.5 [2, 32, 4, 6]",
    "stage.6 [2, 40, 2, 3]",
    "stage.7 [2, 240, 2, 3]",
  ],
  glsim_vit_b16_cub: [
    "block.1 [2, 16, 24]",
    "block.2 [2, 16, 24]",
    "tokens [2, 16, 24]",
    "similarity [2, 16]",
    "crop [2, 3, 32, 32]",
  ],
  lightcnn_9: [
    "features.2 [2, 8, 16, 16]",
    "features.4 [2, 16, 8, 8]",
    "features.6 [2, 12, 4, 4]",
    "features.7 [2, 12, 4, 4]",
  ],
  gabor_resnet50: [
    "semantic.stage.1 [2, 32, 16, 18]",
    "semantic.stage.2 [2, 64, 8, 9]",
    "semantic.stage.3 [2, 96, 4, 5]",
    "semantic.stage.4 [2, 128, 2, 3]",
    "textures [2, 2, 128]",
  ],
  scattering_32: ["Sx [2, 48, 5, 6]"],
  rotnet_nin: ["conv1 [2, 4, 15, 19]", "conv2 [2, 6, 8, 10]", "conv3 [2, 6, 8, 10]", "conv4 [2, 6, 8, 10]"],
  lightweight_cnn: [0, 1].flatMap((branch) => [
    `branches.${branch}.conv1 [2, 3, 18, 20]`,
    `branches.${branch}.conv2 [2, 4, 9, 10]`,
    `branches.${branch}.conv3 [2, 5, 4, 5]`,
    `branches.${branch}.conv4 [2, 6, 2, 2]`,
  ]),
  terminator_32: [
    ...["bottleneck.1 [2, 6, 8, 8]", "block.1 [2, 6, 8, 8]", "bottleneck.2 [2, 12, 8, 8]"],
    ...["block.2 [2, 12, 8, 8]", "bottleneck.3 [2, 12, 8, 8]", "block.3 [2, 12, 8, 8]"],
  ],
  vit_tiny_patch16_224: ["block.1 [2, 15, 24]", "block.2 [2, 15, 24]", "cls [2, 24]", "tokens [2, 15, 24]"],
  swin_tiny_patch4_window7_224: SWIN_STAGES,
  swinv2_tiny_patch4_window8_256: SWIN_STAGES,
  swin_mlp_base_patch4_window7_224: SWIN_STAGES,
  sam_vit_b: ["block.1 [2, 15, 24]", "block.2 [2, 15, 24]", "tokens [2, 15, 24]", "neck [2, 11, 3, 5]"],
  plain_detr_swinv2_small_boxrpb: [
    ...["stage.1 [2, 384, 8]", "stage.2 [2, 96, 16]", "stage.3 [2, 24, 32]", "stage.4 [2, 6, 64]"],
    ...["map [2, 32, 4, 6]", "states.1 [2, 7, 32]", "states.2 [2, 7, 32]"],
  ],
  dtop_base_ade20k: [
    "stage.1 [2, 24, 4, 6]",
    "auxiliary_head.0.masks [2, 5, 4, 6]",
    "auxiliary_head.0.classes [2, 5, 2]",
    "stage.2 [2, 24, 4, 6]",
    "auxiliary_head.1.masks [2, 5, 4, 6]",
    "auxiliary_head.1.classes [2, 5, 2]",
    "stage.3 [2, 24, 4, 6]",
    "decode_head.masks [2, 5, 4, 6]",
    "decode_head.classes [2, 5, 2]",
  ],
  dhvt_tiny_cifar_patch4: [
    "patch_embed [2, 15, 24]",
    "block.1 [2, 15, 24]",
    "block.2 [2, 15, 24]",
    "cls [2, 24]",
    "tokens [2, 15, 24]",
  ],
  duoformer_r50_2scales: [
    "resnet_projector.stage.1 [2, 32, 8, 16]",
    "resnet_projector.stage.2 [2, 32, 4, 8]",
    "resnet_projector.stage.3 [2, 48, 2, 4]",
    "resnet_projector.stage.4 [2, 64, 1, 2]",
    "regions [2, 12, 24]",
    "scales [2, 12, 24]",
    "block.1 [2, 2, 24]",
    "block.2 [2, 2, 24]",
    "cls [2, 24]",
    "tokens [2, 2, 24]",
  ],
  crossvit_9_240: ["stage.1 [2, 40]", "stage.2 [2, 40]", "cls [2, 40]", "tokens [2, 40]"],
  gfnet_resnet50_96: [
    "model_prime_state_dict.stage.1 [2, 32, 9, 9]",
    "model_prime_state_dict.stage.2 [2, 64, 5, 5]",
    "model_prime_state_dict.stage.3 [2, 96, 3, 3]",
    "model_prime_state_dict.stage.4 [2, 128, 2, 2]",
    "look.1 [2, 48]",
    "model_state_dict.stage.1 [2, 32, 9, 9]",
    "model_state_dict.stage.2 [2, 64, 5, 5]",
    "model_state_dict.stage.3 [2, 96, 3, 3]",
    "model_state_dict.stage.4 [2, 128, 2, 2]",
    "look.2 [2, 48]",
  ],
  adaptivenn_deit_small: ["look.1 [2, 24]", "look.2 [2, 24]", "look.3 [2, 24]"],
  sparseformer_v1_tiny: [
    "unit.1 [2, 49, 64]",
    "unit.2 [2, 49, 64]",
    "unit.3 [2, 49, 64]",
    "unit.4 [2, 49, 64]",
    "unit.5 [2, 49, 64]",
    "unit.6 [2, 49, 64]",
    "unit.7 [2, 49, 64]",
    "unit.8 [2, 49, 64]",
    "unit.9 [2, 49, 64]",
    "tokens [2, 49, 64]",
  ],
  sparseformer_btsp_openai_clip_base: [
    "unit.1 [2, 48, 64]",
    "unit.2 [2, 48, 128]",
    "unit.3 [2, 49, 128]",
    "unit.4 [2, 49, 128]",
    "unit.5 [2, 49, 128]",
    "unit.6 [2, 49, 128]",
    "unit.7 [2, 49, 128]",
    "unit.8 [2, 49, 128]",
    "unit.9 [2, 49, 128]",
    "unit.10 [2, 49, 128]",
    "tokens [2, 48, 128]",
    "cls [2, 128]",
  ],
  rrformer: ["transformer [2, 12, 16, 32]"],
  mask2former_swin_tiny_coco_panoptic: [
    ...["backbone.res2 [2, 270, 8]", "backbone.res3 [2, 72, 16]", "backbone.res4 [2, 20, 32]"],
    "backbone.res5 [2, 6, 64]",
    ...[1, 2, 3].map((layer) => `sem_seg_head.encoder.${layer} [2, 98, 32]`),
    "sem_seg_head.mask_features [2, 8, 15, 18]",
    ...[0, 1, 2].map((layer) => `sem_seg_head.decoder.${layer} [2, 6, 6]`),
  ],
  facexformer: ["stage.1 [2, 256, 8]", "stage.2 [2, 64, 16]", "stage.3 [2, 16, 32]", "stage.4 [2, 4, 64]"],
  paratranscnn: ["SE_1 [2, 128, 1, 2]", "SE_2 [2, 88, 2, 4]", "SE_3 [2, 48, 4, 8]"],
  sparse_detector_tiny: ["unit.1 [2, 9, 64]", "unit.2 [2, 9, 64]"],
  retinanet_r50_fpn: [
    "backbone.stage.1 [2, 8, 48, 56]",
    "backbone.stage.2 [2, 8, 24, 28]",
    "backbone.stage.3 [2, 12, 12, 14]",
    "backbone.stage.4 [2, 16, 6, 7]",
    "pyramid.0 [2, 16, 24, 28]",
    "pyramid.1 [2, 16, 12, 14]",
    "pyramid.2 [2, 16, 6, 7]",
    "pyramid.3 [2, 16, 3, 4]",
  ],
};

test.each(Object.entries(LAYERS))("%s", (name, layers) => {
  const found = layersOf(name);
  expect(found.filter((layer) => !/^(features|logits) /.test(layer))).toEqual(layers);
  // The logits of models that look again and again are those of every look, a DToP's those of every pixel, a detector's those of many boxes; who gives pictures has none.
  const ends = found.slice(layers.length).map((layer) => layer.replace(/ .*/, ""));
  const isDense = /^(gfnet|adaptivenn|dtop|facexformer|paratranscnn|rrformer|retinanet|plain_detr)/.test(name);
  // A Mask2Former and a sparse detector say nothing of a picture as a whole.
  expect(ends).toEqual(
    /^(mask2former|sparse_detector)/.test(name) ? [] : isDense ? ["features"] : ["features", "logits"],
  );
});

const takesPictures = ({ architecture, config }: ModelDefinition) => architecture.input(config).kind === "image";

test("every architecture of pictures is among these", () => {
  const tested = new Set(Object.keys(LAYERS).map((name) => registry.get(name)!.architecture));
  const ofPictures = [...registry.keys()].map((name) => defineModel(name)).filter(takesPictures);
  const all = new Set(ofPictures.map(({ architecture }) => architecture.name));
  expect([...all].filter((architecture) => !tested.has(architecture))).toEqual([]);
});

test("a name that no layer has is refused with the layers there are", () => {
  const definition = defineModel("resnet18");
  const ask = () => inferenceGraph(definition, {}, { layers: ["stages.3"] });
  expect(ask).toThrow(UsageError);
  expect(ask).toThrow(
    expect.objectContaining({
      message: 'the model has no layer "stages.3"',
      hint: "did you mean stage.3? layers: stage.1, stage.2, stage.3, stage.4, features, logits",
    }),
  );
});
