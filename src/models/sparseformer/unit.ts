// One unit: a list of steps (attend, adjust regions, sample and mix, perceptron, encode positions), run once or several times with the
// same weights. Official: modeling.py SFUnit.
import { add, gelu, quickGelu, reshape, slice } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { selfAttention } from "../../nn/attention.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedWidth, linear } from "../../nn/linear.ts";
import { mlp } from "../../nn/mlp.ts";
import type { Mode } from "../../nn/mode.ts";
import type { SparseformerConfig, UnitOp } from "./config.ts";
import type { Features } from "./features.ts";
import { adaptiveMixing } from "./mixing.ts";
import { adjustRegions, encodeRegions, type Regions } from "./regions.ts";
import { placePoints } from "./sampling.ts";

/** What flows from unit to unit. */
export interface TokenState {
  /** (n, tokens, width); n is 1 until the first look at the picture. */
  readonly tokens: Tensor;
  readonly regions: Regions;
}

/** One look: the regions and points that a sampling step used. */
export interface Glimpse {
  readonly regions: Regions;
  /** (n, tokens, axes, points) */
  readonly points: Tensor;
}

export interface UnitOptions {
  readonly ops: readonly UnitOp[];
  readonly repeats: number;
  /** One rate a repeat. */
  readonly dropPath: readonly number[];
  readonly config: SparseformerConfig;
  readonly mode: Mode;
}

export function unit(
  scope: Scope,
  features: Features,
  start: TokenState,
  options: UnitOptions,
): { state: TokenState; glimpses: Glimpse[] } {
  const { config, repeats } = options;
  const glimpses: Glimpse[] = [];
  let state = start;
  for (let repeat = 0; repeat < repeats; repeat++) {
    if (config.compatible_config.use_stage_embedding && repeats > 1) {
      const width = fixedWidth(state.tokens);
      const embedding = scope.at("stage_embedding").parameter("weight", [repeats, width], { kind: "normal", std: 1 });
      state = { ...state, tokens: add(state.tokens, reshape(slice(embedding, 0, repeat, repeat + 1), [1, 1, width])) };
    }
    for (const op of options.ops) state = STEPS[op](scope, features, state, options, repeat, glimpses);
  }
  return { state, glimpses };
}

type Step = (
  scope: Scope,
  features: Features,
  state: TokenState,
  options: UnitOptions,
  repeat: number,
  glimpses: Glimpse[],
) => TokenState;

const STEPS: Readonly<Record<UnitOp, Step>> = {
  ATTN: (scope, features, state, options, repeat) => {
    const normal = layerNorm(scope.at("norm1"), state.tokens, options.config.compatible_config.ln_eps);
    const width = fixedWidth(normal);
    return residual(
      state,
      selfAttention(scope.at("attn"), normal, headCount(width, options.config), {
        tokensFirst: !options.mode.fewKernels,
      }),
      features,
      options,
      repeat,
    );
  },
  MLP: (scope, features, state, options, repeat) => {
    const normal = layerNorm(scope.at("norm2"), state.tokens, options.config.compatible_config.ln_eps);
    // CLIP's activation belongs to the pre-trained blocks, the ones that are not repeated.
    const activation = options.repeats === 1 && options.config.compatible_config.clip_quick_gelu ? quickGelu : gelu;
    return residual(state, mlp(scope.at("mlp"), normal, { activation }), features, options, repeat);
  },
  SAMPLING_M: (scope, features, state, options, repeat, glimpses) => {
    const points = placePoints(scope, state.tokens, state.regions, options.config);
    glimpses.push({ regions: state.regions, points });
    const sampled = features.sample(points);
    return residual(
      state,
      adaptiveMixing(scope.at("adaptive_mixing"), sampled, state.tokens, options.config),
      features,
      options,
      repeat,
    );
  },
  ROI_ADJ: (scope, features, state, options, repeat) => {
    const { config, mode } = options;
    const axes = state.regions.centre.shape[2] as number;
    const width = fixedWidth(state.tokens);
    const adjust = scope.at("roi_adjust_module");
    const normal = layerNorm(adjust.at(0), state.tokens, config.compatible_config.ln_eps, {
      kind: "constant",
      value: width ** -0.5,
    });
    const single = config.compatible_config.type_op_adjust === 1;
    const last = { bias: false, weightInit: { kind: "zeros" } } as const;
    let adjustment = single
      ? linear(adjust.at(1), normal, 2 * axes, last)
      : linear(adjust.at(3), gelu(linear(adjust.at(1), normal, width)), 2 * axes, last);
    if (single) adjustment = mode.dropPath(scope.graph, adjustment, options.dropPath[repeat] ?? 0, features.batch);
    return { ...state, regions: adjustRegions(state.regions, adjustment) };
  },
  PE_INJECT: (scope, _features, state, options) => {
    const width = fixedWidth(state.tokens);
    const transition = scope.at("pe_transition");
    const normal = layerNorm(
      transition.at(0),
      encodeRegions(state.regions, width),
      options.config.compatible_config.ln_eps,
    );
    return { ...state, tokens: add(state.tokens, linear(transition.at(1), normal, width)) };
  },
};

/** tokens + update, the update dropped at random in training. */
function residual(
  state: TokenState,
  update: Tensor,
  features: Features,
  options: UnitOptions,
  repeat: number,
): TokenState {
  const batch: Dim = features.batch;
  const kept = options.mode.dropPath(features.graph, update, options.dropPath[repeat] ?? 0, batch);
  return { ...state, tokens: add(state.tokens, kept) };
}

function headCount(width: number, config: SparseformerConfig): number {
  if (config.attn_head_dim !== undefined) return Math.max(1, Math.floor(width / config.attn_head_dim));
  return config.compatible_config.type_num_attn_heads === 1 ? Math.min(64, width) : Math.max(1, Math.floor(width / 64));
}
