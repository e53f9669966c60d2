// Lion (Chen et al., 2023): the sign of an interpolated momentum, with decoupled decay.
import { add, mul, sign, sub } from "../../graph/build.ts";
import { clipped, type Optimizer } from "./optimizer.ts";

export interface LionOptions {
  readonly beta1?: number;
  readonly beta2?: number;
}

export function lion({ beta1 = 0.9, beta2 = 0.99 }: LionOptions = {}): Optimizer {
  return {
    name: "lion",
    stateNames: ["exp_avg"],
    scalars: () => ({}),
    update(parameter, unclipped, [mean], scalars, { weightDecay, rateScale }) {
      const { learningRate } = scalars;
      const gradient = clipped(unclipped, scalars);
      const rate = rateScale === 1 ? learningRate : mul(learningRate, rateScale);
      const direction = sign(add(mul(mean!, beta1), mul(gradient, 1 - beta1)));
      const decayed = weightDecay === 0 ? parameter : mul(parameter, sub(1, mul(rate, weightDecay)));
      return {
        parameter: sub(decayed, mul(direction, rate)),
        states: [add(mul(mean!, beta2), mul(gradient, 1 - beta2))],
      };
    },
  };
}
