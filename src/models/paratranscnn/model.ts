// ParaTransCNN (Sun et al., 2024): a ResNet and a transformer side by side for medical segmentation. Maps of equal size are weighed together, channel by channel, and a decoder brings
// them back to the picture's size. Reproduces HongkunSun/ParaTransCNN, model/ParaTransCNN.py and model/transformer.py. The transformer has no positions: what its patches'
// neighbours are it hears of by the convolutions between its stages alone.
import { add, concat, gelu, mul, reduceMean, relu, reshape, sigmoid, transpose } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { selfAttention } from "../../nn/attention.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { convTranspose2d } from "../../nn/conv-transpose.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedWidth, linear, torchDefault, torchLinear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { tokensOf } from "../../nn/patch-embed.ts";
import { has, type ParatranscnnConfig } from "./config.ts";

const EPSILON = 1e-5;
/** By how much squeezing narrows. */
const SQUEEZE = 16;

/**
 * image (N, 3, H, W) -> `logits` (N, num_classes, H, W), class scores of every pixel, and `features` (N, channels), the mean of what both branches found at a sixteenth of
 * the size.
 */
export function paratranscnn(
  scope: Scope,
  image: Tensor,
  config: ParatranscnnConfig,
  mode: Mode,
): { readonly logits: Tensor; readonly features: Tensor } {
  const convolved = has(config, "cnn") ? cnnBranch(scope, image, config, mode) : [];
  const attended = has(config, "transformer") ? transformerBranch(scope, image, config, mode) : [];
  // From the smallest map to the largest: (N, channels, H/16, W/16), …/8, …/4.
  const [deep, middle, fine] = [1, 2, 3].map((index) => {
    const maps = [attended[3 - index], convolved[3 - index]].filter((map) => map !== undefined);
    const weighed = weighChannels(scope.at(`SE_${index}`), maps.length === 1 ? maps[0]! : concat(maps, 1));
    scope.layer(`SE_${index}`, weighed);
    return weighed;
  }) as [Tensor, Tensor, Tensor];
  const up = (name: string, x: Tensor, channels: number, by: number) =>
    convTranspose2d(scope.at(name), x, channels, by);
  const wide = channelsOf(middle);
  const fromDeep = up("up3_1", decoder(scope.at("decoder1"), deep, mode), wide, 2);
  const fromMiddle = up("up2_1", decoder(scope.at("decoder2"), concat([middle, fromDeep], 1), mode), wide, 2);
  const full = up("up1_1", decoder(scope.at("decoder3"), concat([fine, fromMiddle], 1), mode), config.dim, 4);
  const start = torchDefault(config.dim);
  const logits = conv2d(scope.at("out"), full, config.num_classes, 1, {
    bias: true,
    weightInit: start,
    biasInit: start,
  });
  return { logits, features: reduceMean(deep, [2, 3]) };
}

/** image (N, 3, H, W) -> maps (N, channels, …) at a quarter, an eighth and a sixteenth of the size: a ResNet of basic blocks, without the pooling behind its first convolution. */
function cnnBranch(scope: Scope, image: Tensor, { channels, layers }: ParatranscnnConfig, mode: Mode): Tensor[] {
  const stem = conv2d(scope.at("firstconv"), image, channels[0]!, 7, { stride: 2 });
  let x = relu(batchNorm(scope.at("firstbn"), stem, mode)); // (N, channels, H/2, W/2)
  const maps = layers.map((count, stage) => {
    for (let i = 0; i < count; i++)
      x = basicBlock(scope.at(`encoder${stage + 1}`, i), x, channels[stage]!, stage > 0 && i === 0 ? 2 : 1, mode);
    return x;
  });
  return maps.slice(1);
}

