// AdamW (Loshchilov and Hutter, ICLR 2019), as torch.optim.AdamW computes it.
import { add, div, mul, sqrt, sub } from "../../graph/build.ts";
import type { Optimizer } from "./optimizer.ts";

export interface AdamWOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

export function adamW({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamWOptions = {}): Optimizer {
  return {
    name: "adamw",
    stateNames: ["exp_avg", "exp_avg_sq"],
    // Bias corrections: 1 / (1 - beta1^t) joins the rate, 1 / sqrt(1 - beta2^t) the denominator.
    scalars: (t) => ({ bias1: 1 / (1 - beta1 ** t), bias2: 1 / Math.sqrt(1 - beta2 ** t) }),
    update(parameter, gradient, [mean, square], { learningRate, extra }, { weightDecay, rateScale }) {
      const rate = rateScale === 1 ? learningRate : mul(learningRate, rateScale);
      const nextMean = add(mul(mean!, beta1), mul(gradient, 1 - beta1));
      const nextSquare = add(mul(square!, beta2), mul(mul(gradient, gradient), 1 - beta2));
      const denominator = add(mul(sqrt(nextSquare), extra.bias2!), epsilon);
      const decayed = weightDecay === 0 ? parameter : mul(parameter, sub(1, mul(rate, weightDecay)));
      const move = mul(div(nextMean, denominator), mul(rate, extra.bias1!));
      return { parameter: sub(decayed, move), states: [nextMean, nextSquare] };
    },
  };
}
