// Terminator (Zhang, "HyperZ.Z.W Operator Connects Slow-Fast Networks for Full Context Interaction", arXiv 2401.17948): slow nets make kernels as large as the map, which are
// multiplied with it and then, as matrices, with what fast layers make of it; so every cell meets every other one in every block, without attention and without residual
// connections. Written after a description: the authors have withdrawn their code, which stated no licence, and released no weights. What the description leaves open is
// this project's reading (docs/models.md).
import {
  add,
  concat,
  conv,
  expand,
  gelu,
  matMul,
  mul,
  reduceMean,
  reduceSum,
  scalar,
  sigmoid,
} from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { torchDefault, torchLinear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { blockChannels, COLOURS, type TerminatorConfig } from "./config.ts";
import { channelKernel, globalKernel, HIDDEN, localKernel } from "./slow-nets.ts";
import { byPicture, inGroups, overBatch } from "./standardise.ts";

/** image (N, 3, size, size) -> logits (N, num_classes) and features (N, channels of the last block). */
export function terminator(
  scope: Scope,
  image: Tensor,
  config: TerminatorConfig,
  mode: Mode,
): { readonly logits: Tensor; readonly features: Tensor } {
  const kernels = globalKernels(scope, config);
  const outputs: Tensor[] = [];
  let x = image;
  kernels.forEach((kernel, i) => {
    const reads = config.previous[i]!;
    const skipped = outputs.slice(0, -1).slice(outputs.length - 1 - reads); // the latest of those before x
    const mixed = block(scope.at("b", i), { x, kernel, skipped }, config, blockChannels(config)[i]!);
    const offset = scope.at("bias").parameter(`${i}`, [1], { kind: "zeros" });
    const active = gelu(add(inGroups(mixed, config.gibs_groups), offset));
    scope.layer(`block.${i + 1}`, active);
    x = dropChannels(active, config.drop_rate, mode);
    outputs.push(x);
  });
  const features = reduceMean(x, [2, 3]); // (N, channels)
  return { logits: torchLinear(scope.at("out"), features, config.num_classes), features };
}

/** The kernel of each block that is as large as the map, (1, channels, size, size): no picture changes it. */
export function globalKernels(scope: Scope, config: TerminatorConfig): Tensor[] {
  const entering = [COLOURS, ...blockChannels(config)];
  return config.global_layers.map((layers, i) =>
    globalKernel(scope.at("b", i, "G"), config.size, entering[i]!, layers),
  );
}

/** What enters a block, (N, C, size, size), the kernel of that shape, and outputs of earlier blocks, of fewer channels. */
interface BlockInputs {
  readonly x: Tensor;
  readonly kernel: Tensor;
  readonly skipped: readonly Tensor[];
}

/** -> (N, channels, size, size), not standardised: ten branches and what was skipped, side by side, through a convolution of one cell. */
function block(scope: Scope, inputs: BlockInputs, { local_kernels }: TerminatorConfig, channels: number): Tensor {
  const { x, kernel, skipped } = inputs;
  const own = channelsOf(x);
  return scope.run(() => {
    const seen = mul(x, kernel); // the kernel, as this picture changes it
    const meet = (fast: Tensor) => matMul(seen, byPicture(fast)); // each channel's map as a matrix
    const gated = meet(add(recursiveGate(scope.at("r1"), seen), recursiveGate(scope.at("r2"), x)));
    const mixed = meet(pointwise(scope.at("mlp"), x, own));
    const chosen = meet(amongChannels(scope.at("hci"), x));
    const locals = local_kernels.map((side, i) => local(scope, x, side, i));
    const [first = [], second = []] = [locals.slice(0, locals.length / 2), locals.slice(locals.length / 2)];
    const branches = [
      gated,
      ...first,
      mixed,
      mul(gated, sigmoid(mixed)),
      ...second,
      chosen,
      interaction(scope.at("hi"), x),
      x,
    ];
    const repeated = skipped.map((map) => repeatChannels(map, own));
    return pointwise(scope.at("bott"), concat([...branches, ...repeated], 1), channels);
  });
}

/** A product of two maps, a map of which is made once more ("RGU"): z (N, C, H, W) -> the same shape. */
function recursiveGate(scope: Scope, z: Tensor): Tensor {
  const channels = channelsOf(z);
  const offset = scope.parameter("b", [1, 1, ...(z.shape.slice(2) as number[])], { kind: "zeros" });
  const layer = (name: string, map: Tensor) => pointwise(scope.at(name), map, channels);
  const product = add(mul(layer("k", z), layer("q", z)), offset);
  return layer("y", gelu(layer("v", product)));
}

/** Each cell as far as its channels together ask for it: x (N, C, H, W) -> the same shape. */
function amongChannels(scope: Scope, x: Tensor): Tensor {
  const kernel = channelKernel(scope.at("g"), channelsOf(x), HIDDEN.channel);
  return mul(x, sigmoid(reduceSum(mul(x, kernel), [1], { keepDims: true })));
}

/** Each value as far as a kernel of the channels and one of the places together let it: x (N, C, H, W) -> the same shape. */
function interaction(scope: Scope, x: Tensor): Tensor {
  const channels = channelKernel(scope.at("g"), channelsOf(x), HIDDEN.gate); // (1, C, 1, 1)
  const places = globalKernel(scope.at("s"), x.shape[2] as number, 1); // (1, 1, H, W)
  return mul(x, sigmoid(mul(mul(x, channels), places)));
}

/** What a depth-wise kernel finds that the batch itself has changed: x (N, C, H, W) -> the same shape. */
function local(scope: Scope, x: Tensor, side: number, i: number): Tensor {
  const channels = channelsOf(x);
  const kernel = localKernel(scope.at("L", i), x, side); // (C, 1, side, side)
  const before = Math.floor((side - 1) / 2);
  const found = conv(x, kernel, undefined, {
    padsBefore: [before, before],
    padsAfter: [side - 1 - before, side - 1 - before],
    groups: channels,
  });
  const offset = scope.at("bias").parameter(`${i}`, [1], { kind: "zeros" });
  return gelu(add(overBatch(pointwise(scope.at("C", i, "channel_mixer"), found, channels)), offset));
}

/** map (N, c, H, W) -> (N, channels, H, W): all its channels, again and again. */
function repeatChannels(map: Tensor, channels: number): Tensor {
  const copies = channels / channelsOf(map);
  return copies === 1
    ? map
    : concat(
        Array.from({ length: copies }, () => map),
        1,
      );
}

/** A convolution of one cell, with a bias, started as PyTorch does. */
function pointwise(scope: Scope, x: Tensor, channels: number): Tensor {
  const start = torchDefault(channelsOf(x));
  return conv2d(scope, x, channels, 1, { bias: true, weightInit: start, biasInit: start });
}

/** In training, whole channels of pictures are zeroed, and the others scaled up. */
function dropChannels(x: Tensor, rate: number, mode: Mode): Tensor {
  if (!mode.training || rate === 0) return x;
  const [n, channels] = x.shape as [Dim, number];
  return mul(x, mode.dropout(expand(scalar(x.graph, 1), [n, channels, 1, 1]), rate));
}
