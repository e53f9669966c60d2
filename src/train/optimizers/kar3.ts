// Kar3, the optimiser of Terminator (Zhang, arXiv 2401.17948): a step is the sum of three signs, of the gradient and of what two averages of the gradients before it, a short one and a
// long one, were. So every value moves by none to three learning rates.
import { add, mul, sign, sub } from "../../graph/build.ts";
import { clipped, type Optimizer } from "./optimizer.ts";

export interface Kar3Options {
  /** What the short average keeps of itself at a step. */
  readonly beta1?: number;
  /** The same of the long one. */
  readonly beta2?: number;
}

export function kar3({ beta1 = 0.5, beta2 = 0.95 }: Kar3Options = {}): Optimizer {
  return {
    name: "kar3",
    stateNames: ["short_avg", "long_avg"],
    scalars: () => ({}),
    update(parameter, unclipped, [short, long], scalars, { weightDecay, rateScale }) {
      const { learningRate } = scalars;
      const gradient = clipped(unclipped, scalars);
      const rate = rateScale === 1 ? learningRate : mul(learningRate, rateScale);
      const direction = add(add(sign(gradient), sign(short!)), sign(long!));
      // Its authors have none; a recipe that asks for it gets it decoupled, as Lion has it.
      const decayed = weightDecay === 0 ? parameter : mul(parameter, sub(1, mul(rate, weightDecay)));
      return {
        parameter: sub(decayed, mul(direction, rate)),
        states: [add(mul(short!, beta1), mul(gradient, 1 - beta1)), add(mul(long!, beta2), mul(gradient, 1 - beta2))],
      };
    },
  };
}
