// How models learn that say a class for every pixel: cross-entropy and Dice, half each, as ParaTransCNN's official code has it (trainer.py). For any model that answers "semantic".
import { add, log, maximum, mul, reshape, resize, transpose } from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { ModelDefinition } from "../../models/registry.ts";
import { SEGMENTATION_DEFAULTS, type Segmentation } from "../annotated-fields.ts";
import type { Objective } from "../objective.ts";
import type { Recipe } from "../recipe-fields.ts";
import { diceLoss, type PixelTargets, pixelCrossEntropy, pixelTargets } from "./losses.ts";

/** Architectures whose scores are how sure they are, 0 to 1: their logarithms are what a softmax reads. */
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
    const atTargets = (map: Tensor) => {
      const scores = SURE.includes(architecture.name) ? log(maximum(map, 1e-6)) : map;
      return map.shape[2] === height && map.shape[3] === width ? scores : resize(scores, [height, width], "linear");
    };
    const logits = atTargets(outputs.logits!); // (N, classes, h, w)
    const classes = logits.shape[1] as number;
    const targets = pixelTargets(semantic, classes);
    const early = Object.keys(outputs).filter((name) => /^exit\.\d+\.logits$/.test(name));
    const losses = [logits, ...early.map((name) => atTargets(outputs[name]!))].map((map) =>
      lossOf(map, targets, weights),
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

function lossOf(logits: Tensor, targets: PixelTargets, { cross_entropy_weight, dice_weight }: Segmentation): Tensor {
  return add(
    mul(pixelCrossEntropy(logits, targets), cross_entropy_weight),
    mul(diceLoss(logits, targets), dice_weight),
  );
}
