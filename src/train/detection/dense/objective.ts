// How detectors that look at every place learn: each box or point that is laid out has a thing, or none, by a rule; all say of classes what they should, and those with a thing
// of its box. Reproduces mmdetection's losses of RetinaNet (mmdet/models/dense_heads/anchor_head.py) and FCOS (fcos_head.py), and those of points of
// microsoft/RelationNet2 (code/models/dense_heads/bvr_head.py).
import {
  abs,
  add,
  concat,
  div,
  log,
  matMul,
  maximum,
  minimum,
  mul,
  reduceSum,
  reshape,
  sqrt,
  sub,
  values,
} from "../../../graph/build.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { extentOf, requireImageSize } from "../../../models/image-size.ts";
import { cornersOf, placesOf, quarters } from "../../../models/single-stage/boxes.ts";
import { KEYPOINT_TYPES } from "../../../models/single-stage/bvr/keypoints.ts";
import type { SingleStageConfig } from "../../../models/single-stage/config.ts";
import type { LevelAnswer } from "../../../models/single-stage/heads.ts";
import { type DenseAnswer, denseAnswer } from "../../../models/single-stage/model.ts";
import { fixedWidth } from "../../../nn/linear.ts";
import { toFloat32 } from "../../../tensor.ts";
import type { Detection } from "../../annotated-fields.ts";
import type { Objective } from "../../objective.ts";
import { type Coordinates, coordinatesOf, generalizedOverlap } from "../boxes.ts";
import { oneHot } from "../costs.ts";
import { crossEntropyOf, focal, ownBoxes } from "../losses.ts";
import { untouchedBy } from "../outputs.ts";
import { type Assignment, byOverlap, byPlace, sidesFrom } from "./assignment.ts";
import { keypointLosses, keypointTargets } from "./keypoints.ts";

/** A recipe's weights of classes and overlaps begin at 2; official code has 1 for everything, so that all else counts twice here, too. */
const TWICE = 2;
/** Of the heat maps of points, beside that of their offsets. */
const HEAT_WEIGHT = 0.25;

/** Dense losses of a single-stage detector. */
export function denseObjective(detection: Detection): Objective {
  return ({ scope, model, image, mode, annotations }) => {
    const config = model.config as SingleStageConfig;
    requireImageSize(image, config.img_size, model.architecture.name);
    const { classes, boxes, valid } = annotations();
    const loss = denseLoss(denseAnswer(scope, image, config, mode), { classes, boxes, valid }, config, detection);
    return { loss, untouched: untouchedBy(loss) };
  };
}

/** What is minimised, a scalar, of all that is said of a batch. */
export function denseLoss(
  answer: DenseAnswer,
  targets: DenseTargets,
  config: SingleStageConfig,
  detection: Detection,
): Tensor {
  const ofHead = config.head.type === "RetinaHead" ? overlapLosses : placeLosses;
  const losses = [ofHead(answer, targets, config, detection), ...pointLosses(answer, targets, config)];
  return losses.reduce((sum, own) => add(sum, own));
}

/** A batch's things. */
export interface DenseTargets {
  /** (N, T) int64 */
  readonly classes: Tensor;
  /** (N, T, 4): centre and size relative to the picture */
  readonly boxes: Tensor;
  /** (N, T): 1 for a thing, 0 for what fills up. */
  readonly valid: Tensor;
}

/** RetinaNet: classes, and how a thing's box differs from the one laid out. */
function overlapLosses(
  answer: DenseAnswer,
  targets: DenseTargets,
  config: SingleStageConfig,
  detection: Detection,
): Tensor {
  const laid = placesOfAll(answer, config); // (1, places, 4)
  const assignment = byOverlap(
    coordinatesOf(laid, 2),
    coordinatesOf(inPixels(targets.boxes, config), 1),
    targets.valid,
  );
  const count = atLeastOne(assignment.matched);
  const wanted = changes(coordinatesOf(laid), coordinatesOf(inPixels(ownBoxes(targets.boxes, assignment), config)));
  const distance = reduceSum(abs(sub(all(answer, "regression"), wanted)), 2); // (N, places)
  const boxes = div(total(mul(distance, assignment.matched)), count);
  return add(
    mul(classLoss(answer, targets, assignment, count), detection.class_weight),
    mul(boxes, detection.l1_weight ?? TWICE),
  );
}

/** What makes boxes of those laid out, (N, places, 4). */
function changes(from: Coordinates, to: Coordinates): Tensor {
  const column = (x: Tensor) => reshape(x, [...x.shape, 1]);
  return concat(
    [
      div(sub(to.x, from.x), from.width),
      div(sub(to.y, from.y), from.height),
      log(div(maximum(to.width, SMALLEST), from.width)),
      log(div(maximum(to.height, SMALLEST), from.height)),
    ].map(column),
    2,
  );
}

/** Of a thing, in pixels. */
const SMALLEST = 1e-3;

