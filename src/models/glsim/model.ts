// GLSim (Rios et al., "Global-local similarity for efficient fine-grained image recognition with vision transformers", 2024): a vision transformer looks at the picture, then
// at the part of it that is most like the whole, and a small transformer joins both. Written after the paper and the README's outline of arkel23/GLSim, which states
// no licence.
import { add, concat, expandDims, mul, reshape, slice } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { linear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import type { GlsimConfig } from "./config.ts";
import { boxOf, enlarge, regionOf, similarity } from "./crop.ts";
import { aggregate, encode } from "./encoder.ts";

/**
 * image (N, 3, H, W) -> logits (N, num_classes), features (N, hidden_size), and where the crop is, as models that look say it: `gaze.0.regions` (N, 1, 4: x1, y1, x2, y2
 * in 0..1) and its middle, `gaze.0.points` (N, 1, 1, 2).
 */
export function glsim(scope: Scope, image: Tensor, config: GlsimConfig, mode: Mode): Record<string, Tensor> {
  const { hidden_size: width, image_size: size } = config;
  const tokens = encode(scope, image, config, mode); // (N, 1 + patches, width)
  const alike = similarity(tokens); // (N, patches)
  const box = boxOf(alike, config);
  const crop = enlarge(image, box, size); // (N, 3, H, W)
  scope.layer("tokens", () => slice(tokens, 1, 1));
  scope.layer("similarity", alike);
  scope.layer("crop", crop);
  const closer = encode(scope, crop, config, mode);
  const classTokens = concat([slice(tokens, 1, 0, 1), slice(closer, 1, 0, 1)], 1); // (N, 2, width)
  const joined = slice(aggregate(scope, classTokens, config, mode), 1, 0, 1);
  const features = reshape(joined, [image.shape[0]!, width]);
  const region = regionOf(box, size);
  const middle = mul(add(slice(region, 1, 0, 2), slice(region, 1, 2, 4)), 0.5); // (N, 2)
  return {
    logits: linear(scope.at("head"), features, config.num_classes),
    features,
    "gaze.0.regions": expandDims(region, 1),
    "gaze.0.points": expandDims(expandDims(middle, 1), 1),
  };
}
