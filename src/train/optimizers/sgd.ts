// Stochastic gradient descent with (Nesterov) momentum, as torch.optim.SGD: decay joins the gradient.
import { add, mul, sub } from "../../graph/build.ts";
import { clipped, type Optimizer } from "./optimizer.ts";

export interface SgdOptions {
  readonly momentum?: number;
  readonly nesterov?: boolean;
}

export function sgd({ momentum = 0.9, nesterov = true }: SgdOptions = {}): Optimizer {
  return {
    name: "sgd",
    stateNames: momentum === 0 ? [] : ["momentum_buffer"],
    scalars: () => ({}),
    update(parameter, unclipped, [buffer], scalars, { weightDecay, rateScale }) {
      const { learningRate } = scalars;
      const gradient = clipped(unclipped, scalars);
      const rate = rateScale === 1 ? learningRate : mul(learningRate, rateScale);
      const slope = weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
      if (buffer === undefined) return { parameter: sub(parameter, mul(slope, rate)), states: [] };
      const next = add(mul(buffer, momentum), slope);
      const direction = nesterov ? add(slope, mul(next, momentum)) : next;
      return { parameter: sub(parameter, mul(direction, rate)), states: [next] };
    },
  };
}
