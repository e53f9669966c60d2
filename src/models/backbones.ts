// Backbones that others build on (GFNet), by the names of blackfeather-wang/GFNet-Pytorch. How to use one:
//
//   const backbone = backbones.resnet50;
//   const map = backbone.featureMap(scope, image, mode);         // (N, backbone.channels, h, w): what a policy reads
//   const features = backbone.pool(scope, map, mode);            // (N, backbone.features): what a classifier reads
//   const logits = backbone.classify(scope, features, classes);  // (N, classes): the network's own last layer
//
// All three take the scope that prefixes the encoder's names ("model_state_dict"). Parameters are called as in timm; `adopt` renames those of a
// GFNet checkpoint (without the prefix), and leaves out the counters that PyTorch saves.
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Mode } from "../nn/mode.ts";
import type { Architecture, NamedTensors } from "./architecture.ts";
import type { Backbone } from "./backbone.ts";
import { resnetArchitecture } from "./resnet/architecture.ts";
import { resnetBackbone } from "./resnet/model.ts";

export interface NamedBackbone {
  /** Channels of the feature map. */
  readonly channels: number;
  /** Width of the pooled features. */
  readonly features: number;
  /** Height or width of the feature map of a picture of that height or width. */
  mapSize(size: number): number;
  /** image (N, 3, H, W) -> (N, channels, h, w) */
  featureMap(scope: Scope, image: Tensor, mode: Mode): Tensor;
  /** map (N, channels, h, w) -> (N, features) */
  pool(scope: Scope, map: Tensor, mode: Mode): Tensor;
  /** features (N, features) -> (N, classes) */
  classify(scope: Scope, features: Tensor, classes: number): Tensor;
  /** GFNet's names of one encoder -> these. */
  adopt(tensors: NamedTensors): NamedTensors;
  /** The same family with other fields of its configuration. `channels` and `features` stay those of the original. */
  changed(fields: Readonly<Record<string, unknown>>): NamedBackbone;
}

type Sizes = Pick<NamedBackbone, "channels" | "features">;

/** Five halvings, each rounded up: every padded convolution and pooling. */
const roundedUp = (size: number) => Math.ceil(size / 32);

function named<Config>(
  architecture: Architecture<Config>,
  backbone: Backbone<Config>,
  fields: Record<string, unknown>,
  sizes: Sizes,
  mapSize = roundedUp,
): NamedBackbone {
  const config = architecture.parseConfig(fields);
  const withClasses = (classes: number) =>
    architecture.parseConfig({ ...fields, [architecture.classesField]: classes });
  return {
    ...sizes,
    mapSize,
    featureMap: (scope, image, mode) => backbone.featureMap(scope, image, config, mode),
    pool: (scope, map, mode) => backbone.pool(scope, map, config, mode),
    classify: (scope, features, classes) => backbone.classify(scope, features, withClasses(classes)),
    adopt: (tensors) => architecture.adoptWeights(tensors, config),
    changed: (changes) => named(architecture, backbone, { ...fields, ...changes }, sizes, mapSize),
  };
}

/** By GFNet's name. */
export const backbones = {
  resnet50: named(resnetArchitecture, resnetBackbone, { layers: [3, 4, 6, 3] }, { channels: 2048, features: 2048 }),
} as const satisfies Readonly<Record<string, NamedBackbone>>;

export type BackboneName = keyof typeof backbones;
