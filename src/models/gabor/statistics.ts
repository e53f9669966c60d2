// What there is to say of a texture, wherever its parts are: for each filter how strong its answers are and how they are distributed.
import { abs, add, concat, div, log, mul, neg, reduceMean, relu, reshape, sqrt, sub } from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";

/** Histograms go to so many deviations on both sides of the mean. */
const REACH = 2;
const LEAST = 1e-5;

/** answers (M, filters, h, w) -> (M, filters * (2 + bins)): of each filter the logarithms of mean strength and deviation, and a soft histogram. */
export function textureStatistics(answers: Tensor, bins: number): Tensor {
  const [count, filters, height, width] = answers.shape as [Tensor["shape"][number], number, number, number];
  const flat = reshape(answers, [count, filters, height * width]);
  const mean = (x: Tensor) => reduceMean(x, [2], { keepDims: true }); // (M, filters, 1)
  const centred = sub(flat, mean(flat));
  const deviation = sqrt(add(mean(mul(centred, centred)), LEAST));
  const standard = div(centred, deviation);
  const step = (2 * REACH) / (bins - 1);
  // A value is shared out between the two bins next to it.
  const histogram = Array.from({ length: bins }, (_, bin) =>
    mean(relu(add(neg(abs(mul(sub(standard, bin * step - REACH), 1 / step))), 1))),
  );
  const strengths = [log(add(mean(abs(flat)), LEAST)), log(deviation)];
  return reshape(concat([...strengths, ...histogram], 2), [count, filters * (2 + bins)]);
}
