// LAMB (You et al., "Large Batch Optimization for Deep Learning", ICLR 2020): Adam's direction, as long for each parameter tensor as the tensor itself.
// As timm has it, and SparK with it: tensors that do not decay take Adam's step as it is.
import { add, div, greater, mul, reduceSum, sqrt, sub, where } from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { clipped, type Optimizer } from "./optimizer.ts";

export interface LambOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

export function lamb({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-6 }: LambOptions = {}): Optimizer {
  return {
    name: "lamb",
    stateNames: ["exp_avg", "exp_avg_sq"],
    normsTensors: true,
    scalars: (t) => ({ bias1: 1 / (1 - beta1 ** t), bias2: 1 / Math.sqrt(1 - beta2 ** t) }),
    update(parameter, unclipped, [mean, square], scalars, { weightDecay, rateScale }) {
      const { learningRate, extra } = scalars;
      const gradient = clipped(unclipped, scalars);
      const rate = rateScale === 1 ? learningRate : mul(learningRate, rateScale);
      const nextMean = add(mul(mean!, beta1), mul(gradient, 1 - beta1));
      const nextSquare = add(mul(square!, beta2), mul(mul(gradient, gradient), 1 - beta2));
      const states = [nextMean, nextSquare];
      const denominator = add(mul(sqrt(nextSquare), extra.bias2!), epsilon);
      const direction = div(mul(nextMean, extra.bias1!), denominator);
      if (weightDecay === 0) return { parameter: sub(parameter, mul(direction, rate)), states };
      const move = add(direction, mul(parameter, weightDecay));
      return { parameter: sub(parameter, mul(move, mul(rate, trust(parameter, move)))), states };
    },
  };
}

/** The parameter's norm over the move's, a scalar; 1 where either is zero. */
function trust(parameter: Tensor, move: Tensor): Tensor {
  const [own, step] = [norm(parameter), norm(move)];
  // Divided by something that is not zero, so that nothing is infinite on the way.
  const ratio = div(own, where(greater(step, 0), step, 1));
  return where(greater(mul(own, step), 0), ratio, 1);
}

function norm(x: Tensor): Tensor {
  const axes = x.shape.map((_, axis) => axis);
  return sqrt(reduceSum(mul(x, x), axes));
}
