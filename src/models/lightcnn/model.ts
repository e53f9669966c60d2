// Light CNN (Wu et al., IEEE TIFS 2018): an embedding of faces. There are no activations and no normalisation: each layer computes twice the channels, and of every two
// the larger goes on (max-feature-map). Reproduces AlfredXiangWu/LightCNN, light_cnn.py (9, 29, 29v2) and light_cnn_v4.py.
import { add, averagePool, gather, maximum, maxPool, reshape, split, wholes } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { fixedWidth, linear, torchDefault, torchLinear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import type { LightcnnConfig } from "./config.ts";

/** image (N, 1, H, W), of V4 (N, 3, H, W), values 0 to 1 -> features (N, feat_dim) and logits (N, num_classes). */
export function lightcnn(
  scope: Scope,
  image: Tensor,
  config: LightcnnConfig,
  mode: Mode,
): { readonly logits: Tensor; readonly features: Tensor } {
  const features = embed(scope, NETWORKS[config.model](scope, image, config), config);
  // V4 was released as an embedding alone.
  if (config.num_classes === 0) return { logits: features, features };
  const kept = mode.dropout(features, config.drop_rate);
  return { logits: identities(scope.at("fc2"), kept, config), features };
}

type Network = (scope: Scope, image: Tensor, config: LightcnnConfig) => Tensor;

/** Everything before the embedding: (N, channels, H, W) -> (N, last of channels, H/16, W/16). */
const NETWORKS: Readonly<Record<LightcnnConfig["model"], Network>> = {
  "LightCNN-9": nineLayers,
  "LightCNN-29": (scope, image, config) => residualLayers(scope, image, config, largest),
  "LightCNN-29v2": (scope, image, config) => residualLayers(scope, image, config, largestAndMean),
  "LightCNN-V4": versionFour,
};

/** A pooling after all stages but the third. */
function nineLayers(scope: Scope, image: Tensor, { channels }: LightcnnConfig): Tensor {
  const layers = scope.at("features");
  const [stem, ...widths] = channels;
  let x = largest(mfmConv(layers.at(0), image, stem, 5));
  for (const [i, at] of [2, 4, 6, 7].entries()) {
    x = named(scope, `features.${at}`, group(layers.at(at), x, widths[i]!));
    if (i !== 2) x = largest(x);
  }
  return x;
}

function residualLayers(
  scope: Scope,
  image: Tensor,
  { channels, layers }: LightcnnConfig,
  pool: (x: Tensor) => Tensor,
): Tensor {
  const [stem, ...widths] = channels;
  let x = pool(mfmConv(scope.at("conv1"), image, stem, 5));
  for (const [i, width] of widths.entries()) {
    x = residualStage(scope, x, i + 1, layers[i]!);
    x = group(scope.at(`group${i + 1}`), x, width);
    if (i !== 2) x = pool(x);
  }
  return x;
}

/** As 29v2, with one convolution where that has a group, and a smaller first one. */
function versionFour(scope: Scope, image: Tensor, { channels, layers }: LightcnnConfig): Tensor {
  // Pictures are red, green, blue everywhere here. The official weights want blue first.
  const turned = gather(image, wholes(image.graph, [2, 1, 0]), 1); // (N, 3, H, W)
  const [stem, ...widths] = channels;
  let x = largestAndMean(mfmConv(scope.at("conv1"), turned, stem, 3));
  for (const [i, width] of widths.entries()) {
    x = residualStage(scope, x, i + 1, layers[i]!);
    x = mfmConv(scope.at(`conv${i + 2}`), x, width, 3);
    if (i !== 2) x = largestAndMean(x);
  }
  return x;
}

/** x (N, C, H, W) -> the same shape: `depth` times, what two convolutions make of it is added. */
function residualStage(scope: Scope, x: Tensor, stage: number, depth: number): Tensor {
  const name = `block${stage}`;
  let sum = x;
  for (let i = 0; i < depth; i++) {
    const block = scope.at(name, i);
    const width = channelsOf(sum);
    sum = block.run(() => add(mfmConv(block.at("conv2"), mfmConv(block.at("conv1"), sum, width, 3), width, 3), sum));
  }
  return named(scope, name, sum);
}

/** x (N, in, H, W) -> (N, channels, H, W): every pixel by itself, then with its neighbours. */
function group(scope: Scope, x: Tensor, channels: number): Tensor {
  return mfmConv(scope.at("conv"), mfmConv(scope.at("conv_a"), x, channelsOf(x), 1), channels, 3);
}

/** x (N, in, H, W) -> (N, channels, H, W): the larger one of every two channels. */
function mfmConv(scope: Scope, x: Tensor, channels: number, kernel: number): Tensor {
  const start = torchDefault(channelsOf(x) * kernel ** 2);
  const options = { bias: true, weightInit: start, biasInit: start };
  return maxFeatureMap(conv2d(scope.at("filter"), x, 2 * channels, kernel, options));
}

/** (N, 2 C, …) -> (N, C, …): each channel of the first half, or where it is larger, that of the second half. */
function maxFeatureMap(x: Tensor): Tensor {
  const half = (x.shape[1] as number) / 2;
  const [first, second] = split(x, 1, [half, half]);
  return maximum(first!, second!);
}

/** map (N, C, h, w), in this order -> (N, feat_dim) */
function embed(scope: Scope, map: Tensor, { model, feat_dim }: LightcnnConfig): Tensor {
  const [n, channels, height, width] = map.shape as [Tensor["shape"][number], number, number, number];
  const flat = reshape(map, [n, channels * height * width]);
  if (model === "LightCNN-29v2" || model === "LightCNN-V4") return torchLinear(scope.at("fc"), flat, feat_dim);
  const layer = scope.at(model === "LightCNN-9" ? "fc1" : "fc", "filter");
  return maxFeatureMap(torchLinear(layer, flat, 2 * feat_dim));
}

/** features (N, feat_dim) -> (N, num_classes) */
function identities(scope: Scope, features: Tensor, { model, num_classes }: LightcnnConfig): Tensor {
  const start = torchDefault(fixedWidth(features));
  const bias = model === "LightCNN-9" || model === "LightCNN-29";
  return linear(scope, features, num_classes, { bias, weightInit: start, biasInit: start });
}

const SQUARES = [[2, 2], { strides: [2, 2] }] as const;

/** x (N, C, H, W) -> (N, C, H/2, W/2) */
const largest = (x: Tensor) => maxPool(x, ...SQUARES);
const largestAndMean = (x: Tensor) => add(largest(x), averagePool(x, ...SQUARES));

function named(scope: Scope, layer: string, x: Tensor): Tensor {
  scope.layer(layer, x);
  return x;
}
