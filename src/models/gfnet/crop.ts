// The two ways GFNet sees a picture: the whole of it, shrunken, and patches of it at full resolution, cut out inside the graph so that an
// exported file needs no code beside it. Reproduces utils.py get_prime and get_patch of blackfeather-wang/GFNet-Pytorch.
import { add, cast, concat, expandDims, floor, gather, iota, mul, reshape, resize, slice } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import { sizeOf } from "../../graph/dimensions.ts";
import type { Tensor } from "../../graph/tensor.ts";

/** image (batch, 3, H, W) -> (batch, 3, size, size), corners on corners. */
export function shrink(image: Tensor, size: number, interpolation: "bicubic" | "bilinear"): Tensor {
  return resize(image, [size, size], interpolation === "bicubic" ? "cubic" : "linear", true);
}

export interface Patch {
  /** (batch, 3, size, size) */
  readonly pixels: Tensor;
  /** (batch, 4): x1, y1, x2, y2 in 0..1 of the picture, on its pixels' borders. */
  readonly region: Tensor;
}

/** image (batch, 3, H, W), action (batch, 2): row and column in 0..1 of the room that a patch has; it begins at floor(action * room). */
export function cutPatch(image: Tensor, action: Tensor, size: number): Patch {
  const [batch, channels, height, width] = image.shape as [Dim, number, number, number];
  const { graph } = image;
  const top = floor(mul(slice(action, 1, 0, 1), height - size)); // (batch, 1)
  const left = floor(mul(slice(action, 1, 1, 2), width - size));
  const whole = (x: Tensor) => cast(x, "int64");
  // Positions in the picture laid flat: one index a pixel. Sums stay small until the last one.
  const items = expandDims(iota(graph, batch, "int64"), 1); // (batch, 1)
  const row = add(expandDims(whole(top), 2), reshape(iota(graph, size, "int64"), [1, 1, size])); // (batch, 1, size)
  const planes = add(mul(items, channels), reshape(iota(graph, channels, "int64"), [1, channels])); // (batch, 3)
  const lines = mul(add(mul(expandDims(planes, 2), height), row), width); // (batch, 3, size)
  const column = add(whole(left), reshape(iota(graph, size, "int64"), [1, size])); // (batch, size)
  const places = add(expandDims(lines, 3), reshape(column, [batch, 1, 1, size])); // (batch, 3, size, size)
  const pixels = gather(reshape(image, [sizeOf(image.shape)]), places, 0);
  const part = (x: Tensor, of: number) => mul(x, 1 / of);
  const region = concat(
    [part(left, width), part(top, height), part(add(left, size), width), part(add(top, size), height)],
    1,
  );
  return { pixels, region };
}
