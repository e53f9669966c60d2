// A lightweight CNN of two equal branches (Isong, Building Efficient Lightweight CNN Models, 2025, arXiv 2501.15547). They are trained side by side, one on pictures and
// one on augmented pictures; then both see the same picture, and two small layers learn from their answers. Written from the paper's abstract: no official code was found.
import { add, concat, maxPool, mul, reduceMean, relu } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { conv2d } from "../../nn/conv.ts";
import { torchLinear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import type { LightweightConfig } from "./config.ts";

/** image (N, 1, H, W) -> logits (N, num_classes) and features (N, hidden), without `hidden` both branches' (N, 2 x last of channels). */
export function lightweight(
  scope: Scope,
  image: Tensor,
  config: LightweightConfig,
  mode: Mode,
): { readonly logits: Tensor; readonly features: Tensor } {
  const [first, second] = [branch(scope, 0, image, config, mode), branch(scope, 1, image, config, mode)];
  if (config.hidden === 0)
    return {
      logits: mul(add(first.logits, second.logits), 0.5),
      features: concat([first.features, second.features], 1),
    };
  const merge = scope.at("merge");
  const answers = concat([first.logits, second.logits], 1); // (N, 2 x num_classes)
  const features = relu(torchLinear(merge.at("hidden"), answers, config.hidden));
  return { logits: torchLinear(merge.at("fc"), features, config.num_classes), features };
}

/** What each branch says of its own picture: (N, 1, H, W) twice -> (N, num_classes) twice. */
export function lightweightBranches(
  scope: Scope,
  images: readonly Tensor[],
  config: LightweightConfig,
  mode: Mode,
): readonly Tensor[] {
  return images.map((image, i) => branch(scope, i, image, config, mode).logits);
}

/** image (N, 1, H, W) -> features (N, last of channels), logits (N, num_classes) */
function branch(root: Scope, index: number, image: Tensor, config: LightweightConfig, mode: Mode) {
  const scope = root.at("branches", index);
  let x = image;
  for (const [i, channels] of config.channels.entries()) {
    if (i > 0) x = maxPool(x, [2, 2], { strides: [2, 2] });
    const map = conv2d(scope.at(`conv${i + 1}`), x, channels, 3);
    x = relu(batchNorm(scope.at(`bn${i + 1}`), map, mode));
    root.layer(`branches.${index}.conv${i + 1}`, x);
  }
  const features = reduceMean(x, [2, 3]);
  return { features, logits: torchLinear(scope.at("fc"), features, config.num_classes) };
}
