// SparseFormer (Gao et al., ICLR 2024; bootstrapped and CLIP variants, CVPR 2024; the video model): an image becomes a few latent tokens,
// each with a region of interest; cost hardly depends on resolution. Reproduces showlab/sparseformer, sparseformer/sparseformer/modeling.py
// and media.py. Read top to bottom: stem, tokens and regions, units, head.
import { concat, expand, reduceMean, reshape, slice, transpose } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { linear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import type { Pixels } from "../pixels.ts";
import type { SparseformerConfig } from "./config.ts";
import { type Features, readFeatures } from "./features.ts";
import { type Axes, cornersOfRegions, initialRegions, regionsFromCorners } from "./regions.ts";
import { type Glimpse, type TokenState, unit } from "./unit.ts";

/** What SparseFormer computes. All are computed only when a session asks for them. */
export interface SparseformerOutputs {
  /** (batch, proj_dim): class logits, or a CLIP image embedding. */
  readonly logits: Tensor;
  /** (batch, width): the pooled token after the final norm. */
  readonly features: Tensor;
  /** (batch, tokens, width), after the final norm. */
  readonly tokenEmbedding: Tensor;
  /** (batch, tokens, 2 axes): x1, y1[, t1], x2, y2[, t2] in 0..1 of the input. */
  readonly tokenRoi: Tensor;
  /** Regions after each unit, as `tokenRoi`. */
  readonly hiddenRois: readonly Tensor[];
  /** One early answer for each of `exit_layers`, in their order: (batch, proj_dim). */
  readonly exits: readonly Tensor[];
  /** Every look at the picture, in order: regions (batch, tokens, 2 axes) and points (batch, tokens, points, axes). */
  readonly gaze: readonly { readonly regions: Tensor; readonly points: Tensor }[];
}

/** picture: (batch, 3, H, W) or pixels, or (batch, 3, T, H, W) for the video model with `replicates` copies of the tokens along time. */
export function sparseformer(
  scope: Scope,
  picture: Tensor | Pixels,
  config: SparseformerConfig,
  mode: Mode,
  replicates = 1,
): SparseformerOutputs {
  const axes: Axes = "bytes" in picture || picture.shape.length === 4 ? 2 : 3;
  const features = readFeatures(scope.at("feat_extractor"), picture, config, mode);
  const { batch } = features;

  const start = initialState(scope, config, axes, replicates);
  const { state, hiddenRois, glimpses, exits } = runUnits(scope, features, start, config, mode);
  return {
    ...head(scope, state, batch, config),
    tokenRoi: hiddenRois.at(-1)!,
    hiddenRois,
    exits,
    gaze: glimpses.map((g) => gazeOf(g, batch)),
  };
}

/** What units `from` to `to` (not included) of the stack make of the tokens. Default: all. */
export function runUnits(
  scope: Scope,
  features: Features,
  start: TokenState,
  config: SparseformerConfig,
  mode: Mode,
  { from = 0, to = config.width_configs.length }: { readonly from?: number; readonly to?: number } = {},
) {
  let state = start;
  const hiddenRois: Tensor[] = [];
  const glimpses: Glimpse[] = [];
  const exits: Tensor[] = [];
  for (const { unit: i, width, transitionLayer, unitLayer, dropPath } of unitPlaces(config).slice(from, to)) {
    if (transitionLayer !== undefined)
      state = { ...state, tokens: transition(scope.at("layers", transitionLayer), state.tokens, width, config) };
    if (i === config.cls_token_insert_layer) state = insertClassToken(scope, state, config);
    const ops = config.ops_list[i]!;
    const options = { ops, repeats: config.repeats[i]!, dropPath, config, mode };
    const result = unit(scope.at("layers", unitLayer), features, state, options);
    state = result.state;
    glimpses.push(...result.glimpses);
    const { tokens } = result.state;
    scope.layer(`unit.${i + 1}`, () => perPicture(tokens, features.batch));
    hiddenRois.push(perPicture(cornersOfRegions(state.regions), features.batch));
    const exitIndex = config.exit_layers.indexOf(i);
    if (exitIndex >= 0) exits.push(exit(scope.at("exits", exitIndex), state.tokens, config));
  }
  return { state, hiddenRois, glimpses, exits };
}

/** Where a unit's weights are: transitions and units share the official ModuleList `layers`. */
interface UnitPlace {
  readonly unit: number;
  readonly width: number;
  /** Of the transition before it; undefined where the width stays. */
  readonly transitionLayer: number | undefined;
  readonly unitLayer: number;
  /** One rate a repeat. */
  readonly dropPath: readonly number[];
}

function unitPlaces(config: SparseformerConfig): UnitPlace[] {
  const rates = dropPathRates(config);
  let layer = 0;
  let repeatsDone = 0;
  return config.width_configs.map((width, i) => {
    const transitionLayer = i > 0 && width !== config.width_configs[i - 1] ? layer++ : undefined;
    const dropPath = rates.slice(repeatsDone, repeatsDone + config.repeats[i]!);
    repeatsDone += dropPath.length;
    return { unit: i, width, transitionLayer, unitLayer: layer++, dropPath };
  });
}

/** The learned tokens and regions that every picture begins with (leading size 1). @param regions to begin learning with; default: the official ones */
export function initialState(
  scope: Scope,
  config: SparseformerConfig,
  axes: Axes,
  replicates: number,
  regions?: Float32Array,
): TokenState {
  const tokens = config.num_latent_tokens * replicates;
  const width = config.width_configs[0]!;
  const roi = scope
    .at("initial_roi")
    .parameter(
      "weight",
      [tokens, 2 * axes],
      regions === undefined
        ? initialRegions(config.num_latent_tokens, axes, replicates)
        : { kind: "values", values: regions },
    );
  const rows = config.same_token_embedding ? 1 : tokens;
  const embedding = scope
    .at("initial_embedding")
    .parameter("weight", [rows, width], { kind: "truncatedNormal", std: 1 });
  return {
    tokens: expand(reshape(embedding, [1, rows, width]), [1, tokens, width]),
    regions: regionsFromCorners(reshape(roi, [1, tokens, 2 * axes]), axes),
  };
}

/** Between widths: a linear layer, and its norm in version 1. */
function transition(scope: Scope, tokens: Tensor, width: number, config: SparseformerConfig): Tensor {
  const projected = linear(scope.at(0), tokens, width);
  return config.compatible_config.transition_ln
    ? layerNorm(scope.at(1), projected, config.compatible_config.ln_eps)
    : projected;
}

/** The class token comes first; it has no region, so no sampling may follow. */
function insertClassToken(scope: Scope, state: TokenState, config: SparseformerConfig): TokenState {
  const width = config.width_configs.at(-1)!;
  const n = state.tokens.shape[0]!;
  const token = scope.at("cls_embedding").parameter("weight", [1, width], { kind: "normal", std: 1 });
  const one = expand(reshape(token, [1, 1, width]), [n, 1, width]);
  return { ...state, tokens: concat([one, state.tokens], 1) };
}

/** The answer: pooled tokens, the last norm, the classifier. */
export function head(scope: Scope, state: TokenState, batch: Dim, config: SparseformerConfig) {
  const epsilon = config.compatible_config.ln_eps;
  const width = config.width_configs.at(-1)!;
  const pooled =
    config.head_op === "avg"
      ? reduceMean(state.tokens, 1)
      : reshape(slice(state.tokens, 1, 0, 1), [state.tokens.shape[0]!, width]);
  const features = layerNorm(scope.at("norm"), pooled, epsilon); // (batch, width)
  const tokenEmbedding = perPicture(layerNorm(scope.at("norm"), state.tokens, epsilon), batch);
  const hasClassToken = config.cls_token_insert_layer >= 0;
  scope.layer("tokens", () => (hasClassToken ? slice(tokenEmbedding, 1, 1) : tokenEmbedding));
  if (hasClassToken) scope.layer("cls", () => reshape(slice(tokenEmbedding, 1, 0, 1), [batch, width]));
  return {
    features,
    logits: linear(scope.at("proj"), features, config.proj_dim, { bias: config.proj_bias }),
    tokenEmbedding,
  };
}

/** An answer from what the tokens know so far: their mean, a norm and a classifier of its own. (n, tokens, width) -> (n, proj_dim). */
function exit(scope: Scope, tokens: Tensor, config: SparseformerConfig): Tensor {
  const pooled = layerNorm(scope.at("norm"), reduceMean(tokens, 1), config.compatible_config.ln_eps); // (n, width)
  return linear(scope.at("proj"), pooled, config.proj_dim, { bias: config.proj_bias });
}

export function gazeOf({ regions, points }: Glimpse, batch: Dim): { regions: Tensor; points: Tensor } {
  return {
    regions: perPicture(cornersOfRegions(regions), batch), // (batch, tokens, 2 axes)
    points: perPicture(transpose(points, [0, 1, 3, 2]), batch), // (batch, tokens, points, axes)
  };
}

/** What did not depend on the picture so far (leading size 1) is the same for all of the batch. */
export function perPicture(x: Tensor, batch: Dim): Tensor {
  return expand(x, [batch, ...x.shape.slice(1)]);
}

/** Rates rise linearly over all repeats of all units. */
function dropPathRates(config: SparseformerConfig): number[] {
  const total = config.repeats.reduce((a, b) => a + b, 0);
  return Array.from({ length: total }, (_, i) => (total === 1 ? 0 : (config.drop_path_rate * i) / (total - 1)));
}
