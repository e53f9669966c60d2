// Detectors that answer with a set of boxes (DETR's kind): every layer's predictions are matched with the things of the picture, exactly, and learn their class and
// box. Reproduces Deformable DETR's criterion (models/deformable_detr.py SetCriterion), with Plain DETR's one-to-many queries and boxes as changes
// of boxes (impiga/Plain-DETR models/detr.py, main.py, engine.py).
import { add, concat, div, log, maximum, mul, reshape, sub } from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { fixedDim } from "../../nn/linear.ts";
import type { Detection } from "../annotated-fields.ts";
import type { Objective, ObjectiveInputs } from "../objective.ts";
import { type Coordinates, coordinatesOf } from "./boxes.ts";
import { distanceCost, focalCost, overlapCost } from "./costs.ts";
import { distanceLoss, focalClassLoss, overlapLoss, ownBoxes, thingCount } from "./losses.ts";
import { matchSets } from "./matching.ts";
import { layersOf, untouchedBy } from "./outputs.ts";

/** One layer's predictions. */
interface Predictions {
  /** (N, Q, classes) */
  readonly logits: Tensor;
  /** (N, Q, 4) in 0..1 of the picture */
  readonly boxes: Tensor;
  /** (N, Q, 4) each, pixels: the change of a box that the layer learns, and that box. Of models that learn so. */
  readonly deltas?: Tensor;
  readonly references?: Tensor;
}

/** Predictions that are matched alike. */
interface Group {
  readonly name: string;
  readonly layers: readonly Predictions[];
  readonly copies: number;
  readonly weight: number;
  /** Whether they tell things from nothing only. */
  readonly classless?: true;
}

/** The box is a change of another: what the distance counts less, and how. */
const DELTA_WEIGHT = 1;
const BOX_WEIGHT = 5;
/** Added to sizes that are divided by, pixels (util/box_ops.py bbox2delta). */
const SIZE_MARGIN = 0.1;

/**
 * Set losses of what a model gives: `logits` and `boxes` of its last layer, `aux.I.…` of earlier ones, `proposals.…` of what it looked for things among, and
 * `many.…`, `many.aux.I.…` of queries that are matched one to many; beside `boxes` perhaps `deltas` and `references`.
 */
export function setObjective(detection: Detection): Objective {
  return (inputs) => {
    const { scope, model, image, mode, annotations } = inputs;
    const outputs = model.architecture.build(scope, image, model.config, mode);
    const things = thingCount(annotations().count);
    const { copies, copies_weight } = detection;
    const groups: Group[] = [
      { name: "one", layers: layersOf<Predictions>(outputs, "", FIELDS), copies: 1, weight: 1 },
      { name: "many", layers: layersOf<Predictions>(outputs, "many.", FIELDS), copies, weight: copies_weight },
      {
        name: "proposals",
        layers: layersOf<Predictions>(outputs, "proposals.", FIELDS),
        copies: 1,
        weight: 1,
        classless: true,
      },
    ];
    const losses = groups
      .filter(({ layers, weight }) => layers.length > 0 && weight > 0)
      .map((group) => mul(groupLoss(group, detection, inputs, things), group.weight));
    const loss = losses.reduce((sum, own) => add(sum, own));
    return { loss, untouched: untouchedBy(loss) };
  };
}

const FIELDS = ["logits", "boxes", "deltas", "references"] as const;

/** The sum over its layers. */
function groupLoss(group: Group, detection: Detection, inputs: ObjectiveInputs, things: Tensor): Tensor {
  const { class_weight, giou_weight } = detection;
  const { classes: known, boxes } = inputs.annotations();
  const classes = group.classless === true ? sub(known, known) : known;
  const size = { height: fixedDim(inputs.image, 2), width: fixedDim(inputs.image, 3) };
  const distance = group.layers.map((layer) => learntBoxes(layer, detection, size));
  const costs = group.layers.map(({ logits, boxes: predicted }, i) => {
    const { values, weight, targetsOfPairs } = distance[i]!;
    const near = mul(distanceCost(values, targetsOfPairs?.(boxes) ?? boxes), weight);
    const overlaps = mul(overlapCost(predicted, boxes), giou_weight);
    return add(mul(focalCost(logits, classes), class_weight), add(near, overlaps));
  });
  const matchings = matchSets(inputs, group.name, costs, group.copies);
  const number = group.copies === 1 ? things : mul(things, group.copies);
  const losses = group.layers.map(({ logits, boxes: predicted }, i) => {
    const matching = matchings[i]!;
    const { values, weight, targetsOf } = distance[i]!;
    const own = ownBoxes(boxes, matching);
    const near = mul(distanceLoss(values, targetsOf?.(own) ?? own, matching, number), weight);
    const overlaps = mul(overlapLoss(predicted, own, matching, number), giou_weight);
    return add(mul(focalClassLoss(logits, classes, matching, number), class_weight), add(near, overlaps));
  });
  return losses.reduce((sum, own) => add(sum, own));
}

/** What is compared with things: the boxes themselves, or the changes that make them of other boxes. */
function learntBoxes({ boxes, deltas, references }: Predictions, { l1_weight }: Detection, size: Size) {
  if (deltas === undefined || references === undefined) return { values: boxes, weight: l1_weight ?? BOX_WEIGHT };
  return {
    values: deltas,
    weight: l1_weight ?? DELTA_WEIGHT,
    /** (N, T, 4) -> (N, Q, T, 4) */
    targetsOfPairs: (targets: Tensor) =>
      changeOf(coordinatesOf(references, 2), inPixels(coordinatesOf(targets, 1), size)),
    /** (N, Q, 4) -> (N, Q, 4) */
    targetsOf: (targets: Tensor) => changeOf(coordinatesOf(references), inPixels(coordinatesOf(targets), size)),
  };
}

interface Size {
  readonly height: number;
  readonly width: number;
}

const inPixels = ({ x, y, width, height }: Coordinates, size: Size): Coordinates => ({
  x: mul(x, size.width),
  y: mul(y, size.height),
  width: mul(width, size.width),
  height: mul(height, size.height),
});

/** What makes `to` of `from`: shifts in shares of its size, logarithms of how sizes change. Coordinates broadcast -> (…, 4). */
function changeOf(from: Coordinates, to: Coordinates): Tensor {
  const [wide, high] = [add(from.width, SIZE_MARGIN), add(from.height, SIZE_MARGIN)];
  const parts = [
    div(sub(to.x, from.x), wide),
    div(sub(to.y, from.y), high),
    log(div(maximum(to.width, SMALLEST), wide)),
    log(div(maximum(to.height, SMALLEST), high)),
  ];
  return concat(
    parts.map((part) => reshape(part, [...part.shape, 1])),
    -1,
  );
}

/** Of a thing, pixels. */
const SMALLEST = 1e-3;
