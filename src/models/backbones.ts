// Convolutional networks that others build on (GFNet, TSM), by name. How to use one:
//
//   const backbone = backboneNamed("resnet50");
//   const map = backbone.featureMap(scope, image, mode);         // (N, channels, h, w): what a policy reads
//   const features = backbone.pool(scope, map, mode);            // (N, width): what a classifier reads
//   const kept = backbone.dropout(features, mode);               // the same; in training, as much is zeroed as the configuration says
//   const logits = backbone.classify(scope, kept, classes);       // (N, classes): the network's own last layer
//
// All three take the scope that prefixes the encoder's names ("model_state_dict"). Parameters are called as in timm; `adopt` renames those of
// other releases (without the prefix), and leaves out the counters that PyTorch saves.
import type { z } from "zod";
import { UsageError } from "../errors.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { didYouMean } from "../nearest-name.ts";
import type { Mode } from "../nn/mode.ts";
import type { Architecture, NamedTensors } from "./architecture.ts";
import type { Backbone, BackboneConfig, BlockInputs } from "./backbone.ts";
import { convnextArchitecture } from "./convnext/architecture.ts";
import { convnextBackbone } from "./convnext/model.ts";
import { registeredConvnexts } from "./convnext/registered.ts";
import { densenetArchitecture } from "./densenet/architecture.ts";
import { densenetBackbone } from "./densenet/model.ts";
import { registeredDensenets } from "./densenet/registered.ts";
import { efficientnetArchitecture } from "./efficientnet/architecture.ts";
import { efficientnetBackbone } from "./efficientnet/model.ts";
import { registeredEfficientnets } from "./efficientnet/registered.ts";
import { mobilenetv2Architecture } from "./mobilenetv2/architecture.ts";
import { mobilenetv2Backbone } from "./mobilenetv2/model.ts";
import { registeredMobilenetv2s } from "./mobilenetv2/registered.ts";
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
  /** image (N, 3, H, W) -> (N, channels, h, w) */
  featureMap(scope: Scope, image: Tensor, mode: Mode, inputs?: BlockInputs): Tensor;
  /** image (N, 3, H, W) -> the map behind each stage, the largest first. Throws UsageError for a family that gives the last one alone. */
  stageMaps(scope: Scope, image: Tensor, mode: Mode): Tensor[];
  /** map (N, channels, h, w) -> (N, width) */
  pool(scope: Scope, map: Tensor, mode: Mode): Tensor;
  /** features (N, width): in training, the dropout that comes before the network's last layer. */
  dropout(features: Tensor, mode: Mode): Tensor;
  /** features (N, width) -> (N, classes) */
  classify(scope: Scope, features: Tensor, classes: number): Tensor;
  /** Path of the last layer, which `classify` is. */
  readonly lastLayer: string;
  /** Other releases' names of one encoder -> these. */
  adopt(tensors: NamedTensors): NamedTensors;
  /** The same family with other fields of its configuration. Throws UsageError for fields that it does not have. */
  changed(fields: Readonly<Record<string, unknown>>): NamedBackbone;
}

interface Family {
  readonly architecture: string;
  readonly registered: readonly RegisteredModel[];
  named(fields: Readonly<Record<string, unknown>>): NamedBackbone;
}

function family<Config extends BackboneConfig>(
  architecture: Architecture<Config>,
  backbone: Backbone<Config>,
  registered: readonly RegisteredModel[],
): Family {
  const named = (fields: Readonly<Record<string, unknown>>): NamedBackbone => {
    const config = architecture.parseConfig(fields);
    const withClasses = (classes: number) =>
      architecture.parseConfig({ ...fields, [architecture.classesField]: classes });
    return {
      featureMap: (scope, image, mode, inputs) => backbone.featureMap(scope, image, config, mode, inputs),
      stageMaps(scope, image, mode) {
        if (backbone.stageMaps === undefined)
          throw new UsageError(`${architecture.name} gives no maps of its stages`, "a resnet does");
        return backbone.stageMaps(scope, image, config, mode);
      },
      pool: (scope, map, mode) => backbone.pool(scope, map, config, mode),
      dropout: (features, mode) => mode.dropout(features, config.drop_rate),
      classify: (scope, features, classes) => backbone.classify(scope, features, withClasses(classes)),
      lastLayer: backbone.lastLayer,
      adopt: (tensors) => architecture.adoptWeights(tensors, config),
      changed: (changes) => named({ ...fields, ...changes }),
    };
  };
  return { architecture: architecture.name, registered, named };
}

const FAMILIES: readonly Family[] = [
  family(resnetArchitecture, resnetBackbone, registeredResnets),
  family(regnetArchitecture, regnetBackbone, registeredRegnets),
  family(mobilenetv2Architecture, mobilenetv2Backbone, registeredMobilenetv2s),
  family(mobilenetv3Architecture, mobilenetv3Backbone, registeredMobilenets),
  family(efficientnetArchitecture, efficientnetBackbone, registeredEfficientnets),
  family(densenetArchitecture, densenetBackbone, registeredDensenets),
  family(convnextArchitecture, convnextBackbone, registeredConvnexts),
];

/** A model of one of these families as a backbone; undefined for one of another architecture. */
export function asBackbone(model: {
  readonly architecture: { readonly name: string };
  readonly config: unknown;
}): NamedBackbone | undefined {
  const family = FAMILIES.find(({ architecture }) => architecture === model.architecture.name);
  return family?.named(model.config as Readonly<Record<string, unknown>>);
}

/** Says in a configuration's own faults why `open` cannot make a backbone of it. */
export function checkBackbone<Config>(open: (config: Config) => NamedBackbone) {
  return (config: Config, context: z.RefinementCtx): void => {
    try {
      open(config);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
    }
  };
}

/** The architectures that are such families. */
export const backboneArchitectures = (): string[] => FAMILIES.map(({ architecture }) => architecture);

/** What others call a registered model: TSM, GFNet. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  mobilenetv2: "mobilenetv2_100",
  regnety_600m: "regnety_006",
  regnety_800m: "regnety_008",
  "regnety_1.6g": "regnety_016",
};

/**
 * A registered convolutional model as a backbone, by its name here or by one of those that TSM and GFNet use ("mobilenetv2", "regnety_600m").
 *
 * @param changes other fields of its configuration
 * @throws UsageError for a name that nothing has, and for fields that the family does not have
 */
export function backboneNamed(name: string, changes: Readonly<Record<string, unknown>> = {}): NamedBackbone {
  const registered = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : name;
  for (const { registered: models, named } of FAMILIES) {
    const model = models.find((candidate) => candidate.name === registered);
    if (model !== undefined) return named({ ...model.config, ...changes });
  }
  const names = [
    ...Object.keys(OTHER_NAMES),
    ...FAMILIES.flatMap(({ registered: models }) => models.map((m) => m.name)),
  ];
  throw new UsageError(
    `there is no convolutional backbone "${name}"`,
    `${didYouMean(name, names)}backbones: ${names.join(", ")}`,
  );
}
