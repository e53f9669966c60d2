// Terminator (Zhang, "HyperZ.Z.W Operator Connects Slow-Fast Networks for Full Context Interaction", arXiv 2401.17948): slow nets make kernels as large as the map, which are
// multiplied with it and then, as matrices, with what fast layers make of it; so every cell meets every other one in every block, without attention and without residual
// connections. The authors have withdrawn their code (hyperevolnet/Terminator, which stated no licence) and released no weights: this is written after what it computed, with
// names of this project's own.
import { add, concat, conv, expand, gelu, matMul, mul, reduceMean, scalar, sigmoid } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Initializer } from "../../graph/initializers.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { torchLinear } from "../../nn/linear.ts";
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
    const skipped = outputs.slice(0, -1).toReversed().slice(0, config.previous[i]);
    const mixed = block(scope.at("b", i), { x, kernel, skipped }, config, blockChannels(config)[i]!);
    const offset = scope.at("bias").parameter(`${i}`, [1], { kind: "zeros" });
    const active = add(gelu(inGroups(mixed, config.gibs_groups)), offset);
    scope.layer(`bottleneck.${i + 1}`, mixed);
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

/** What enters a block, (N, C, size, size), the kernel of that shape, and outputs of earlier blocks, of fewer channels, the latest first. */
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
    const fast = byPicture(add(recursiveGate(scope.at("r2"), seen), recursiveGate(scope.at("r1"), x)));
    const mixed = byPicture(pointwise(scope.at("mlp"), x, own));
    const chosen = byPicture(amongChannels(scope.at("hci"), x));
    const met = matMul(seen, fast); // each channel's map as a matrix: every cell meets every other one
    // A kernel is made from the one map and goes over the other.
    const between: readonly (readonly [from: Tensor, over: Tensor])[] = [
      [x, chosen],
      [chosen, x],
      [mixed, x],
      [x, mixed],
    ];
    const locals = between.map(([from, over], i) => local(scope, { from, over, side: local_kernels[i]!, i }));
    const [previous, earlier] = skipped.map((map) => repeatChannels(map, own));
    const branches = [
      met,
      locals[1],
      previous,
      fast,
      matMul(seen, mixed),
      locals[0],
      mul(sigmoid(met), met),
      locals[2],
      matMul(seen, chosen),
      locals[3],
      earlier,
      interaction(scope.at("hi"), met, x),
    ].filter((branch) => branch !== undefined);
    return pointwise(scope.at("bott"), concat(branches, 1), channels);
  });
}

/** A linear unit gated by itself once more ("RGU"): x (N, C, H, W) -> the same shape. */
function recursiveGate(scope: Scope, x: Tensor): Tensor {
  const channels = channelsOf(x);
  const offset = scope.parameter("b", [1, 1, ...(x.shape.slice(2) as number[])], { kind: "zeros" });
  const layer = (name: string, map: Tensor) => pointwise(scope.at(name), map, channels, true);
  const product = mul(layer("k", x), layer("q", layer("v", x)));
  return layer("y", add(gelu(byPicture(product)), offset));
}

/** Channels as far as a kernel lets their means: x (N, C, H, W) -> the same shape. */
function amongChannels(scope: Scope, x: Tensor): Tensor {
  return mul(x, sigmoid(channelScore(scope.at("g"), x, HIDDEN.channel)));
}

/** Values of x as far as a kernel of the channels and one of the places let the means of `met`: both (N, C, H, W) -> the same shape. */
function interaction(scope: Scope, met: Tensor, x: Tensor): Tensor {
  const channels = channelScore(scope.at("g"), met, HIDDEN.gate); // (N, C, 1, 1)
  const kernel = globalKernel(scope.at("s"), x.shape[2] as number, 1); // (1, 1, H, W)
  const mean = reduceMean(met, [1], { keepDims: true }); // (N, 1, H, W)
  return mul(x, sigmoid(mul(mul(mul(mean, kernel), mean), channels)));
}

/** x (N, C, H, W) -> (N, C, 1, 1): each channel's mean twice, times a kernel over the channels. */
function channelScore(scope: Scope, x: Tensor, hidden: number): Tensor {
  const mean = reduceMean(x, [2, 3], { keepDims: true });
  return mul(mul(mean, channelKernel(scope, channelsOf(x), hidden)), mean);
}

/** Both (N, C, H, W): a kernel is made `from` the one and goes `over` the other. */
interface LocalInputs {
  readonly from: Tensor;
  readonly over: Tensor;
  readonly side: number;
  readonly i: number;
}

/** What a depth-wise kernel finds that the batch itself has changed: (N, C, H, W). */
function local(scope: Scope, { from, over, side, i }: LocalInputs): Tensor {
  const channels = channelsOf(over);
  const kernel = localKernel(scope.at("L", i), from, side); // (C, 1, side, side)
  const around = (side - 1) / 2;
  const found = conv(over, kernel, undefined, {
    padsBefore: [around, around],
    padsAfter: [around, around],
    groups: channels,
  });
  const offset = scope.at("bias").parameter(`${i}`, [1], { kind: "zeros" });
  return add(gelu(overBatch(pointwise(scope.at("C", i, "channel_mixer"), found, channels))), offset);
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

/** A convolution of one cell with a bias. Starts as what feeds a rectifier, or (`isGate`) as what is multiplied. */
function pointwise(scope: Scope, x: Tensor, channels: number, isGate = false): Tensor {
  const width = channelsOf(x);
  const bound = (3 / width) ** 0.5;
  const weightInit: Initializer = isGate
    ? { kind: "uniform", low: -bound, high: bound }
    : { kind: "normal", std: (2 / width) ** 0.5 };
  return conv2d(scope, x, channels, 1, { bias: true, weightInit, biasInit: { kind: "zeros" } });
}

/** In training, whole channels of pictures are zeroed, and the others scaled up. */
function dropChannels(x: Tensor, rate: number, mode: Mode): Tensor {
  if (!mode.training || rate === 0) return x;
  const [n, channels] = x.shape as [Dim, number];
  return mul(x, mode.dropout(expand(scalar(x.graph, 1), [n, channels, 1, 1]), rate));
}
