// The points that places look at: corners and centres of things, as class-wise heat maps on every level, and the best of them. Reproduces
// microsoft/RelationNet2, code/models/dense_heads/keypoint_head.py.
import {
  add,
  concat,
  equal,
  expand,
  gather,
  gatherElements,
  maxPool,
  mul,
  reshape,
  sigmoid,
  stopGradient,
  topK,
  transpose,
  values,
  where,
} from "../../../graph/build.ts";
import type { Scope } from "../../../graph/scope.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { channelsOf, conv2d } from "../../../nn/conv.ts";
import type { BvrConfig, Level } from "../config.ts";
import { HEAD_START, RARE, stackedConvs } from "../conv-module.ts";
import { cellsOf } from "../places.ts";

export const KEYPOINT_TYPES = ["top_left_corner", "bottom_right_corner", "center"] as const;

export type KeypointType = (typeof KEYPOINT_TYPES)[number];

/** What a head says of one kind of point, a map a level. */
export interface KeypointMaps {
  /** (N, classes, h, w), before the sigmoid. */
  readonly heats: readonly Tensor[];
  /** (N, 2, h, w): how far to the right and down of a cell's point it is, in strides. */
  readonly offsets: readonly Tensor[];
}

/** maps (N, C, h, w) of a pyramid -> what is said of each kind of point. */
export function keypointMaps(
  scope: Scope,
  maps: readonly Tensor[],
  classes: number,
  config: Pick<BvrConfig, "stacked_convs" | "logits_convs" | "feat_channels" | "norm_groups">,
): Record<KeypointType, KeypointMaps> {
  const { stacked_convs, logits_convs, feat_channels, norm_groups } = config;
  const last = (at: Scope, x: Tensor, channels: number, biasInit = { kind: "zeros" } as typeof RARE) =>
    conv2d(at.at(logits_convs), stackedConvs(at, x, logits_convs, feat_channels, norm_groups), channels, 3, {
      bias: true,
      weightInit: HEAD_START,
      biasInit,
    });
  return scope.run(() => {
    const ofType = (type: KeypointType): KeypointMaps => {
      const read = maps.map((map) =>
        stackedConvs(scope.at("keypoint_layers", type), map, stacked_convs, feat_channels, norm_groups),
      );
      return {
        heats: read.map((map) => last(scope.at("keypoint_cls_heads", type), map, classes, RARE)),
        offsets: read.map((map) => last(scope.at("keypoint_offset_heads", type), map, 2)),
      };
    };
    return {
      top_left_corner: ofType("top_left_corner"),
      bottom_right_corner: ofType("bottom_right_corner"),
      center: ofType("center"),
    };
  });
}

/** The best points of one kind in each picture, the surest first. */
export interface Keys {
  /** (N, K): which place of all levels, one after another. */
  readonly places: Tensor;
  /** (N, K, 2): x and y in pixels. */
  readonly positions: Tensor;
  /** (N, K): in 0..1. */
  readonly scores: Tensor;
}

/** Where a level's heat maps are higher than around, by class and then over classes; then over all levels. */
export function bestKeys(
  { heats, offsets }: KeypointMaps,
  levels: readonly Level[],
  { max_keypoint_num, cross_level_topk }: Pick<BvrConfig, "max_keypoint_num" | "cross_level_topk">,
): Keys {
  const { graph } = heats[0]!;
  const n = heats[0]!.shape[0]!;
  let before = 0;
  const found = heats.map((heat, i) => {
    const { height, width } = levels[i]!;
    const best = peaks(stopGradient(heat), height * width, max_keypoint_num);
    const places = add(best.cells, before);
    before += height * width;
    return { ...best, places };
  });
  const scores = concat(
    found.map((level) => level.scores),
    1,
  ); // (N, points of all levels)
  const at = topK(scores, Math.min(cross_level_topk, scores.shape[1] as number), 1); // (N, K)
  const places = gatherElements(
    concat(
      found.map((level) => level.places),
      1,
    ),
    at,
    1,
  );
  // x, y and stride of every place
  const cells = levels.flatMap((level) => cellsOf(level).map(({ x, y }) => [x, y, level.stride] as const));
  const column = (i: 0 | 1 | 2) =>
    values(
      graph,
      [cells.length],
      cells.map((cell) => cell[i]),
    );
  const moved = rowsAt(rowsOf(offsets), places); // (N, K, 2)
  const strides = reshape(gather(column(2), places, 0), [n, places.shape[1]!, 1]);
  const points = concat(
    ([0, 1] as const).map((i) => reshape(gather(column(i), places, 0), [n, places.shape[1]!, 1])),
    2,
  );
  return { places, positions: add(points, mul(moved, strides)), scores: gatherElements(scores, at, 1) };
}

/** heat (N, classes, h, w) -> the best of its cells. One may come more than once, for different classes. */
function peaks(heat: Tensor, cells: number, most: number): { readonly cells: Tensor; readonly scores: Tensor } {
  const n = heat.shape[0]!;
  const classes = channelsOf(heat);
  const score = sigmoid(heat);
  const around = maxPool(score, [3, 3], { strides: [1, 1], padding: [1, 1] });
  const alone = reshape(where(equal(around, score), score, 0), [n, classes, cells]);
  const k = Math.min(cells, most);
  const ofClass = topK(alone, k, 2); // (N, classes, k)
  const scores = reshape(gatherElements(alone, ofClass, 2), [n, classes * k]);
  const at = topK(scores, k, 1); // (N, k)
  return {
    cells: gatherElements(reshape(ofClass, [n, classes * k]), at, 1),
    scores: gatherElements(scores, at, 1),
  };
}

/** maps (N, C, h, w) -> (N, places of all of them, C). */
export function rowsOf(maps: readonly Tensor[]): Tensor {
  const rows = maps.map((map) => {
    const [n, channels, height, width] = map.shape as [string, number, number, number];
    return transpose(reshape(map, [n, channels, height * width]), [0, 2, 1]);
  });
  return concat(rows, 1);
}

/** rows (N, places, C), which (N, K) -> (N, K, C). */
export function rowsAt(rows: Tensor, which: Tensor): Tensor {
  const [n, k] = which.shape;
  const width = rows.shape[2]!;
  return gatherElements(rows, expand(reshape(which, [n!, k!, 1]), [n!, k!, width]), 1);
}
