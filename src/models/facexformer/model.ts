// FaceXFormer (Narayan et al., 2024): one network that says everything of a face: its parts, landmarks, how it is turned, attributes, age, gender, race, which landmarks are seen.
// Each is asked for by a token of its own. Reproduces Kartik-3004/facexformer, network/models/facexformer.py; the official code computes all answers as well, and gives
// those that are asked for.
import {
  add,
  concat,
  conv,
  expand,
  gelu,
  matMul,
  reduceMean,
  relu,
  reshape,
  resize,
  slice,
  transpose,
} from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { convTranspose2d } from "../../nn/conv-transpose.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedDim, torchLinear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { tokensOf } from "../../nn/patch-embed.ts";
import type { TokenGrid } from "../../nn/windows.ts";
import { type StageTokens, stageTokens } from "./backbone.ts";
import type { FacexformerConfig } from "./config.ts";
import { randomWaves, twoWay } from "./decoder.ts";

/** Of the normalisation between the transposed convolutions. */
const MAP_EPSILON = 1e-6;

/** Tokens in their order, the name of the head that reads each, and how many numbers it gives as which output. */
const ASKED = [
  { token: "landmarks_token", head: "landmarks_prediction_head", output: "landmarks", numbers: 136 },
  { token: "pose_token", head: "pose_prediction_head", output: "pose", numbers: 3 },
  { token: "attribute_token", head: "attribute_prediction_head", output: "attributes", numbers: 40 },
  { token: "visibility_token", head: "visibility_prediction_head", output: "visibility", numbers: 29 },
  { token: "age_token", head: "age_prediction_head", output: "age", numbers: 8 },
  { token: "gender_token", head: "gender_prediction_head", output: "gender", numbers: 2 },
  { token: "race_token", head: "race_prediction_head", output: "race", numbers: 5 },
] as const;

/** Parts of a face, background among them, with a token each. */
const PARTS = 11;

/**
 * image (N, 3, H, W), a face -> `masks` (N, 11, H, W), scores of its parts at each pixel; `landmarks` (N, 136), x and y of 68 points in -1..1; `pose` (N, 3), pitch, yaw and roll in
 * radians; scores before any sigmoid or softmax: `attributes` (N, 40), `visibility` (N, 29), `age` (N, 8), `gender` (N, 2), `race` (N, 5); `features` (N, width), the mean of
 * the backbone's last map.
 */
export function facexformer(
  scope: Scope,
  image: Tensor,
  config: FacexformerConfig,
  mode: Mode,
): Readonly<Record<string, Tensor>> {
  const { transformer_dim: dim } = config;
  const n = image.shape[0]!;
  const stages = stageTokens(scope.at("backbone", 0), image, config, mode);
  stages.forEach(({ tokens }, i) => {
    scope.layer(`stage.${i + 1}`, tokens);
  });
  const map = stages[0]!.map;
  const fused = fuse(scope, stages, dim, n); // (N, dim, h, w)
  const decoder = scope.at("face_decoder");
  const tokens = [...ASKED.map(({ token }) => [token, 1] as const), ["mask_tokens", PARTS] as const].map(
    ([name, rows]) => decoder.at(name).parameter("weight", [rows, dim], { kind: "normal", std: 1 }),
  );
  const one = reshape(concat(tokens, 0), [1, ASKED.length + PARTS, dim]);
  // Until they have read a picture, tokens are the same for all: engines compute that once, when they load the model.
  const asked = mode.training ? expand(one, [n, ASKED.length + PARTS, dim]) : one;
  const places = randomWaves(scope.at("pe_layer"), map, dim);
  const told = twoWay(decoder.at("transformer"), asked, tokensOf(fused), places, config);
  const answers = ASKED.map(({ head, output, numbers }, i) => {
    const token = reshape(slice(told.tokens, 1, i, i + 1), [n, dim]);
    return [output, perceptron(decoder.at(head), token, numbers)] as const;
  });
  const parts = perceptron(decoder.at("output_hypernetwork_mlps"), slice(told.tokens, 1, ASKED.length), dim / 8); // (N, 11, dim / 8)
  return {
    masks: masks(decoder.at("output_upscaling"), told.cells, parts, map, dim),
    ...Object.fromEntries(answers),
    features: reduceMean(stages.at(-1)!.tokens, 1),
  };
}

/**
 * The maps of all stages, brought to the size of the largest and mixed, the deepest first: (N, dim, h, w). Each is mixed before it is brought there, which is the same and less work.
 */
function fuse(scope: Scope, stages: readonly StageTokens[], dim: number, n: Dim): Tensor {
  const weight = scope
    .at("linear_fuse")
    .parameter("weight", [dim, stages.length * dim, 1, 1], { kind: "kaimingNormalFanOut" });
  const sizes = [stages[0]!.map.height, stages[0]!.map.width];
  const shares = stages.map(({ tokens, map }, i) => {
    const narrow = asMap(torchLinear(scope.at("linear_c", i, "proj"), tokens, dim), map, n);
    const from = (stages.length - 1 - i) * dim;
    const share = conv(narrow, slice(weight, 1, from, from + dim), undefined);
    return i === 0 ? share : resize(share, sizes, "linear");
  });
  return shares.reduce((a, b) => add(a, b));
}

/** cells (N, h * w, dim), parts (N, 11, dim / 8) -> (N, 11, 4 h, 4 w): how much every pixel is like each part's vector. */
function masks(scope: Scope, cells: Tensor, parts: Tensor, map: TokenGrid, dim: number): Tensor {
  const n = cells.shape[0]!;
  const twice = { height: 2 * map.height, width: 2 * map.width };
  const doubled = convTranspose2d(scope.at(0), asMap(cells, map, n), dim / 4, 2); // (N, dim / 4, 2 h, 2 w)
  const normal = asMap(layerNorm(scope.at(1), tokensOf(doubled), MAP_EPSILON), twice, n);
  const pixels = gelu(convTranspose2d(scope.at(3), gelu(normal), dim / 8, 2)); // (N, dim / 8, 4 h, 4 w)
  const [, , height, width] = pixels.shape as [Dim, number, number, number];
  const scores = matMul(parts, reshape(pixels, [n, dim / 8, height * width])); // (N, 11, 16 h w)
  return reshape(scores, [n, PARTS, height, width]);
}

/** Three layers, as wide as the input but for the last. */
function perceptron(scope: Scope, x: Tensor, numbers: number): Tensor {
  const width = fixedDim(x, -1);
  const hidden = [0, 1].reduce((y, i) => relu(torchLinear(scope.at("layers", i), y, width)), x);
  return torchLinear(scope.at("layers", 2), hidden, numbers);
}

/** tokens (N, h * w, C), row by row -> (N, C, h, w) */
function asMap(tokens: Tensor, { height, width }: TokenGrid, n: Dim): Tensor {
  return reshape(transpose(tokens, [0, 2, 1]), [n, fixedDim(tokens, 2), height, width]);
}
