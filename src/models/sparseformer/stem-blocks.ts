// Residual 3 x 3 convolutions on the stem's map, an extension for small pictures and few of them (not in the official code): a transformer that
// learns from a few thousand pictures lacks what convolutions know from the start. After Xiao et al. 2021, "Early convolutions help
// transformers see better". The second convolution of a block starts at zero, so that a trained model can be given blocks and go on.
import { add, conv, relu } from "../../graph/build.ts";
import type { Initializer } from "../../graph/initializers.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";

/** features (N, C, [T,] H, W) -> the same shape, through `count` blocks `blocks.N`: x + conv2(relu(conv1(x))), each frame on its own. */
export function stemBlocks(scope: Scope, features: Tensor, count: number): Tensor {
  let x = features;
  for (let i = 0; i < count; i++) {
    const block = scope.at("blocks", i);
    const inner = relu(spatialConv(block.at("conv1"), x, { kind: "kaimingNormalFanOut" }));
    x = add(x, spatialConv(block.at("conv2"), inner, { kind: "zeros" }));
  }
  return x;
}

/** 3 x 3, padded to keep the size. */
function spatialConv(scope: Scope, x: Tensor, weightInit: Initializer): Tensor {
  const channels = x.shape[1] as number;
  const flat = (frame: number, spatial: number) =>
    x.shape.length === 5 ? [frame, spatial, spatial] : [spatial, spatial];
  return scope.run(() => {
    const weight = scope.parameter("weight", [channels, channels, ...flat(1, 3)], weightInit);
    const bias = scope.parameter("bias", [channels], { kind: "zeros" });
    return conv(x, weight, bias, { padding: flat(0, 1) });
  });
}
