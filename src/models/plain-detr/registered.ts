// Plain DETR by its configurations (impiga/Plain-DETR, configs/), which come without weights: the authors' files are checkpoints that are read when they
// are named.
import type { RegisteredModel } from "../registered-model.ts";

type Fields = Readonly<Record<string, unknown>>;

function detector(name: string, title: string, windows: readonly number[], config: Fields): RegisteredModel {
  return {
    name: `plain_detr_swinv2_small_${name}`,
    summary: `Plain DETR over SwinV2-S, ${title}, COCO: the configuration alone`,
    architecture: "plain_detr",
    config: { num_queries_one2many: 1500, backbone: { pretrained_window_sizes: windows }, ...config },
  };
}

/** Windows in which the backbones' position biases were learnt: with labels, and by masked pictures. */
const SUPERVISED = [16, 16, 16, 8];
const MASKED = [12, 12, 12, 6];

export const registeredPlainDetrs: readonly RegisteredModel[] = [
  detector("ape", "absolute positions", SUPERVISED, { decoder_type: "global_ape" }),
  detector("boxrpb", "positions relative to boxes", SUPERVISED, {}),
  detector("mim_boxrpb", "positions relative to boxes, pre-trained on masked pictures", MASKED, {}),
  detector("mim_boxrpb_reparam", "the same with boxes as changes of boxes", MASKED, {
    reparam: true,
    position_embedding: "sine_unnorm",
  }),
];