/** FCOS: classes, the box by its overlap, and how central a place is in its thing. */
function placeLosses(
  answer: DenseAnswer,
  targets: DenseTargets,
  config: SingleStageConfig,
  detection: Detection,
): Tensor {
  const places = placesOfAll(answer, config); // (1, places, 4)
  const points = coordinatesOf(places, 2);
  const assignment = byPlace(points, coordinatesOf(inPixels(targets.boxes, config), 1), targets.valid, {
    ...rangesOf(answer),
    ...(config.head.center_sampling ? { radius: mul(points.width, config.head.center_sample_radius) } : {}),
  });
  const count = atLeastOne(assignment.matched);
  const own = coordinatesOf(inPixels(ownBoxes(targets.boxes, assignment), config)); // (N, places) each
  const central = mul(centerness(coordinatesOf(places), own), assignment.matched); // (N, places)
  const found = asCoordinates(cornersOf(places, all(answer, "regression"), "FCOSHead"));
  const apart = sub(1, generalizedOverlap(found, own));
  const boxes = div(total(mul(apart, central)), maximum(total(central), 1e-6));
  const said = reshape(all(answer, "centerness"), central.shape);
  const centers = div(total(mul(crossEntropyOf(said, central), assignment.matched)), count);
  return add(
    mul(classLoss(answer, targets, assignment, count), detection.class_weight),
    mul(add(boxes, centers), detection.giou_weight),
  );
}

/** How central points are in boxes: 1 in the middle, 0 at a side. */
function centerness(points: Coordinates, boxes: Coordinates): Tensor {
  const { left, top, right, bottom } = sidesFrom(points, boxes);
  const balance = (a: Tensor, b: Tensor) => div(maximum(minimum(a, b), 0), maximum(maximum(a, b), 1e-6));
  return sqrt(mul(balance(left, right), balance(top, bottom)));
}

/** Which distances the points of each level are for: the first one all that are small, each next one twice as large, the last one all that are larger. */
function rangesOf({ levels }: DenseAnswer) {
  const each = (of: (level: LevelAnswer["level"], i: number) => number) => {
    const numbers = levels.flatMap(({ level }, i) => new Array<number>(level.height * level.width).fill(of(level, i)));
    return values(levels[0]!.logits.graph, [1, numbers.length, 1], numbers);
  };
  return {
    least: each(({ stride }, i) => (i === 0 ? -1 : 4 * stride)),
    most: each(({ stride }, i) => (i === levels.length - 1 ? 1e8 : 8 * stride)),
  };
}

/** BVR: heat maps of points, and how far points are from their places. */
function pointLosses({ keypoints, levels }: DenseAnswer, targets: DenseTargets, config: SingleStageConfig): Tensor[] {
  if (keypoints === undefined) return [];
  const things = { ...coordinatesOf(inPixels(targets.boxes, config), 1), valid: targets.valid };
  const grid = levels.map(({ level }) => level);
  const said = KEYPOINT_TYPES.map((type) =>
    keypointLosses(keypoints[type], keypointTargets(type, things, grid), targets.classes),
  );
  const sum = (of: "heat" | "offset" | "places") => said.map((own) => own[of]).reduce((a, b) => add(a, b));
  const losses = add(mul(sum("heat"), HEAT_WEIGHT), sum("offset"));
  return [mul(div(losses, maximum(sum("places"), 1)), TWICE)];
}

function classLoss(
  answer: DenseAnswer,
  { classes }: DenseTargets,
  { pairs, learns }: Assignment,
  count: Tensor,
): Tensor {
  const logits = all(answer, "logits"); // (N, places, C)
  const wanted = matMul(pairs, oneHot(classes, fixedWidth(logits)));
  const weights = reshape(learns, [...learns.shape, 1]);
  return div(total(mul(focal(logits, wanted), weights)), count);
}

const atLeastOne = (matched: Tensor): Tensor => maximum(total(matched), 1);

const total = (x: Tensor): Tensor =>
  reduceSum(
    x,
    x.shape.map((_, axis) => axis),
  );

/** Of all levels, one after another. */
function all({ levels }: DenseAnswer, name: "logits" | "regression" | "centerness"): Tensor {
  return concat(
    levels.map((level) => level[name]!),
    1,
  );
}

function placesOfAll({ levels }: DenseAnswer, config: SingleStageConfig): Tensor {
  const tables = levels.map(({ level }) => toFloat32(placesOf(level, config)));
  const all = new Float32Array(tables.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const table of tables) {
    all.set(table, at);
    at += table.length;
  }
  return values(levels[0]!.logits.graph, [1, all.length / 4, 4], all);
}

/** boxes (…, 4) relative to the picture -> pixels. */
function inPixels(boxes: Tensor, { img_size }: SingleStageConfig): Tensor {
  const { height, width } = extentOf(img_size);
  return mul(boxes, values(boxes.graph, [4], [width, height, width, height]));
}

function asCoordinates(corners: Tensor): Coordinates {
  const [x0, y0, x1, y1] = quarters(corners).map((side) => reshape(side, side.shape.slice(0, -1))) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  return { x: mul(add(x0, x1), 0.5), y: mul(add(y0, y1), 0.5), width: sub(x1, x0), height: sub(y1, y0) };
}
