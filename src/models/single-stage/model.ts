// Detectors that look at every place of a pyramid of maps, in one stage: RetinaNet and FCOS; with SEPC, convolutions over the pyramid; with BVR (Chi et al., NeurIPS 2020,
// "RelationNet++"), places that look at corners and centres of things first. Reproduces open-mmlab/mmdetection, mmdet/models/detectors/single_stage.py,
// and microsoft/RelationNet2, code/models/dense_heads/bvr_head.py.
import {
  add,
  concat,
  constant,
  exp,
  gather,
  log,
  maximum,
  neg,
  reduceMax,
  reduceMean,
  reshape,
  slice,
  sub,
  topK,
  transpose,
} from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Mode } from "../../nn/mode.ts";
import { extentOf } from "../image-size.ts";
import { cornersOf, placesOf, relativeBoxes } from "./boxes.ts";
import { geometry } from "./bvr/geometry.ts";
import {
  bestKeys,
  KEYPOINT_TYPES,
  type KeypointMaps,
  type KeypointType,
  keypointMaps,
  rowsAt,
  rowsOf,
} from "./bvr/keypoints.ts";
import { relate } from "./bvr/transformer.ts";
import { type BvrConfig, backboneOf, type Level, levelsOf, type SingleStageConfig } from "./config.ts";
import { fpn } from "./fpn.ts";
import { headAnswers, type LevelAnswer, towers } from "./heads.ts";
import { sepc, type TaskMaps } from "./sepc.ts";

/** Everything that is said of a picture, and nothing left out. */
export interface DenseAnswer {
  readonly levels: readonly LevelAnswer[];
  /** Of a model with BVR. */
  readonly keypoints?: Readonly<Record<KeypointType, KeypointMaps>>;
  /** (N, width): the mean of the backbone's last map. */
  readonly features: Tensor;
}

/** image (N, 3, H, W) -> what is said of every place. */
export function denseAnswer(scope: Scope, image: Tensor, config: SingleStageConfig, mode: Mode): DenseAnswer {
  const maps = backboneOf(config).stageMaps(scope.at("backbone"), image, mode);
  const features = reduceMean(maps.at(-1)!, [2, 3]);
  const levels = levelsOf(config);
  const necks = config.sepc === null ? scope.at("neck") : scope.at("neck", 0);
  const pyramid = fpn(necks, maps, config.neck);
  pyramid.forEach((map, i) => {
    scope.layer(`pyramid.${i}`, map);
  });
  const same = { classes: pyramid, boxes: pyramid };
  const read = config.sepc === null ? same : sepc(scope.at("neck", 1), pyramid, config.sepc, mode);
  if (config.bvr === null) {
    const head = scope.at("bbox_head");
    return { levels: headAnswers(head, towers(head, read, config.head), levels, config), features };
  }
  const outer = scope.at("bbox_head");
  const head = outer.at("bbox_head");
  const tower = towers(head, read, config.head);
  const keypoints = keypointMaps(outer.at("keypoint_head"), pyramid, config.num_classes, config.bvr);
  const related = bridged(outer, tower, keypoints, levels, config.bvr);
  return { levels: headAnswers(head, related, levels, config), keypoints, features };
}

/** The towers' maps after their places have looked at points: those of classes at centres, those of boxes at corners. */
export function bridged(
  scope: Scope,
  towers: TaskMaps,
  keypoints: Readonly<Record<KeypointType, KeypointMaps>>,
  levels: readonly Level[],
  config: BvrConfig,
): TaskMaps {
  const heads = config.num_attn_heads;
  const look = (maps: readonly Tensor[], name: string, encoding: string, types: readonly KeypointType[]) => {
    const rows = rowsOf(maps); // (N, places, C)
    const width = rows.shape[2] as number;
    const kinds = types.map((type) => {
      const { places, positions } = bestKeys(keypoints[type], levels, config);
      const options = { heads, width, baseSize: config.base_size };
      const at = scope.at(encoding, "relative_positional_encoding");
      return { features: rowsAt(rows, places), geometry: geometry(at, positions, levels, options) };
    });
    return mapsOf(relate(scope.at(name), rows, kinds, heads), levels);
  };
  const own = config.shared_positional_encoding_outer ? "cls_transformer" : "reg_transformer";
  return {
    classes: look(towers.classes, "cls_transformer", "cls_transformer", ["center"]),
    boxes: look(towers.boxes, "reg_transformer", own, ["top_left_corner", "bottom_right_corner"]),
  };
}

/** (N, places of all levels, C) -> maps (N, C, h, w). */
function mapsOf(rows: Tensor, levels: readonly Level[]): Tensor[] {
  const [n, , width] = rows.shape;
  let start = 0;
  return levels.map(({ height, width: across }) => {
    const from = start;
    start += height * across;
    return transpose(reshape(slice(rows, 1, from, start), [n!, height, across, width!]), [0, 3, 1, 2]);
  });
}

/**
 * image (N, 3, H, W) -> `logits` (N, Q, classes), whose sigmoid is how sure it is of a class, and `boxes` (N, Q, 4), centre and size relative to the
 * picture: the surest candidates of every level, in training all of them; `features` (N, width). In training also, of a model with BVR,
 * `keypoints.TYPE.heats` (N, places, classes) and `keypoints.TYPE.offsets` (N, places, 2).
 */
export function singleStage(
  scope: Scope,
  image: Tensor,
  config: SingleStageConfig,
  mode: Mode,
): Record<string, Tensor> {
  const { levels, keypoints, features } = denseAnswer(scope, image, config, mode);
  const most = mode.training ? Number.POSITIVE_INFINITY : config.nms_pre;
  const candidates = levels.map((level) => candidatesOf(level, config, most));
  const points = mode.training && keypoints !== undefined ? keypoints : undefined;
  const said = KEYPOINT_TYPES.flatMap((type): [string, Tensor][] =>
    points === undefined
      ? []
      : [
          [`keypoints.${type}.heats`, rowsOf(points[type].heats)],
          [`keypoints.${type}.offsets`, rowsOf(points[type].offsets)],
        ],
  );
  const both = (name: "logits" | "boxes") =>
    concat(
      candidates.map((level) => level[name]),
      1,
    );
  return { logits: both("logits"), boxes: both("boxes"), features, ...Object.fromEntries(said) };
}

function candidatesOf({ level, logits, regression, centerness }: LevelAnswer, config: SingleStageConfig, most: number) {
  const { graph } = logits;
  const places = placesOf(level, config);
  const table = constant(graph, places);
  const extent = extentOf(config.img_size);
  const sure = (x: Tensor, central: Tensor | undefined) => (central === undefined ? x : both(x, central));
  const boxes = (from: Tensor, by: Tensor) => relativeBoxes(cornersOf(from, by, config.head.type), extent);
  if (places.shape[0]! <= most) return { logits: sure(logits, centerness), boxes: boxes(table, regression) };
  const all = sure(logits, centerness);
  const at = topK(reduceMax(all, 2), most, 1); // (N, most)
  return { logits: rowsAt(all, at), boxes: boxes(gather(table, at, 0), rowsAt(regression, at)) };
}

/** The logit of sigmoid(a) * sigmoid(b): minus the logarithm of exp(-a) + exp(-b) + exp(-a - b). a (N, rows, classes), b (N, rows, 1). */
function both(a: Tensor, b: Tensor): Tensor {
  const [x, y] = [neg(a), neg(b)];
  const z = add(x, y);
  const most = maximum(maximum(x, y), z);
  const sum = [x, y, z].map((term) => exp(sub(term, most))).reduce((p, q) => add(p, q));
  return neg(add(most, log(sum)));
}
