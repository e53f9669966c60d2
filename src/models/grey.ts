// Pictures for models that see brightness alone. Everything before a model has red, green and blue, and what becomes its numbers is made grey at the very end, so
// that transforms and augmentations are the same for all models. The shares are those of ITU-R BT.601, as Pillow and OpenCV have them; a picture that is grey already
// has three equal channels and stays what it is.
import { mul, reduceSum, values } from "../graph/build.ts";
import type { Tensor } from "../graph/tensor.ts";
import { elementCount, type TensorData, tensor } from "../tensor.ts";
import type { ImageInput } from "./architecture.ts";

const SHARES = [0.299, 0.587, 0.114] as const;

/** Channels of a model's input `image`: three, or one where it sees grey. */
export function channelsOfInput({ channels }: Pick<ImageInput, "channels">): 1 | 3 {
  return channels ?? 3;
}

/** image (N, 3, H, W) as a model sees it: as it is, or (N, 1, H, W) for one that sees grey. */
export function asSeen(image: Tensor, input: Pick<ImageInput, "channels">): Tensor {
  if (channelsOfInput(input) === 3) return image;
  return reduceSum(mul(image, values(image.graph, [3, 1, 1], SHARES)), [1], { keepDims: true });
}

/** The same of numbers: (N, 3, H, W) -> (N, 1, H, W). */
export function greyValues({ shape, data }: TensorData<"float32">): TensorData<"float32"> {
  const [count, , height, width] = shape as [number, number, number, number];
  const plane = height * width;
  const grey = tensor("float32", [count, 1, height, width], new Float32Array(elementCount(shape) / 3));
  for (let n = 0; n < count; n++)
    for (let i = 0, at = 3 * n * plane; i < plane; i++, at++)
      grey.data[n * plane + i] =
        SHARES[0] * data[at]! + SHARES[1] * data[at + plane]! + SHARES[2] * data[at + 2 * plane]!;
  return grey;
}
