// Plain DETR for pictures that end before their images do, as the official program has them in its batches (util/misc.py NestedTensor): what is beyond is zero,
// and no place for things.
import { cast, concat, div, iota, less, mul, reshape, slice, where } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Mode } from "../../nn/mode.ts";
import { extentOf } from "../image-size.ts";
import type { PlainDetrConfig } from "./config.ts";
import { plainDetr } from "./model.ts";

/** Inputs `sizes` (N, 2), height and width of each picture in pixels, and image (N, 3, H, W) -> as `plainDetr`; `boxes` are shares of the image. */
export function paddedPlainDetr(
  scope: Scope,
  image: Tensor,
  config: PlainDetrConfig,
  mode: Mode,
): Readonly<Record<string, Tensor>> {
  const { height, width } = extentOf(config.img_size);
  const n = image.shape[0]!;
  const sizes = scope.graph.input("sizes", [n, 2]);
  const [high, wide] = [slice(sizes, 1, 0, 1), slice(sizes, 1, 1, 2)]; // (N, 1)
  const before = (end: Tensor, count: number) =>
    less(cast(reshape(iota(scope.graph, count, "int64"), [1, count]), "float32"), end);
  const rows = where(reshape(before(high, height), [n, 1, height, 1]), image, 0);
  const seen = where(reshape(before(wide, width), [n, 1, 1, width]), rows, 0);
  const outputs = plainDetr(scope, seen, config, mode, { sizes });
  if (config.reparam) return outputs; // boxes were pixels of the image
  const share = concat([div(wide, width), div(high, height)], 1);
  return { ...outputs, boxes: mul(outputs.boxes!, reshape(concat([share, share], 1), [n, 1, 4])) };
}