function basicBlock(scope: Scope, x: Tensor, channels: number, stride: number, mode: Mode): Tensor {
  return scope.run(() => {
    const inner = relu(batchNorm(scope.at("bn1"), conv2d(scope.at("conv1"), x, channels, 3, { stride }), mode));
    const residual = batchNorm(scope.at("bn2"), conv2d(scope.at("conv2"), inner, channels, 3), mode);
    const changes = stride !== 1 || channelsOf(x) !== channels;
    const projected = () => conv2d(scope.at("downsample", 0), x, channels, 1, { stride });
    return relu(add(residual, changes ? batchNorm(scope.at("downsample", 1), projected(), mode) : x));
  });
}

/** image (N, 3, H, W) -> maps (N, dim, H/4, W/4), (N, 2 dim, H/8, W/8), (N, 4 dim, H/16, W/16) */
function transformerBranch(scope: Scope, image: Tensor, config: ParatranscnnConfig, mode: Mode): Tensor[] {
  let x = image;
  return config.depth.map((depth, stage) => {
    const side = stage === 0 ? 4 : 2;
    const width = config.dim * 2 ** stage;
    const start = torchDefault(channelsOf(x) * side * side);
    const patches = conv2d(scope.at(`patch_embed_${stage + 1}`), x, width, side, {
      ...{ stride: side, padding: 0, bias: true, weightInit: start, biasInit: start },
    });
    let tokens = tokensOf(patches); // (N, h * w, width)
    for (let block = 0; block < depth; block++) {
      const net = scope.at(`vit_${stage + 1}`, "net");
      tokens = add(tokens, attention(net.at(2 * block, "fn"), tokens, config, mode));
      tokens = add(tokens, perceptron(net.at(2 * block + 1, "fn"), tokens, config, mode));
    }
    const [n, , height, wide] = patches.shape as [Dim, number, Dim, Dim];
    x = reshape(transpose(tokens, [0, 2, 1]), [n, width, height, wide]);
    return x;
  });
}

function attention(scope: Scope, x: Tensor, { heads, drop_rate }: ParatranscnnConfig, mode: Mode): Tensor {
  return scope.run(() => {
    const normal = layerNorm(scope.at("norm"), x, EPSILON);
    return mode.dropout(selfAttention(scope.at("fn"), normal, heads, { qkvBias: false }), drop_rate);
  });
}

/** Through twice the width. */
function perceptron(scope: Scope, x: Tensor, { drop_rate }: ParatranscnnConfig, mode: Mode): Tensor {
  return scope.run(() => {
    const width = fixedWidth(x);
    const normal = layerNorm(scope.at("norm"), x, EPSILON);
    const hidden = mode.dropout(gelu(torchLinear(scope.at("fn", "net", 0), normal, 2 * width)), drop_rate);
    return mode.dropout(torchLinear(scope.at("fn", "net", 3), hidden, width), drop_rate);
  });
}

/** Squeeze and excitation: map (N, C, h, w) -> the same shape, each channel weighed by what all of the map shows. */
function weighChannels(scope: Scope, map: Tensor): Tensor {
  return scope.run(() => {
    const channels = channelsOf(map);
    const without = (width: number) => ({ bias: false, weightInit: torchDefault(width) });
    const narrow = Math.max(1, Math.floor(channels / SQUEEZE));
    const squeezed = relu(linear(scope.at("fc", 0), reduceMean(map, [2, 3]), narrow, without(channels)));
    const weights = sigmoid(linear(scope.at("fc", 2), squeezed, channels, without(narrow))); // (N, C)
    return mul(map, reshape(weights, [map.shape[0]!, channels, 1, 1]));
  });
}

/** Two convolutions: map (N, C, h, w) -> the same shape. */
function decoder(scope: Scope, map: Tensor, mode: Mode): Tensor {
  return scope.run(() =>
    [1, 3].reduce(
      (x, i) =>
        relu(
          batchNorm(scope.at(`norm${i}`), conv2d(scope.at(`conv${i}`), x, channelsOf(map), 3, { bias: true }), mode),
        ),
      map,
    ),
  );
}
