// Adaptive mixing: each token generates two matrices and mixes what it sampled, over channels and then over points.
// Official: modeling.py AdaptiveMixing.
import { add, gelu, matMul, reshape, slice } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { affine, fixedWidth, linear } from "../../nn/linear.ts";
import type { SparseformerConfig } from "./config.ts";

/** sampled (batch, tokens, P, C), tokens (n, tokens, width) -> (batch, tokens, width). */
export function adaptiveMixing(scope: Scope, sampled: Tensor, tokens: Tensor, config: SparseformerConfig): Tensor {
  const [batch, count, points, channels] = sampled.shape as [Dim, Dim, number, number];
  const n = tokens.shape[0]!;
  const width = fixedWidth(tokens);
  const { mixing_bias: biased, min_out_points: minOutPoints } = config.compatible_config;
  const outPoints = Math.max(points, minOutPoints);
  return scope.run(() => {
    const { channelMatrix, pointMatrix } = generateMatrices(scope, tokens, points, outPoints, config);
    const perChannel = reshape(channelMatrix, [n, count, channels, channels]);
    const perPoint = reshape(pointMatrix, [n, count, outPoints, points]);
    let mixed = matMul(sampled, perChannel); // (batch, tokens, P, C)
    if (biased) mixed = gelu(add(mixed, scope.parameter("m_beta", [channels], { kind: "zeros" })));
    mixed = matMul(perPoint, mixed); // (batch, tokens, outPoints, C)
    if (biased) mixed = add(mixed, reshape(scope.parameter("s_beta", [outPoints], { kind: "zeros" }), [outPoints, 1]));
    const flat = reshape(gelu(mixed), [batch, count, outPoints * channels]);
    return linear(scope.at("out_proj"), flat, width);
  });
}

/** The two matrices, flat: (n, tokens, C * C) and (n, tokens, outPoints * P). Two products, because splitting one large result costs a copy. */
function generateMatrices(scope: Scope, tokens: Tensor, points: number, outPoints: number, config: SparseformerConfig) {
  const channels = config.conv_dim;
  const width = fixedWidth(tokens);
  const { pg_inner_dim: inner, first_release_numerics: firstRelease } = config.compatible_config;
  // The library's generator keeps PyTorch's default epsilon whatever ln_eps says; the first release used its own everywhere.
  const epsilon = firstRelease ? config.compatible_config.ln_eps : 1e-5;
  // Python tells 0.25 (a fraction) from 128 (channels) by type; here by size.
  const innerWidth = inner < 1 ? Math.floor(inner * width) : Math.floor(inner);
  const generator = scope.at("parameter_generator");
  const normal = layerNorm(generator.at(0), tokens, epsilon, { kind: "constant", value: width ** -0.5 });
  const hidden = linear(generator.at(1), normal, innerWidth);
  const sizes = [channels * channels, outPoints * points] as const;
  const total = sizes[0] + sizes[1];
  const last = generator.at(2);
  const weight = last.parameter("weight", [total, innerWidth], { kind: "zeros" });
  const bias = last.parameter("bias", [total], {
    kind: "xavierUniformBlocks",
    blocks: [
      [channels, channels],
      [points, outPoints],
    ],
  });
  const rows = (start: number, end: number) => affine(hidden, slice(weight, 0, start, end), slice(bias, 0, start, end));
  return { channelMatrix: rows(0, sizes[0]), pointMatrix: rows(sizes[0], total) };
}
