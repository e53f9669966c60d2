// The two networks of Uni-AdaFocus: a small one glances at few frames, a large one looks at parts of more of them. Both see other frames through
// temporal shifts, and have two heads: one that trains the network, and one that only reads its features, whose answers are summed up in the end.
// Reproduces LeapLabTHU/Uni-AdaFocus, ops/models.py TSN.
import { reduceMean, reshape, stopGradient } from "../../graph/build.ts";
import { type Dim, multiplyDims } from "../../graph/dimensions.ts";
import { Scope } from "../../graph/scope.ts";
import { Graph, type Tensor } from "../../graph/tensor.ts";
import { channelsOf } from "../../nn/conv.ts";
import { linear } from "../../nn/linear.ts";
import { Mode } from "../../nn/mode.ts";
import { backboneNamed, type NamedBackbone } from "../backbones.ts";
import { framesApart, meanOverFrames, shiftBetweenFrames } from "../shifted-backbones.ts";
import type { UniAdafocusConfig } from "./config.ts";

/** The official checkpoint's parts, which prefix every name. */
export const PARTS = {
  glance: "global_CNN",
  focus: "local_CNN",
  spatialHead: "aux_fc",
  spatialPolicy: "spatial_policy",
  temporalPolicy: "temporal_policy",
} as const;

/** What a network says of clips. */
export interface Seen {
  /** (clips, frames, channels, h, w): the last map. */
  readonly maps: Tensor;
  /** (clips, frames, width): its mean over space; in training, a part of it left out. */
  readonly features: Tensor;
  /** (clips, num_class): of the head that only reads, whose gradient ends at the features. */
  readonly finalLogits: Tensor;
  /** (clips, num_class): of the head that trains the network. */
  readonly ownLogits: Tensor;
  /** (clips, frames, num_class): the same for each frame. */
  readonly frameLogits: Tensor;
}

type Part = "glance" | "focus";

/** The backbone of a part. Throws UsageError for changes that it does not take. */
export function backboneOf(part: Part, { global_backbone, local_backbone }: BackboneFields): NamedBackbone {
  return part === "glance" ? backboneNamed("mobilenetv2", global_backbone) : backboneNamed("resnet50", local_backbone);
}

type BackboneFields = Pick<UniAdafocusConfig, "global_backbone" | "local_backbone">;

/** frames (clips, frames, 3, height, width) through the network of a part. */
export function look(scope: Scope, frames: Tensor, part: Part, config: UniAdafocusConfig, mode: Mode): Seen {
  const [clips, count, ...picture] = frames.shape as [Dim, number, ...number[]];
  const at = scope.at(PARTS[part]).withLayers((x) => meanOverFrames(x, count));
  const shift = shiftBetweenFrames({ frames: count, div: config.shift_div });
  const images = reshape(frames, [multiplyDims(clips, count), ...picture]);
  const map = backboneOf(part, config).featureMap(at.at("base_model"), images, mode, shift);
  const features = framesApart(mode.dropout(reduceMean(map, [2, 3]), config.dropout), count); // (clips, frames, width)
  const frameLogits = head(at.at("new_new_fc"), features, config.num_class);
  return {
    maps: framesApart(map, count),
    features,
    finalLogits: reduceMean(head(at.at("new_fc"), stopGradient(features), config.num_class), 1),
    ownLogits: reduceMean(frameLogits, 1),
    frameLogits,
  };
}

function head(scope: Scope, features: Tensor, classes: number): Tensor {
  return linear(scope, features, classes, { weightInit: { kind: "normal", std: 0.001 } });
}

/** Channels of a part's last map, found by building it. */
export function widthOf(part: Part, config: BackboneFields): number {
  const graph = new Graph();
  const image = graph.input("image", [1, 3, 32, 32]);
  return channelsOf(backboneOf(part, config).featureMap(new Scope(graph), image, Mode.inference()));
}
