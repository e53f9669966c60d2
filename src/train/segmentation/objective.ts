// How models learn that say a class for every pixel: cross-entropy and Dice, half each, as ParaTransCNN's official code has it (trainer.py). For any model that answers "semantic".
// DToP's classes are each certain or not by themselves, and a token stops where one of them is certain enough: there it is binary cross-entropy, which makes certainties mean what
// they say. The official loss is of the same kind, with a focal term and the two factors of a certainty apart (mmseg_custom/loss/atm_loss.py).
import { add, mul, reshape, resize, transpose } from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { ModelDefinition } from "../../models/registry.ts";
import { SEGMENTATION_DEFAULTS, type Segmentation } from "../annotated-fields.ts";
import type { Objective } from "../objective.ts";
import type { Recipe } from "../recipe-fields.ts";
import {
  certaintyCrossEntropy,
  diceLoss,
  type PixelTargets,
  pixelCrossEntropy,
  pixelTargets,
  shareLoss,
} from "./losses.ts";

/** Architectures whose scores are how sure they are of each class, 0 to 1. */
const SURE: readonly string[] = ["dtop"];

/** What is minimised for a model of classes of pixels; undefined for all others. */
export function segmentationObjective({ segmentation }: Recipe, model: ModelDefinition): Objective | undefined {
  const { architecture, config } = model;
  if (architecture.answers(config) !== "semantic") return undefined;
  const weights = segmentation ?? SEGMENTATION_DEFAULTS;
  return ({ scope, image, mode, annotations }) => {
    const outputs = architecture.build(scope, image, config, mode);
    const { semantic } = annotations(); // (N, h, w)
    const [n, height, width] = semantic.shape as [number, number, number];
    const isSure = SURE.includes(architecture.name);
    const atTargets = (map: Tensor) =>
      map.shape[2] === height && map.shape[3] === width ? map : resize(map, [height, width], "linear");
    const logits = atTargets(outputs.logits!); // (N, classes, h, w)
    const classes = logits.shape[1] as number;
    const targets = pixelTargets(semantic, classes);
    const early = Object.keys(outputs).filter((name) => /^exit\.\d+\.logits$/.test(name));
    const losses = [logits, ...early.map((name) => atTargets(outputs[name]!))].map((map) =>
      lossOf(map, targets, isSure, weights),
    );
    const byPixel = (map: Tensor) => reshape(transpose(map, [0, 2, 3, 1]), [n * height * width, classes]);
    return {
      loss: mul(
        losses.reduce((a, b) => add(a, b)),
        1 / losses.length,
      ),
      logits: byPixel(logits),
      targets: byPixel(targets.oneHot),
    };
  };
}

function lossOf(
  scores: Tensor,
  targets: PixelTargets,
  isSure: boolean,
  { cross_entropy_weight, dice_weight }: Segmentation,
): Tensor {
  const [entropy, dice] = isSure ? [certaintyCrossEntropy, shareLoss] : [pixelCrossEntropy, diceLoss];
  return add(mul(entropy(scores, targets), cross_entropy_weight), mul(dice(scores, targets), dice_weight));
}
