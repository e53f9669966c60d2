// Models that answer with masks and their classes (Mask2Former's kind): every layer's predictions are matched with the things of the picture, exactly, and learn their
// class and mask, at points of which most are where the model is least sure. Reproduces Mask2Former's criterion (facebookresearch/Mask2Former,
// mask2former/modeling/criterion.py SetCriterion and matcher.py); points are drawn once a step, and not for every layer anew. A model whose encoder may stop early learns every exit at once (ECO-M2F's
// first step, which draws one a batch and weights it by its number: the mean over exits is what is minimised here).
import {
  abs,
  add,
  concat,
  expand,
  gatherElements,
  gridSample,
  mul,
  neg,
  reshape,
  resize,
  stopGradient,
  sub,
  topK,
} from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { fixedDim } from "../../nn/linear.ts";
import type { Detection } from "../annotated-fields.ts";
import type { Objective, ObjectiveInputs } from "../objective.ts";
import { diceCost, maskCost, probabilityCost } from "./costs.ts";
import { classLoss, maskLosses, masksOfThings, thingCount } from "./losses.ts";
import { type Matching, matchSets } from "./matching.ts";
import { layersOf, untouchedBy } from "./outputs.ts";

/** One layer's predictions. */
interface Predictions {
  /** (N, Q, classes + 1), the last that of nothing */
  readonly class_logits: Tensor;
  /** (N, Q, h, w) */
  readonly mask_logits: Tensor;
}

const FIELDS = ["class_logits", "mask_logits"] as const;
const EARLY = /^early\.(\d+)\./;

/**
 * Set losses of what a model gives: `class_logits` and `mask_logits` of its last layer, `aux.I.…` of earlier ones, and the same with `early.K.` before it for the
 * answers of an encoder that stopped after K layers.
 */
export function maskObjective(detection: Detection): Objective {
  return (inputs) => {
    const { scope, model, image, mode } = inputs;
    const outputs = model.architecture.build(scope, image, model.config, mode);
    const exits = new Set(Object.keys(outputs).flatMap((name) => EARLY.exec(name)?.[1] ?? []));
    const groups = [...[...exits].sort((a, b) => Number(a) - Number(b)).map((exit) => `early.${exit}.`), ""];
    const places = placesOf(inputs, detection);
    const losses = groups.map((prefix, i) => {
      const weight = (i + 1) / ((groups.length * (groups.length + 1)) / 2);
      return mul(groupLoss(prefix, layersOf<Predictions>(outputs, prefix, FIELDS), places, detection, inputs), weight);
    });
    const loss = losses.reduce((sum, own) => add(sum, own));
    return { loss, untouched: untouchedBy(loss) };
  };
}

/** Where masks are compared. */
interface Places {
  /** Of predictions, at any stride, for matching: (N, Q, h, w) -> (N, Q, places). */
  readonly predicted: (masks: Tensor) => Tensor;
  readonly targets: Tensor;
  /** For the loss: of each thing the mask of its prediction, and the thing's own, (N, T, places) each; and (N, T), 1 for things that have one. */
  readonly own: (
    masks: Tensor,
    matching: Matching,
  ) => { readonly masks: Tensor; readonly targets: Tensor; readonly found: Tensor };
}

function placesOf(inputs: ObjectiveInputs, { points }: Detection): Places {
  const { masks } = inputs.annotations(); // (N, T, H, W)
  return points === undefined ? everywhere(masks) : atPoints(inputs, masks, points);
}

const flat = (map: Tensor): Tensor => reshape(map, [map.shape[0]!, map.shape[1]!, -1]);

function everywhere(masks: Tensor): Places {
  const [, , height, width] = masks.shape as [number, number, number, number];
  const predicted = (map: Tensor) => flat(resize(map, [height, width], "linear"));
  const targets = flat(masks);
  return { predicted, targets, own: (map, matching) => ({ ...masksOfThings(predicted(map), matching), targets }) };
}

/** Points that are tried for each of the loss, and the share of the loss's that are taken where the mask is least sure of them. */
const TRIED = 3;
const UNSURE = 0.75;

function atPoints({ draw }: ObjectiveInputs, masks: Tensor, points: number): Places {
  const [n, things, height, width] = masks.shape as [number, number, number, number];
  const drawn = (name: string, rows: number, count: number) =>
    draw({ name, shape: [rows, count, 2], distribution: "uniform" });
  const anywhere = drawn("points", n, points); // (N, P, 2)
  const unsure = Math.floor(points * UNSURE);
  const tried = drawn("points.tried", n * things, TRIED * points);
  const rest = drawn("points.rest", n * things, points - unsure);
  const single = reshape(masks, [n * things, 1, height, width]);
  return {
    predicted: (map) => sampled(map, anywhere),
    targets: sampled(masks, anywhere),
    own(map, matching) {
      const { masks: found, ...rows } = masksOfThings(flat(map), matching); // (N, T, h * w)
      const maps = reshape(found, [n * things, 1, fixedDim(map, 2), fixedDim(map, 3)]);
      const doubt = neg(abs(sampled(stopGradient(maps), tried))); // (N * T, 1, 3 P)
      const chosen = reshape(topK(doubt, unsure), [n * things, unsure, 1]);
      const edges = gatherElements(tried, expand(chosen, [n * things, unsure, 2]), 1);
      const all = concat([edges, rest], 1); // (N * T, P, 2)
      const at = (x: Tensor) => reshape(sampled(x, all), [n, things, points]);
      return { masks: at(maps), targets: at(single), ...rows };
    },
  };
}

/** maps (B, C, h, w) at points (B, P, 2) of x and y in 0..1 -> (B, C, P) */
function sampled(maps: Tensor, points: Tensor): Tensor {
  const [rows, count] = [fixedDim(points, 0), fixedDim(points, 1)];
  const grid = reshape(sub(mul(points, 2), 1), [rows, 1, count, 2]);
  return reshape(gridSample(maps, grid, { padding: "zeros" }), [rows, fixedDim(maps, 1), count]);
}

/** The sum over its layers. */
function groupLoss(
  name: string,
  layers: readonly Predictions[],
  { predicted, targets, own }: Places,
  { class_weight, mask_weight, dice_weight, empty_weight }: Detection,
  inputs: ObjectiveInputs,
): Tensor {
  const { classes, count } = inputs.annotations();
  const things = thingCount(count);
  const masks = layers.map(({ mask_logits }) => predicted(mask_logits)); // (N, Q, places)
  const costs = layers.map(({ class_logits }, i) => {
    const ofMasks = add(mul(maskCost(masks[i]!, targets), mask_weight), mul(diceCost(masks[i]!, targets), dice_weight));
    return add(mul(probabilityCost(class_logits, classes), class_weight), ofMasks);
  });
  const matchings = matchSets(inputs, `${name}masks`, costs);
  const losses = layers.map(({ class_logits }, i) => {
    const matching = matchings[i]!;
    const compared = own(layers[i]!.mask_logits, matching);
    const entropy = maskLosses.entropy(compared.masks, compared.targets, compared.found, things);
    const dice = maskLosses.dice(compared.masks, compared.targets, compared.found, things);
    const ofMasks = add(mul(entropy, mask_weight), mul(dice, dice_weight));
    return add(mul(classLoss(class_logits, classes, matching, empty_weight), class_weight), ofMasks);
  });
  return losses.reduce((sum, own) => add(sum, own));
}
