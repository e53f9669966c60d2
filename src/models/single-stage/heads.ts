// What is said of every place: RetinaNet's head (Lin et al., ICCV 2017) of boxes that are laid out beforehand, and FCOS' (Tian et al., ICCV 2019) of distances from points.
// Reproduces open-mmlab/mmdetection, mmdet/models/dense_heads/retina_head.py and fcos_head.py.
import { exp, mul, relu, reshape, transpose } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { fixedDim } from "../../nn/linear.ts";
import type { Level, SingleStageConfig } from "./config.ts";
import { HEAD_START, RARE, stackedConvs } from "./conv-module.ts";
import type { TaskMaps } from "./sepc.ts";

/** What a head says of a level, a row a box: cells row by row, of each its boxes. */
export interface LevelAnswer {
  readonly level: Level;
  /** (N, rows, classes), before the sigmoid. */
  readonly logits: Tensor;
  /**
   * (N, rows, 4). RetinaHead: how a box differs from the one laid out, dx and dy in its sides, dw and dh as logarithms. FCOSHead: distances from the
   * place to left, top, right and bottom in pixels.
   */
  readonly regression: Tensor;
  /** (N, rows, 1), before the sigmoid. Of an FCOSHead. */
  readonly centerness?: Tensor;
}

/** The towers of convolutions before anything is said: maps of every level -> the same, all levels by the same weights. */
export function towers(
  scope: Scope,
  maps: TaskMaps,
  { stacked_convs, feat_channels, norm_groups }: SingleStageConfig["head"],
): TaskMaps {
  const tower = (name: string, of: readonly Tensor[]) =>
    of.map((map) => stackedConvs(scope.at(name), map, stacked_convs, feat_channels, norm_groups));
  return { classes: tower("cls_convs", maps.classes), boxes: tower("reg_convs", maps.boxes) };
}

/** What is read from the towers. */
export function headAnswers(
  scope: Scope,
  maps: TaskMaps,
  levels: readonly Level[],
  config: SingleStageConfig,
): LevelAnswer[] {
  return scope.run(() =>
    levels.map((level, i) => {
      const read = { classes: maps.classes[i]!, boxes: maps.boxes[i]! };
      return config.head.type === "RetinaHead"
        ? retinaAnswer(scope, read, level, config)
        : fcosAnswer(scope, read, { level, index: i }, config);
    }),
  );
}

type Maps = Readonly<Record<keyof TaskMaps, Tensor>>;

function retinaAnswer(scope: Scope, { classes, boxes }: Maps, level: Level, config: SingleStageConfig): LevelAnswer {
  const each = boxesOfCell(config);
  return {
    level,
    logits: byRow(says(scope.at("retina_cls"), classes, each * config.num_classes, RARE), config.num_classes),
    regression: byRow(says(scope.at("retina_reg"), boxes, each * 4), 4),
  };
}

function fcosAnswer(
  scope: Scope,
  { classes, boxes }: Maps,
  { level, index }: { readonly level: Level; readonly index: number },
  { head, num_classes }: SingleStageConfig,
): LevelAnswer {
  const scale = scope.at("scales", index).parameter("scale", [], { kind: "ones" });
  const sides = mul(says(scope.at("conv_reg"), boxes, 4), scale);
  return {
    level,
    logits: byRow(says(scope.at("conv_cls"), classes, num_classes, RARE), num_classes),
    regression: byRow(head.norm_on_bbox ? mul(relu(sides), level.stride) : exp(sides), 4),
    centerness: byRow(says(scope.at("conv_centerness"), head.centerness_on_reg ? boxes : classes, 1), 1),
  };
}

/** How many boxes are laid out around each place. */
export function boxesOfCell({ head: { type, anchor_generator } }: SingleStageConfig): number {
  return type === "FCOSHead" ? 1 : anchor_generator.scales_per_octave * anchor_generator.ratios.length;
}

function says(scope: Scope, map: Tensor, channels: number, biasInit = { kind: "zeros" } as typeof RARE): Tensor {
  return conv2d(scope, map, channels, 3, { bias: true, weightInit: HEAD_START, biasInit });
}

/** map (N, boxes * width, h, w) -> (N, h * w * boxes, width). */
function byRow(map: Tensor, width: number): Tensor {
  const rows = (fixedDim(map, 2) * fixedDim(map, 3) * channelsOf(map)) / width;
  return reshape(transpose(map, [0, 2, 3, 1]), [map.shape[0]!, rows, width]);
}
