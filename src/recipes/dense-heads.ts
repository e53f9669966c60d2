// Detectors that look at every place (RetinaNet, FCOS, with SEPC or BVR): small ones from scratch on made scenes with boxes, and RetinaNet as it is trained on COCO.
//
//   saccade scenes pictures/ scenes/ --annotations coco --objects 1:4 --shapes --size 128 --evidence 56 --evidence-low 24 --clutter 4 --count 3000 --held-out 400
//   saccade train scenes/ --recipe retinanet-scenes
//
// What SEPC and BVR add to the plain head on scenes is measured by bench/dense-heads.ts and told in docs/dense.md.
import type { RecipeInput } from "../train/recipe-fields.ts";

/** Pixels that the small detectors see. */
const SIZE = 96;
const WIDTH = 32;
const head = { feat_channels: WIDTH, stacked_convs: 2, norm_groups: 8 };
const backbone = {
  img_size: SIZE,
  backbone: "resnet18",
  backbone_config: { layers: [1, 1, 1, 1], channels: [16, 32, 64, 96], stem_channels: 16 },
  neck: { out_channels: WIDTH, num_outs: 3 },
};
/** The pyramid's convolutions take the place of the head's towers. So small a picture has nothing to lose at its sides: as intended. */
const sepc = { Pconv_num: 2, iBN: true, padding: 1 };
const bvr = {
  ...{ feat_channels: WIDTH, stacked_convs: 1, logits_convs: 0, norm_groups: 8 },
  ...{ cross_level_topk: 20, num_attn_heads: 4, base_size: [40, 40], shared_positional_encoding_outer: true },
};

const onScenes = (name: string, summary: string, config: Readonly<Record<string, unknown>>): RecipeInput => ({
  name,
  summary: `${summary} of a small ResNet at ${SIZE} px, for made scenes with boxes`,
  architecture: "single_stage",
  config: { ...backbone, ...config },
  height: SIZE,
  width: SIZE,
  augmentation: `scale_jitter(${SIZE},0.7:1.3)|flip(0.5)|normalize(imagenet)`,
  transform: `letterbox(${SIZE},${SIZE},bilinear)|normalize(imagenet)`,
  annotations: { most: 8 },
  epochs: 6,
  batch: 16,
  learning_rate: 2e-3,
  warmup_epochs: 0.5,
  weight_decay: 0.02,
  clip_norm: 10,
});

export const retinanetScenes = onScenes("retinanet-scenes", "RetinaNet", { head });
export const fcosScenes = onScenes("fcos-scenes", "FCOS", { head: { ...head, type: "FCOSHead" } });
export const retinanetPconvScenes = onScenes("retinanet-pconv-scenes", "RetinaNet with pyramid convolutions", {
  head: { ...head, stacked_convs: 0 },
  sepc,
});
export const retinanetSepcScenes: RecipeInput = {
  ...onScenes("retinanet-sepc-scenes", "RetinaNet with SEPC", {
    head: { ...head, stacked_convs: 0 },
    sepc: { ...sepc, pconv_deform: true, lcconv_deform: true },
  }),
  // A step of AdamW is of one size for all parameters, and so many of these add up that places of kernels would jump.
  rate_scales: { "*.conv_offset.*": 0.1 },
};
export const retinanetBvrScenes = onScenes("retinanet-bvr-scenes", "RetinaNet with BVR", { head, bvr });

/** mmdetection's figures (configs/retinanet/retinanet_r50_fpn_1x_coco.py), the rate's steps as a cosine. It was not run here. */
export const retinanetCoco: RecipeInput = {
  name: "retinanet-coco",
  summary: "RetinaNet over ResNet-50, as it is trained on COCO",
  architecture: "retinanet_r50_fpn",
  height: 800,
  width: 1344,
  augmentation: "letterbox(1344,800,bilinear,124/116/104,top_left)|flip(0.5)|normalize(imagenet)",
  transform: "letterbox(1344,800,bilinear,124/116/104,top_left)|normalize(imagenet)",
  annotations: { most: 100 },
  // The first convolution and the first stage stay as they are.
  freeze: ["backbone.conv1.*", "backbone.bn1.*", "backbone.layer1.*"],
  detection: { class_weight: 1, l1_weight: 1 },
  optimizer: "sgd",
  nesterov: false,
  epochs: 12,
  batch: 16,
  learning_rate: 0.01,
  warmup_epochs: 0.07,
  weight_decay: 1e-4,
};
