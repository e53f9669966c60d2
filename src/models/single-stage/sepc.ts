// Scale-equalizing pyramid convolution (Wang et al., CVPR 2020): convolutions over the pyramid's levels too, and then one map for classes and one for boxes.
// Reproduces jshilong/SEPC, sepc/self_mmdet/models/necks/sepc.py and ops/dcn/sepc_dconv.py.
import { add, concat, relu, reshape, resize, slice } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { batchNorm } from "../../nn/batch-norm.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { deformConv2d } from "../../nn/deform-conv.ts";
import { fixedDim } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import type { SepcConfig } from "./config.ts";
import { HEAD_START } from "./conv-module.ts";

/** Maps of every level: what heads read classes from, and what they read boxes from. */
export interface TaskMaps {
  readonly classes: readonly Tensor[];
  readonly boxes: readonly Tensor[];
}

/** maps (N, C, h, w) of a pyramid, the finest first -> maps of the same sizes, less two cells each way where `padding` is 0. */
export function sepc(scope: Scope, maps: readonly Tensor[], config: SepcConfig, mode: Mode): TaskMaps {
  const { Pconv_num, lcconv_deform, iBN, padding } = config;
  return scope.run(() => {
    let x = maps;
    for (let i = 0; i < Pconv_num; i++) x = pyramidConvolution(scope.at("Pconvs", i), x, config, mode);
    x.forEach((map, level) => {
      scope.layer(`pyramid.${level}`, map);
    });
    const ofTask = (name: "c" | "l") => {
      const convolved = x.map((map, level) =>
        levelConv(scope.at(`${name}conv`), map, level, { padding, deforms: lcconv_deform }),
      );
      return (iBN ? normOfAll(scope.at(`${name}bn`), convolved, mode) : convolved).map(relu);
    };
    return { classes: ofTask("c"), boxes: ofTask("l") };
  });
}

/** Each level from itself, from the finer one before it and from the coarser one behind it: three kernels, the same at all levels. */
function pyramidConvolution(scope: Scope, maps: readonly Tensor[], config: SepcConfig, mode: Mode): readonly Tensor[] {
  const kernels = scope.at("Pconv");
  const deforms = config.pconv_deform;
  const next = maps.map((map, level) => {
    let sum = levelConv(kernels.at(1), map, level, { deforms });
    const finer = maps[level - 1];
    if (finer !== undefined) sum = add(sum, levelConv(kernels.at(2), finer, level, { stride: 2, deforms }));
    const coarser = maps[level + 1];
    if (coarser === undefined) return sum;
    const size = [fixedDim(sum, 2), fixedDim(sum, 3)];
    return add(sum, resize(levelConv(kernels.at(0), coarser, level, { deforms }), size, "linear", true));
  });
  const normal = config.iBN ? normOfAll(scope.at("bn"), next, mode) : next;
  return normal.map(relu);
}

const KERNEL = 3;

interface LevelConvOptions {
  readonly stride?: number;
  /** Default 1. */
  readonly padding?: number;
  /** Whether the kernel's places move at all levels of the output but the first. */
  readonly deforms: boolean;
}

/** A 3 x 3 convolution whose weights all levels share. `level`: that of the output. */
function levelConv(scope: Scope, map: Tensor, level: number, options: LevelConvOptions): Tensor {
  const { stride = 1, padding = 1, deforms } = options;
  const channels = channelsOf(map);
  const place = { stride, padding, bias: true };
  if (!deforms || level === 0) return conv2d(scope, map, channels, KERNEL, { ...place, weightInit: HEAD_START });
  return scope.run(() => {
    const zeros = { kind: "zeros" } as const;
    const moves = conv2d(scope.at("conv_offset"), map, 2 * KERNEL ** 2, KERNEL, { ...place, weightInit: zeros });
    const weight = scope.parameter("weight", [channels, channels, KERNEL, KERNEL], HEAD_START);
    const bias = scope.parameter("bias", [channels], zeros);
    return deformConv2d(map, moves, weight, bias, { strides: [stride, stride], padding: [padding, padding] });
  });
}

/** Batch normalisation of all levels' places together: maps (N, C, h, w) -> the same shapes. */
function normOfAll(scope: Scope, maps: readonly Tensor[], mode: Mode): Tensor[] {
  const flat = maps.map((map) => {
    const [n, channels, height, width] = map.shape as [string, number, number, number];
    return reshape(map, [n, channels, 1, height * width]);
  });
  const normal = batchNorm(scope, concat(flat, 3), mode); // (N, C, 1, places)
  let start = 0;
  return maps.map((map, i) => {
    const from = start;
    start += fixedDim(flat[i]!, 3);
    return reshape(slice(normal, 3, from, start), map.shape);
  });
}
