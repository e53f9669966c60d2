// Rotation as a pretext (RotNet): the model is asked by how many quarters a picture was turned. From the description of the paper and of
// gidariss/FeatureLearningRotNet (MIT): all four turns of a picture in one batch, cross-entropy, one linear layer on the model's features.
import { add, cast, concat, equal, floor, gather, mul, reshape, transpose, values, wholes } from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { linear } from "../../nn/linear.ts";
import { softCrossEntropy } from "../losses.ts";
import type { Objective, ObjectiveInputs } from "../objective.ts";
import { PRETEXT_SCOPE, type Rotation } from "./fields.ts";

/** Quarters of a turn, and so classes. */
const TURNS = 4;

/** The objective: cross-entropy of `turns` answered by a linear layer on `features`, which is no part of the model. Pictures are squares. */
export function rotationObjective({ turns }: Rotation): Objective {
  return (inputs) => {
    const { scope, model, mode } = inputs;
    const { images, targets } = turns === "all" ? allTurns(inputs.image) : oneTurn(inputs);
    const { features } = model.architecture.build(scope, images, model.config, mode); // (rows, width)
    const logits = linear(scope.at(PRETEXT_SCOPE, "rotation"), features!, TURNS); // (rows, 4)
    return { loss: softCrossEntropy(logits, targets), logits, targets };
  };
}

/** Pictures in all four ways, and which way each is. */
interface Turned {
  /** (rows, channels, height, width) */
  readonly images: Tensor;
  /** (rows, 4) */
  readonly targets: Tensor;
}

/** (N, …) -> (4 N, …): first all as they are, then all turned by a quarter, … */
function allTurns(image: Tensor): Turned {
  const batch = image.shape[0] as number;
  const images = concat(
    Array.from({ length: TURNS }, (_, quarters) => turned(image, quarters)),
    0,
  );
  const oneHot = Float32Array.from({ length: TURNS * batch * TURNS }, (_, at) =>
    Math.floor(at / TURNS / batch) === at % TURNS ? 1 : 0,
  );
  return { images, targets: values(image.graph, [TURNS * batch, TURNS], oneHot) };
}

/** Each picture in a way that is drawn for it. */
function oneTurn({ image, draw }: ObjectiveInputs): Turned {
  const batch = image.shape[0] as number;
  const quarters = floor(mul(draw({ name: "turns", shape: [batch], distribution: "uniform" }), TURNS)); // (N), 0 to 3
  const is = (wanted: number) => cast(equal(quarters, wanted), "float32"); // (N)
  const ways = Array.from({ length: TURNS }, (_, wanted) =>
    mul(turned(image, wanted), reshape(is(wanted), [batch, ...image.shape.slice(1).map(() => 1)])),
  );
  const targets = concat(
    Array.from({ length: TURNS }, (_, wanted) => reshape(is(wanted), [batch, 1])),
    1,
  );
  return { images: ways.reduce((sum, way) => add(sum, way)), targets };
}

/** x (…, side, side), turned counter-clockwise by so many quarters. */
export function turned(x: Tensor, quarters: number): Tensor {
  if (quarters % 4 === 0) return x;
  if (quarters % 4 === 2) return flipped(flipped(x, -1), -2);
  const rank = x.shape.length;
  const sides = transpose(x, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
  return flipped(sides, quarters % 4 === 1 ? -2 : -1);
}

/** x with an axis (from the end) the other way round. */
function flipped(x: Tensor, axis: number): Tensor {
  const size = x.shape.at(axis) as number;
  const order = Array.from({ length: size }, (_, i) => size - 1 - i);
  return gather(x, wholes(x.graph, order), x.shape.length + axis);
}
