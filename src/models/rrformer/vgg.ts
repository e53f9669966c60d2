// VGG-19's maps as a hypercolumn (Simonyan and Zisserman, ICLR 2015): what is behind the first convolution of each size. torchvision's names,
// `features.N.weight`; it is never trained here. Official: models/vgg.py Vgg19, which is given red, green and blue as they are, 0 to 1.
import { conv, maxPool, relu } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { channelsOf } from "../../nn/conv.ts";

/** Channels of the convolutions of each size. Of the last size only the first is there: nobody reads the others. */
const SIZES = [[64, 64], [128, 128], [256, 256, 256, 256], [512, 512, 512, 512], [512]] as const;

/** Channels of each map. */
export const HYPERCOLUMN: readonly number[] = SIZES.map(([first]) => first);

/** image (N, 3, H, W), 0 to 1 -> maps (N, channels, H / 2^i, W / 2^i), rounded down. */
export function hypercolumn(scope: Scope, image: Tensor): Tensor[] {
  const maps: Tensor[] = [];
  let x = image;
  let index = 0;
  SIZES.forEach((widths, size) => {
    if (size > 0) {
      x = maxPool(x, [2, 2], { strides: [2, 2] });
      index++;
    }
    widths.forEach((channels, i) => {
      x = relu(frozenConv(scope.at("features", index), x, channels));
      index += 2; // with the rectifier, which counts as a layer
      if (i === 0) maps.push(x);
    });
  });
  return maps;
}

function frozenConv(scope: Scope, x: Tensor, channels: number): Tensor {
  return scope.run(() => {
    const weight = scope.buffer("weight", [channels, channelsOf(x), 3, 3], { kind: "kaimingNormalFanOut" });
    return conv(x, weight, scope.buffer("bias", [channels], { kind: "zeros" }), { padding: [1, 1] });
  });
}
