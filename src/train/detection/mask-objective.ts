// Models that answer with masks and their classes (Mask2Former's kind): every layer's predictions are matched with the things of the picture, exactly, and learn their
// class and mask. Reproduces Mask2Former's criterion (facebookresearch/Mask2Former, mask2former/modeling/criterion.py SetCriterion and matcher.py), but for the choice of
// points, which are drawn evenly here and are the same for matching and losses. A model whose encoder may stop early learns every exit at once (ECO-M2F's
// first step, which draws one a batch and weights it by its number: the mean over exits is what is minimised here).
import { add, gridSample, mul, reshape, resize, sub } from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Objective, ObjectiveInputs } from "../objective.ts";
import type { Detection } from "../recipe-fields.ts";
import { diceCost, maskCost, probabilityCost } from "./costs.ts";
import { classLoss, maskLosses, masksOfThings, thingCount } from "./losses.ts";
import { matchSets } from "./matching.ts";
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

/** Where masks are compared: (N, rows, h, w) -> (N, rows, places). */
interface Places {
  /** Of predictions, at any stride. */
  readonly predicted: (masks: Tensor) => Tensor;
  readonly targets: Tensor;
}

function placesOf({ annotations, draw }: ObjectiveInputs, { points }: Detection): Places {
  const { masks } = annotations();
  const [n, , height, width] = masks.shape as [number, number, number, number];
  const flat = (map: Tensor) => reshape(map, [n, map.shape[1]!, -1]);
  if (points === undefined)
    return { predicted: (map) => flat(resize(map, [height, width], "linear")), targets: flat(masks) };
  const drawn = draw({ name: "points", shape: [n, 1, points, 2], distribution: "uniform" });
  const grid = sub(mul(drawn, 2), 1); // -1 to 1
  const at = (map: Tensor) => flat(gridSample(map, grid, { padding: "zeros" }));
  return { predicted: at, targets: at(masks) };
}

/** The sum over its layers. */
function groupLoss(
  name: string,
  layers: readonly Predictions[],
  { predicted, targets }: Places,
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
    const own = masksOfThings(masks[i]!, matching);
    const entropy = maskLosses.entropy(own.masks, targets, own.found, things);
    const dice = maskLosses.dice(own.masks, targets, own.found, things);
    const ofMasks = add(mul(entropy, mask_weight), mul(dice, dice_weight));
    return add(mul(classLoss(class_logits, classes, matching, empty_weight), class_weight), ofMasks);
  });
  return losses.reduce((sum, own) => add(sum, own));
}
