// What SparK fills in and decodes with: hidden places of the encoder's maps become learnt tokens, and a small network of five blocks makes a picture of
// them. From keyu-tian/SparK (MIT), pretrain/spark.py and decoder.py, with its names. It is there for pre-training alone.
import { add, convTranspose, greater, relu6, transpose, where } from "../../../graph/build.ts";
import type { Scope } from "../../../graph/scope.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { batchNorm } from "../../../nn/batch-norm.ts";
import { channelsOf, conv2d } from "../../../nn/conv.ts";
import { layerNorm } from "../../../nn/layer-norm.ts";
import { TRUNCATED_NORMAL_002, torchDefault } from "../../../nn/linear.ts";
import type { Mode } from "../../../nn/mode.ts";
import { overMap } from "../../../nn/visible.ts";

export interface DecoderOptions {
  /** Channels of the smallest map; every larger one has half as many. */
  readonly width: number;
  /** How maps are normalised before they are filled in: as the encoder's own layers do. */
  readonly norm: "batch" | "layer";
  /** Blocks, each of which doubles the side: log2 of a patch's. */
  readonly blocks: number;
}

const LAYER_NORM_EPSILON = 1e-6;

/**
 * The encoder's maps with learnt tokens at hidden places, in the decoder's widths.
 *
 * @param maps as `visibleMaps` gives them: the smallest first
 * @param visible (N, 1, rows, columns), 1 or 0
 */
export function densified(
  scope: Scope,
  maps: readonly (Tensor | undefined)[],
  visible: Tensor,
  mode: Mode,
  { width, norm }: Pick<DecoderOptions, "width" | "norm">,
): (Tensor | undefined)[] {
  return maps.map((map, i) => {
    if (map === undefined) return undefined;
    const channels = channelsOf(map);
    const token = scope.at("mask_tokens").parameter(`${i}`, [1, channels, 1, 1], TRUNCATED_NORMAL_002);
    // Statistics of what the encoder saw: as in the encoder.
    const at = scope.at("densify_norms", i).seeingOnly(visible);
    const normal = norm === "batch" ? batchNorm(at, map, mode) : channelNorm(at, map);
    const filled = where(greater(overMap(visible, map), 0.5), normal, token); // (N, C, h, w)
    const own = Math.floor(width / 2 ** i);
    if (i === 0 && channels === own) return filled;
    const kernel = i === 0 ? 1 : 3;
    const start = torchDefault(channels * kernel * kernel);
    return conv2d(scope.at("densify_projs", i), filled, own, kernel, {
      bias: true,
      weightInit: start,
      biasInit: start,
    });
  });
}

/** x (N, C, H, W), normalised over its channels at each place. */
function channelNorm(scope: Scope, x: Tensor): Tensor {
  return transpose(layerNorm(scope, transpose(x, [0, 2, 3, 1]), LAYER_NORM_EPSILON), [0, 3, 1, 2]);
}

/** What the decoder makes of dense maps, the smallest first: a picture (N, 3, H, W). */
export function decoded(
  scope: Scope,
  maps: readonly (Tensor | undefined)[],
  mode: Mode,
  { width, blocks }: Pick<DecoderOptions, "width" | "blocks">,
): Tensor {
  let x = maps[0]!;
  for (let i = 0; i < blocks; i++) {
    const map = maps[i];
    if (i > 0 && map !== undefined) x = add(x, map);
    x = doubled(scope.at("dec", i), x, Math.floor(width / 2 ** (i + 1)), mode);
  }
  return conv2d(scope.at("proj"), x, 3, 1, { bias: true, weightInit: TRUNCATED_NORMAL_002 });
}

/** x (N, C, H, W) -> (N, channels, 2 H, 2 W) */
function doubled(scope: Scope, x: Tensor, channels: number, mode: Mode): Tensor {
  const inner = channelsOf(x);
  const up = scope.at("up_sample");
  const larger = up.run(() => {
    const weight = up.parameter("weight", [inner, inner, 4, 4], { kind: "kaimingNormalFanOut" });
    const bias = up.parameter("bias", [inner], { kind: "zeros" });
    return convTranspose(x, weight, bias, { strides: [2, 2], padding: [1, 1] });
  });
  const convolved = (at: number, y: Tensor, width: number) =>
    batchNorm(
      scope.at("conv", at + 1),
      conv2d(scope.at("conv", at), y, width, 3, { weightInit: TRUNCATED_NORMAL_002 }),
      mode,
    );
  return convolved(3, relu6(convolved(0, larger, inner)), channels);
}
