// What a Terminator learns besides the answer: the global kernel of each block is to be like those of the blocks before it (the slow neural loss of arXiv 2401.17948), and weights
// are to be small.
import { add, concat, mul, reduceMean, reduceSum, sub } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import { type Tensor, widen } from "../../graph/tensor.ts";
import type { TerminatorConfig } from "../../models/terminator/config.ts";
import { globalKernels } from "../../models/terminator/model.ts";
import { softCrossEntropy } from "../losses.ts";
import type { Objective } from "../objective.ts";

export interface SlowNeuralOptions {
  /** Weight of the slow neural loss. */
  readonly weight: number;
  /** Weight of the sum of all parameters' squares. */
  readonly squaresWeight: number;
}

/** Cross-entropy, the distance between kernels, and the size of the weights. */
export function slowNeuralObjective({ weight, squaresWeight }: SlowNeuralOptions): Objective {
  return ({ scope, model, image, targets, mode }) => {
    const { logits } = model.architecture.build(scope, image, model.config, mode);
    const losses = [softCrossEntropy(logits!, targets)];
    // The same nodes as the model's own: equal kernels are computed once.
    if (weight > 0) losses.push(mul(slowNeuralLoss(globalKernels(scope, model.config as TerminatorConfig)), weight));
    if (squaresWeight > 0) losses.push(mul(sumOfSquares(scope), squaresWeight));
    return { loss: losses.reduce((sum, loss) => add(sum, loss)), logits: logits! };
  };
}

/** kernels (1, channels, H, W), channels of each a multiple of those before -> a scalar: the sum over all pairs of the mean squared distance, the earlier one repeated. */
export function slowNeuralLoss(kernels: readonly Tensor[]): Tensor {
  const distances = kernels.flatMap((later, i) => kernels.slice(0, i).map((earlier) => distance(earlier, later)));
  return distances.reduce((sum, one) => add(sum, one));
}

function distance(earlier: Tensor, later: Tensor): Tensor {
  const copies = (later.shape[1] as number) / (earlier.shape[1] as number);
  const apart = sub(
    copies === 1
      ? earlier
      : concat(
          Array.from({ length: copies }, () => earlier),
          1,
        ),
    later,
  );
  return reduceMean(mul(apart, apart), [0, 1, 2, 3]);
}

/** Of all parameters that are trained: a scalar. */
function sumOfSquares({ graph }: Scope): Tensor {
  const sums = [...graph.parameters.values()]
    .filter(({ trainable }) => trainable)
    .map(({ tensor, shape }) => {
      const value = widen(tensor);
      return reduceSum(
        mul(value, value),
        shape.map((_, axis) => axis),
      );
    });
  return sums.reduce((sum, one) => add(sum, one));
}
