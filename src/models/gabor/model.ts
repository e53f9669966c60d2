// Two branches (Zhu et al., "Learning Gabor Texture Features for Fine-Grained Recognition", ICCV 2023): a convolutional network says what is in the picture, a gate chooses regions by that, and
// of each of them, enlarged, learnt Gabor filters and statistics of their answers say what its texture is. Written after the paper's abstract and summary: there is no code to
// compare with, and no numbers.
import { add, expandDims, matMul, reduceMean, relu, reshape, sub } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedWidth, torchLinear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { type GaborConfig, semanticBackbone } from "./config.ts";
import { gaborAnswers } from "./filters.ts";
import { chooseRegions, enlarged, proposals } from "./regions.ts";
import { textureStatistics } from "./statistics.ts";

/** image (N, 3, H, W) -> logits (N, num_classes), features (N, width), and the regions as models that look say it: `gaze.0.regions` (N, k, 4) and their middles, `gaze.0.points` (N, k, 1, 2). */
export function gaborNetwork(scope: Scope, image: Tensor, config: GaborConfig, mode: Mode): Record<string, Tensor> {
  const backbone = semanticBackbone(config);
  const semantic = scope.at("semantic");
  const map = backbone.featureMap(semantic, image, mode); // (N, C, h, w)
  const meaning = backbone.pool(semantic, map, mode); // (N, width)
  if (!config.texture) return { logits: classify(scope, meaning, config, mode), features: meaning };
  const { boxes, weights } = chooseRegions(scope.at("gate"), map, proposals(config.region_scales), config.num_regions);
  const grey = reduceMean(image, [1], { keepDims: true }); // (N, 1, H, W)
  const patches = enlarged(grey, boxes, config.region_size); // (N k, 1, S, S)
  const width = fixedWidth(meaning);
  const each = textureBranch(scope, patches, width, config); // (N k, width)
  const [batch, k] = weights.shape as [Tensor["shape"][number], number];
  const textures = reshape(each, [batch, k, width]);
  scope.layer("textures", textures);
  const texture = reshape(matMul(expandDims(weights, 1), textures), [batch, width]); // their sum
  const features = add(meaning, texture);
  return {
    logits: classify(scope, features, config, mode),
    features,
    "gaze.0.regions": boxes,
    "gaze.0.points": middles(boxes),
  };
}

/** patches (M, 1, S, S) -> (M, width) */
function textureBranch(scope: Scope, patches: Tensor, width: number, config: GaborConfig): Tensor {
  // Light and dark are no texture.
  const level = sub(patches, reduceMean(patches, [2, 3], { keepDims: true }));
  const answers = gaborAnswers(scope.at("gabor"), level, config);
  const statistics = textureStatistics(answers, config.num_bins);
  const branch = scope.at("texture");
  const hidden = relu(torchLinear(branch.at("fc1"), layerNorm(branch.at("norm"), statistics, 1e-5), width));
  return torchLinear(branch.at("fc2"), hidden, width);
}

function classify(scope: Scope, features: Tensor, config: GaborConfig, mode: Mode): Tensor {
  return torchLinear(scope.at("classifier"), mode.dropout(features, config.drop_rate), config.num_classes);
}

/** (N, k, 4) -> (N, k, 1, 2: x, y) */
function middles(boxes: Tensor): Tensor {
  const [batch, k] = boxes.shape;
  const corners = reshape(boxes, [batch!, k!, 2, 2]);
  return reduceMean(corners, [2], { keepDims: true });
}
