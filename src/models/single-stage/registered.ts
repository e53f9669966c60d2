// Single-stage detectors by their configurations (open-mmlab/mmdetection, jshilong/SEPC, microsoft/RelationNet2), which come without weights: the authors' files lie at hosts of
// large files, or are PyTorch checkpoints of their own frameworks, which are read when they are named.
import type { RegisteredModel } from "../registered-model.ts";

type Fields = Readonly<Record<string, unknown>>;

function detector(name: string, title: string, config: Fields): RegisteredModel {
  return {
    name,
    summary: `${title} over ResNet-50, COCO: the configuration alone`,
    architecture: "single_stage",
    config,
  };
}

const FCOS: Fields = {
  neck: { add_extra_convs: "on_output", relu_before_extra_convs: true },
  head: { type: "FCOSHead", norm_groups: 32 },
};

/** The pyramid takes the place of the head's towers. */
const withSepc = (sepc: Fields): Fields => ({ sepc, head: { stacked_convs: 0 } });

export const registeredSingleStages: readonly RegisteredModel[] = [
  detector("retinanet_r50_fpn", "RetinaNet", {}),
  detector("fcos_r50_fpn", "FCOS", FCOS),
  detector("retinanet_r50_pconv", "RetinaNet with pyramid convolutions", withSepc({})),
  detector(
    "retinanet_r50_pconv_ibn",
    "RetinaNet with pyramid convolutions and integrated normalisation",
    withSepc({ iBN: true }),
  ),
  detector("retinanet_r50_sepc_lite", "RetinaNet with SEPC-lite", withSepc({ iBN: true, lcconv_deform: true })),
  detector(
    "retinanet_r50_sepc",
    "RetinaNet with SEPC",
    withSepc({ iBN: true, lcconv_deform: true, pconv_deform: true }),
  ),
  detector("retinanet_r50_bvr", "RelationNet++ (RetinaNet with BVR)", {
    neck: { norm_groups: 32 },
    head: { norm_groups: 32 },
    bvr: {},
  }),
  detector("fcos_r50_bvr", "RelationNet++ (FCOS with BVR)", {
    neck: { add_extra_convs: "on_output" },
    head: { type: "FCOSHead", norm_on_bbox: true, centerness_on_reg: true, center_sampling: true },
    bvr: { logits_convs: 0, norm_groups: null, base_size: [300, 300] },
  }),
];
