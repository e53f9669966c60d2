// Backbones that others build on (GFNet), by the names of blackfeather-wang/GFNet-Pytorch. How to use one:
//
//   const backbone = backbones.resnet50;
//   const map = backbone.featureMap(scope, image, mode);         // (N, backbone.channels, h, w): what a policy reads
//   const features = backbone.pool(scope, map, mode);            // (N, backbone.features): what a classifier reads
//   const kept = backbone.dropout(features, mode);               // the same; in training, as much is zeroed as the configuration says
//   const logits = backbone.classify(scope, kept, classes);       // (N, classes): the network's own last layer
//
// All three take the scope that prefixes the encoder's names ("model_state_dict"). Parameters are called as in timm; `adopt` renames those of a
// GFNet checkpoint (without the prefix), and leaves out the counters that PyTorch saves.
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Mode } from "../nn/mode.ts";
import type { Architecture, NamedTensors } from "./architecture.ts";
import type { Backbone, BackboneConfig } from "./backbone.ts";
import { densenetArchitecture } from "./densenet/architecture.ts";
import { densenetBackbone } from "./densenet/model.ts";
import { registeredDensenets } from "./densenet/registered.ts";
import { efficientnetArchitecture } from "./efficientnet/architecture.ts";
import { efficientnetBackbone } from "./efficientnet/model.ts";
import { registeredEfficientnets } from "./efficientnet/registered.ts";
import { mobilenetv3Architecture } from "./mobilenetv3/architecture.ts";
import { mobilenetv3Backbone } from "./mobilenetv3/model.ts";
import { registeredMobilenets } from "./mobilenetv3/registered.ts";
import type { RegisteredModel } from "./registered-model.ts";
import { regnetArchitecture } from "./regnet/architecture.ts";
import { regnetBackbone } from "./regnet/model.ts";
import { registeredRegnets } from "./regnet/registered.ts";
import { resnetArchitecture } from "./resnet/architecture.ts";
import { resnetBackbone } from "./resnet/model.ts";
import { registeredResnets } from "./resnet/registered.ts";

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
  /** features (N, features): in training, the dropout that comes before the network's last layer. */
  dropout(features: Tensor, mode: Mode): Tensor;
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

function named<Config extends BackboneConfig>(
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
    dropout: (features, mode) => mode.dropout(features, config.drop_rate),
    classify: (scope, features, classes) => backbone.classify(scope, features, withClasses(classes)),
    adopt: (tensors) => architecture.adoptWeights(tensors, config),
    changed: (changes) => named(architecture, backbone, { ...fields, ...changes }, sizes, mapSize),
  };
}

/** DenseNet's last three halvings are unpadded, and so rounded down. */
const densenetSize = (size: number) => Math.floor(Math.ceil(size / 4) / 8);

/** What timm's model of that name is. */
function fieldsOf(family: readonly RegisteredModel[], name: string): Record<string, unknown> {
  return family.find((model) => model.name === name)!.config;
}

const resnet = (name: string, width: number) =>
  named(resnetArchitecture, resnetBackbone, fieldsOf(registeredResnets, name), { channels: width, features: width });

const densenet = (name: string, width: number) => {
  const fields = fieldsOf(registeredDensenets, name);
  return named(densenetArchitecture, densenetBackbone, fields, { channels: width, features: width }, densenetSize);
};

const mobilenet = (name: string, channels: number, features: number) =>
  named(mobilenetv3Architecture, mobilenetv3Backbone, fieldsOf(registeredMobilenets, name), { channels, features });

const efficientnet = (name: string, width: number) => {
  const fields = fieldsOf(registeredEfficientnets, name);
  return named(efficientnetArchitecture, efficientnetBackbone, fields, { channels: width, features: width });
};

const regnet = (name: string, width: number) =>
  named(regnetArchitecture, regnetBackbone, fieldsOf(registeredRegnets, name), { channels: width, features: width });

/** By GFNet's name. */
export const backbones = {
  resnet50: resnet("resnet50", 2048),
  densenet121: densenet("densenet121", 1024),
  densenet169: densenet("densenet169", 1664),
  densenet201: densenet("densenet201", 1920),
  mobilenetv3_large_100: mobilenet("mobilenetv3_large_100", 960, 1280),
  mobilenetv3_large_125: mobilenet("mobilenetv3_large_125", 1200, 1280),
  efficientnet_b2: efficientnet("efficientnet_b2", 1408),
  efficientnet_b3: efficientnet("efficientnet_b3", 1536),
  regnety_600m: regnet("regnety_006", 608),
  regnety_800m: regnet("regnety_008", 768),
  "regnety_1.6g": regnet("regnety_016", 888),
} as const satisfies Readonly<Record<string, NamedBackbone>>;

export type BackboneName = keyof typeof backbones;
