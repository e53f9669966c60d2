// A sparse detector: SparseFormer's tokens look at the picture through their regions, and a region is a box already. After every look a token says what is in its
// region and moves it there; so nothing is computed for places where nobody looks, and cost hardly grows with the picture. Of this project; near in kind are
// AdaMixer (Gao et al., CVPR 2022) and SparseFormer itself (Gao et al., ICLR 2024). Sets are learnt by matching, as DETR learns them.
import { concat, gelu, reshape, stopGradient } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { linear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import type { Pixels } from "../pixels.ts";
import { type SparseDetectorConfig, tokensConfig } from "./detector-config.ts";
import { readFeatures } from "./features.ts";
import { gazeOf, initialState, perPicture, runUnits } from "./model.ts";
import { adjustRegions, type Regions } from "./regions.ts";
import type { TokenState } from "./unit.ts";

/** What a look ends with. */
interface Found {
  /** (batch, tokens, classes); the sigmoid is the score */
  readonly logits: Tensor;
  /** (batch, tokens, 4): centre, width and height in 0..1 of the picture */
  readonly boxes: Tensor;
}

/** Things are rare among tokens: what every class's score begins with. */
const PRIOR = 0.01;

/**
 * picture: (batch, 3, H, W) or pixels. Gives `logits` and `boxes` of the last look, of earlier ones as `aux.I.…` while it trains, and where it looked as
 * `gaze.I.…`.
 */
export function sparseDetector(
  scope: Scope,
  picture: Tensor | Pixels,
  config: SparseDetectorConfig,
  mode: Mode,
): Readonly<Record<string, Tensor>> {
  const inner = tokensConfig(config);
  const features = readFeatures(scope.at("feat_extractor"), picture, inner, mode);
  const { batch } = features;
  let state: TokenState = initialState(scope, inner, 2, 1, cellRegions(config.num_latent_tokens));
  const found: Found[] = [];
  const outputs: Record<string, Tensor> = {};
  for (let look = 0; look < config.looks; look++) {
    const ran = runUnits(scope, features, state, inner, mode, { from: look, to: look + 1 });
    const moved = moveRegions(scope.at("boxes", look), ran.state, config);
    found.push({
      logits: perPicture(classScores(scope.at("classes", look), ran.state.tokens, config), batch),
      boxes: perPicture(boxesOf(moved), batch),
    });
    const { regions, points } = gazeOf(ran.glimpses[0]!, batch);
    outputs[`gaze.${look}.regions`] = regions;
    outputs[`gaze.${look}.points`] = points;
    // As detectors of this kind learn: each look answers for its own move, and not for those before it.
    state = {
      tokens: ran.state.tokens,
      regions: { centre: stopGradient(moved.centre), size: stopGradient(moved.size) },
    };
  }
  if (mode.training)
    found.slice(0, -1).forEach(({ logits, boxes }, i) => {
      outputs[`aux.${i}.logits`] = logits;
      outputs[`aux.${i}.boxes`] = boxes;
    });
  return { ...found.at(-1)!, ...outputs };
}

/** tokens (n, tokens, width) -> (n, tokens, classes) */
function classScores(scope: Scope, tokens: Tensor, { width, num_classes, ln_eps }: SparseDetectorConfig): Tensor {
  const hidden = gelu(linear(scope.at("fc1"), layerNorm(scope.at("norm"), tokens, ln_eps), width));
  return linear(scope.at("fc2"), hidden, num_classes, {
    biasInit: { kind: "constant", value: -Math.log((1 - PRIOR) / PRIOR) },
  });
}

/** Nothing moves at first. */
function moveRegions(scope: Scope, { tokens, regions }: TokenState, { width, ln_eps }: SparseDetectorConfig): Regions {
  const hidden = gelu(linear(scope.at("fc1"), layerNorm(scope.at("norm"), tokens, ln_eps), width));
  return adjustRegions(regions, linear(scope.at("fc2"), hidden, 4, { weightInit: { kind: "zeros" } }));
}

/** (n, tokens, 4): centre x, centre y, width, height */
function boxesOf({ centre, size }: Regions): Tensor {
  const [n, tokens] = centre.shape as [Dim, Dim];
  return reshape(concat([centre, size], 2), [n, tokens, 4]);
}

/** Regions to begin with: cells of a square grid and half of each neighbour; what does not fit the square sees the whole picture. Rows of x1, y1, x2, y2. */
export function cellRegions(tokens: number): Float32Array {
  const root = Math.floor(Math.sqrt(tokens));
  const out = new Float32Array(tokens * 4);
  for (let token = 0; token < tokens; token++) {
    const [column, row] = [token % root, Math.floor(token / root)];
    const isCell = row < root;
    out.set(
      isCell ? [column - 0.5, row - 0.5, column + 1.5, row + 1.5].map((side) => side / root) : [0, 0, 1, 1],
      token * 4,
    );
  }
  return out;
}
