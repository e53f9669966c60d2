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
    update(parameter, gradient, [mean, square], { learningRate, gradientScale, extra }, { weightDecay, rateScale }) {
      const rate = rateScale === 1 ? learningRate : mul(learningRate, rateScale);
      // Clipping joins the other scalars: no pass of its own over the gradients, whose squares are there already for their norm.
      const scaled = (share: number, power: 1 | 2) => {
        if (gradientScale === undefined) return share;
        return mul(power === 1 ? gradientScale : mul(gradientScale, gradientScale), share);
      };
      const nextMean = add(mul(mean!, beta1), mul(gradient, scaled(1 - beta1, 1)));
      const nextSquare = add(mul(square!, beta2), mul(mul(gradient, gradient), scaled(1 - beta2, 2)));
      const denominator = add(mul(sqrt(nextSquare), extra.bias2!), epsilon);
      const decayed = weightDecay === 0 ? parameter : mul(parameter, sub(1, mul(rate, weightDecay)));
      const move = mul(div(nextMean, denominator), mul(rate, extra.bias1!));
      return { parameter: sub(decayed, move), states: [nextMean, nextSquare] };
    },
  };
}
