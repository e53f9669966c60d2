// Reflections as a pretext: a picture gets the blurred image of another one laid over it, as a pane of glass would, and a model that answers with pictures learns to take it away.
// Blends as in the official code of RRFormer and ERRNet (data/transforms.py ReflectionSythesis_1, after Fan et al., ICCV 2017) with kernels that reach over the whole picture, and its
// losses (models/losses.py: 0.2 of the mean squared difference, 0.4 of the difference of gradients, 0.1 of VGG-19's maps where the model has them). Its adversarial
// loss is left out.
import { SaccadeError, UsageError } from "../../errors.ts";
import {
  abs,
  add,
  cast,
  concat,
  div,
  exp,
  greater,
  iota,
  matMul,
  maximum,
  minimum,
  mul,
  neg,
  reduceMean,
  reduceSum,
  reshape,
  slice,
  sub,
  values,
  where,
} from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";
import type { ModelDefinition } from "../../models/registry.ts";
import { rrformerArchitecture } from "../../models/rrformer/architecture.ts";
import type { RrformerConfig } from "../../models/rrformer/config.ts";
import { hypercolumn } from "../../models/rrformer/vgg.ts";
import type { DrawnInput, Objective } from "../objective.ts";
import type { Reflections } from "./fields.ts";

/** By how much more than what is too bright the reflection is darkened. */
const DARKENING = 1.3;

/** Of the loss of VGG-19's maps. */
const MAPS_WEIGHT = 0.1;

/** @throws UsageError for a model that does not answer with pictures */
export function reflectionsObjective(options: Reflections, model: ModelDefinition): Objective {
  const { architecture, config, registered } = model;
  if (architecture.answers(config) !== "picture")
    throw new UsageError(
      `${registered?.name ?? architecture.name} does not answer with a picture, and to take reflections away is to give one`,
      "rrformer_small does",
    );
  return ({ scope, image, mode, draw }) => {
    if (image.shape[0] === 1)
      throw new UsageError("a batch of one has no other picture that could be reflected", "--batch 2");
    const blend = blended(image, options, draw);
    const { picture } = architecture.build(scope, blend, config, mode);
    if (picture === undefined) throw new SaccadeError("train", `${architecture.name} gave no picture`);
    const loss = restorationLoss(picture, image, options);
    const hasMaps = architecture.name === rrformerArchitecture.name && (config as RrformerConfig).hypercolumn;
    return { loss: hasMaps ? add(loss, mul(mapsLoss(scope.at("vgg"), picture, image), MAPS_WEIGHT)) : loss };
  };
}

/**
 * Pictures with the next one of the batch reflected in each: image (N, 3, H, W), 0 to 1 -> the same shape and range.
 *
 * @param draw declares `blur` and `strength`, (N), uniform numbers that say where in its range each is
 */
export function blended(
  image: Tensor,
  { blur, strength }: Pick<Reflections, "blur" | "strength">,
  draw: (input: DrawnInput) => Tensor,
): Tensor {
  const [n, , height, width] = image.shape as [number, number, number, number];
  const within = (name: string, [low, high]: readonly [number, number]) =>
    reshape(add(mul(draw({ name, shape: [n], distribution: "uniform" }), high - low), low), [n, 1, 1, 1]);
  const deviation = within("blur", blur);
  const other = concat([slice(image, 0, 1), slice(image, 0, 0, 1)], 0); // (N, 3, H, W)
  const down = matMul(blurring(image.graph, height, deviation), other);
  const soft = matMul(down, blurring(image.graph, width, deviation), { transposeB: true });
  const reflection = mul(soft, within("strength", strength)); // (N, 3, H, W)
  const sum = add(image, reflection);
  // Where both are more than white, the reflection is made darker everywhere by a little more than the mean of what is too much.
  const tooBright = cast(greater(sum, 1), "float32");
  const all = { keepDims: true };
  const count = reduceSum(tooBright, [1, 2, 3], all); // (N, 1, 1, 1)
  const excess = div(reduceSum(mul(sub(sum, 1), tooBright), [1, 2, 3], all), maximum(count, 1));
  const darker = maximum(sub(reflection, mul(excess, DARKENING)), 0);
  return minimum(add(image, where(greater(count, 0), darker, reflection)), 1);
}

/** (N, 1, size, size): a row says what of each cell a blurred one is made of. @param deviation (N, 1, 1, 1), in pixels, of a normal distribution */
function blurring(graph: Graph, size: number, deviation: Tensor): Tensor {
  const places = iota(graph, size);
  const distance = sub(reshape(places, [1, 1, size, 1]), reshape(places, [1, 1, 1, size])); // (1, 1, size, size)
  const squares = div(mul(distance, distance), mul(mul(deviation, deviation), 2)); // (N, 1, size, size)
  const weights = exp(neg(squares));
  return div(weights, reduceSum(weights, 3, { keepDims: true }));
}

/** How far pictures (N, 3, H, W) are from what they should be. */
export function restorationLoss(
  picture: Tensor,
  target: Tensor,
  { squares_weight, gradients_weight }: Pick<Reflections, "squares_weight" | "gradients_weight">,
): Tensor {
  const difference = sub(picture, target);
  const squares = reduceMean(mul(difference, difference), [0, 1, 2, 3]);
  const gradients = add(changes(difference, 2), changes(difference, 3));
  return add(mul(squares, squares_weight), mul(gradients, gradients_weight));
}

/** The mean of how much the difference changes from one pixel to the next. */
function changes(difference: Tensor, axis: 2 | 3): Tensor {
  const size = difference.shape[axis] as number;
  return reduceMean(abs(sub(slice(difference, axis, 1, size), slice(difference, axis, 0, size - 1))), [0, 1, 2, 3]);
}

/** Of each map. */
const MAP_WEIGHTS = [1 / 2.6, 1 / 4.8, 1 / 3.7, 1 / 5.6, 10 / 1.5];

function mapsLoss(vgg: Scope, picture: Tensor, target: Tensor): Tensor {
  const { graph } = picture;
  const seen = (x: Tensor) => {
    const perChannel = (numbers: readonly number[]) => values(graph, [1, 3, 1, 1], numbers);
    return hypercolumn(vgg, div(sub(x, perChannel([0.485, 0.456, 0.406])), perChannel([0.229, 0.224, 0.225])));
  };
  const wanted = seen(target);
  const losses = seen(picture).map((map, i) =>
    mul(reduceMean(abs(sub(map, wanted[i]!)), [0, 1, 2, 3]), MAP_WEIGHTS[i]!),
  );
  return losses.reduce((a, b) => add(a, b));
}
