// A picture as a grid of tokens, timm's names (timm/layers/patch_embed.py): `proj`.
import { reshape, transpose } from "../graph/build.ts";
import { type Dim, multiplyDims } from "../graph/dimensions.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { channelsOf, conv2d } from "./conv.ts";
import { torchDefault } from "./linear.ts";

/** Every square of `patch` x `patch` pixels by one linear map: image (N, C, H, W) -> (N, width, floor(H / patch), floor(W / patch)). */
export function patchEmbed(scope: Scope, image: Tensor, width: number, patch: number): Tensor {
  const start = torchDefault(channelsOf(image) * patch * patch);
  return conv2d(scope.at("proj"), image, width, patch, {
    stride: patch,
    padding: 0,
    bias: true,
    weightInit: start,
    biasInit: start,
  });
}

/** map (N, C, h, w) -> tokens (N, h * w, C), row by row. */
export function tokensOf(map: Tensor): Tensor {
  const [n, channels, height, width] = map.shape as [Dim, Dim, Dim, Dim];
  return transpose(reshape(map, [n, channels, multiplyDims(height, width)]), [0, 2, 1]);
}
