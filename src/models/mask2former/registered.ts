// Mask2Former and ECO-M2F by name, with the widths of their Swin backbones (configs/coco/panoptic-segmentation/swin and configs/cityscapes/panoptic-segmentation/swin of
// facebookresearch/Mask2Former). Official files are pickles of detectron2's with NumPy's arrays, so they are no download here: the names of their tensors
// are these.
import type { RegisteredModel } from "../registered-model.ts";

const SWIN = {
  tiny: { embed_dim: 96, depths: [2, 2, 6, 2], num_heads: [3, 6, 12, 24] },
  small: { embed_dim: 96, depths: [2, 2, 18, 2], num_heads: [3, 6, 12, 24] },
} as const;

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** 80 things, then 53 kinds of stuff. */
const COCO = { num_classes: 133, things: range(0, 80) };
/** 11 kinds of stuff, then 8 things. */
const CITYSCAPES = { num_classes: 19, things: range(11, 19), img_size: [512, 1024] };

export const registeredMask2formers: readonly RegisteredModel[] = [
  {
    name: "mask2former_swin_tiny_coco_panoptic",
    summary: "Mask2Former over Swin-T: masks of things and stuff, COCO's categories. The configuration alone",
    architecture: "mask2former",
    config: { ...COCO, backbone: SWIN.tiny },
  },
  {
    name: "mask2former_swin_small_coco_panoptic",
    summary: "Mask2Former over Swin-S: masks of things and stuff, COCO's categories. The configuration alone",
    architecture: "mask2former",
    config: { ...COCO, backbone: SWIN.small },
  },
  {
    name: "eco_m2f_swin_tiny_coco_panoptic",
    summary:
      "ECO-M2F over Swin-T: a Mask2Former whose encoder stops where a gate says, COCO's categories. The configuration alone",
    architecture: "mask2former",
    config: { ...COCO, backbone: SWIN.tiny, gate: true },
  },
  {
    name: "eco_m2f_swin_tiny_cityscapes_panoptic",
    summary: "ECO-M2F over Swin-T, Cityscapes' categories. The configuration alone",
    architecture: "mask2former",
    config: { ...CITYSCAPES, backbone: SWIN.tiny, gate: true },
  },
];
