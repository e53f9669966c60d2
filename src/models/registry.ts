// Models with a name: architecture, configuration, labels, licence, and where the official weights are. A name is looked up only here;
// anything with a slash or an extension is a path. The entries are beside their families, in registered.ts.
import { NotFoundError, UsageError } from "../errors.ts";
import { didYouMean } from "../nearest-name.ts";
import { registeredAdaptivenns } from "./adaptivenn/registered.ts";
import type { Architecture } from "./architecture.ts";
import { architectures } from "./architectures.ts";
import { registeredClipTexts } from "./clip-text/registered.ts";
import { registeredConvnexts } from "./convnext/registered.ts";
import { registeredCrossvits } from "./crossvit/registered.ts";
import { registeredDensenets } from "./densenet/registered.ts";
import { registeredDhvts } from "./dhvt/registered.ts";
import { registeredDtops } from "./dtop/registered.ts";
import { registeredDuoformers } from "./duoformer/registered.ts";
import { registeredEfficientnets } from "./efficientnet/registered.ts";
import { registeredFacexformers } from "./facexformer/registered.ts";
import { registeredGabors } from "./gabor/registered.ts";
import { registeredGfnets } from "./gfnet/registered.ts";
import { registeredGfvs } from "./gfv/registered.ts";
import { registeredGlsims } from "./glsim/registered.ts";
import type { LearntHead } from "./learnt-head/head.ts";
import { registeredLightcnns } from "./lightcnn/registered.ts";
import { registeredLightweights } from "./lightweight/registered.ts";
import { registeredMask2formers } from "./mask2former/registered.ts";
import { registeredMobilenetv2s } from "./mobilenetv2/registered.ts";
import { registeredMobilenets } from "./mobilenetv3/registered.ts";

import { registeredParatranscnns } from "./paratranscnn/registered.ts";

import { registeredPlainDetrs } from "./plain-detr/registered.ts";

import type { RegisteredModel } from "./registered-model.ts";
import { registeredRegnets } from "./regnet/registered.ts";
import { registeredResnets } from "./resnet/registered.ts";
import { registeredRotnets } from "./rotnet/registered.ts";
import { registeredRrformers } from "./rrformer/registered.ts";
import { registeredSams } from "./sam/registered.ts";
import { registeredScatterings } from "./scattering/registered.ts";
import { registeredSingleStages } from "./single-stage/registered.ts";
import { registeredSparseformers } from "./sparseformer/registered.ts";
import { registeredSpartans } from "./spartan/registered.ts";
import { registeredSwins } from "./swin/registered.ts";
import { registeredTerminators } from "./terminator/registered.ts";
import { ALL_TOKENS } from "./token-reduction.ts";
import { registeredTsms } from "./tsm/registered.ts";
import { registeredUniAdafocus } from "./uni-adafocus/registered.ts";
import { registeredVits } from "./vit/registered.ts";

export type { OfficialFile, RegisteredModel } from "./registered-model.ts";

const models: readonly RegisteredModel[] = [
  ...registeredSparseformers,
  ...registeredClipTexts,
  ...registeredResnets,
  ...registeredRegnets,
  ...registeredMobilenetv2s,
  ...registeredMobilenets,
  ...registeredEfficientnets,
  ...registeredDensenets,
  ...registeredConvnexts,
  ...registeredSpartans,
  ...registeredVits,
  ...registeredSwins,
  ...registeredSams,
  ...registeredCrossvits,
  ...registeredDhvts,
  ...registeredDuoformers,
  ...registeredGlsims,
  ...registeredLightcnns,
  ...registeredRotnets,
  ...registeredLightweights,
  ...registeredTerminators,
  ...registeredGfnets,
  ...registeredAdaptivenns,
  ...registeredTsms,
  ...registeredGfvs,
  ...registeredUniAdafocus,
  ...registeredDtops,
  ...registeredMask2formers,
  ...registeredPlainDetrs,
  ...registeredGabors,
  ...registeredScatterings,
  ...registeredRrformers,
  ...registeredParatranscnns,
  ...registeredFacexformers,
  ...registeredSingleStages,
];

/** Every registered model, in the order of the listing. */
export const registry: ReadonlyMap<string, RegisteredModel> = new Map(models.map((model) => [model.name, model]));

/** A model that can be built: its architecture and the checked configuration. */
export interface ModelDefinition {
  readonly architecture: Architecture<unknown>;
  readonly config: unknown;
  /** The registry's entry when the name was a registered one. */
  readonly registered?: RegisteredModel;
  /** Whether a caller changed what it does with its tokens: weights may then hold what another way had learnt, and that is left out. */
  readonly hasOtherTokens?: boolean;
  /** Of a model whose answer is a learnt head's (learnt-head/): that head, and the architecture under it. */
  readonly learnt?: { readonly backbone: Architecture<unknown>; readonly head: LearntHead };
}

/** `name` is an architecture ("sparseformer") or a registered model, whose configuration `overrides` then changes field by field. */
export function defineModel(name: string, overrides: unknown = {}): ModelDefinition {
  const architecture = architectures.get(name);
  if (architecture !== undefined) return { architecture, config: architecture.parseConfig(overrides) };
  const registered = registry.get(name);
  if (registered === undefined)
    throw new NotFoundError(
      "model",
      name,
      `${didYouMean(name, [...architectures.keys(), ...registry.keys()])}names are listed by: saccade models`,
    );
  const family = architectures.get(registered.architecture)!;
  const merged = { ...registered.config, ...(overrides as Record<string, unknown>) };
  return { architecture: family, config: family.parseConfig(merged), registered };
}

/**
 * A configuration of a file with the fields that a caller changes. Files may carry fields that nothing here reads; what a caller asks for must
 * be there to be changed.
 *
 * @throws UsageError for a field that the architecture does not have
 */
export function changedModel(
  name: string,
  config: unknown,
  changes: Readonly<Record<string, unknown>> = {},
): ModelDefinition {
  const { tokens, ...fields } = changes;
  const { tokens: own, ...written } = (config ?? {}) as Record<string, unknown>;
  // What a caller asks for takes the place of what is written, even if that makes no sense.
  const kept = own === undefined || tokens !== undefined ? {} : { tokens: own };
  const definition = defineModel(name, { ...written, ...kept, ...fields });
  const { architecture } = definition;
  if (typeof own === "string" && architecture.reduceTokens === undefined) throw noTokensToReduce(definition);
  if (tokens !== undefined && typeof tokens !== "string")
    throw new UsageError(
      `a configuration's tokens must be text, not ${JSON.stringify(tokens)}`,
      "such as merge=13:tome, or none; how many latent tokens a SparseFormer has is its num_latent_tokens",
    );
  const unknown = Object.keys(fields).find((field) => architecture.fields?.includes(field) === false);
  if (unknown !== undefined)
    throw new UsageError(
      `${definition.registered?.name ?? architecture.name} has no field "${unknown}" in its configuration`,
      `its fields: ${architecture.fields!.join(", ")}`,
    );
  return tokens === undefined ? definition : withTokens(definition, tokens);
}

/**
 * The same model that goes on with fewer tokens, or with all of them ("none").
 *
 * @throws UsageError for a family that has none to reduce, and for a reduction that is not for this model
 */
function withTokens(definition: ModelDefinition, tokens: string): ModelDefinition {
  const { architecture } = definition;
  if (architecture.reduceTokens === undefined) throw noTokensToReduce(definition);
  const { tokens: _, ...config } = definition.config as Record<string, unknown>;
  const dense = architecture.parseConfig(config);
  const all = architecture.allTokens?.(dense) ?? dense;
  const changed = tokens === ALL_TOKENS ? all : architecture.reduceTokens(dense, tokens);
  return { ...definition, config: changed, hasOtherTokens: true };
}

function noTokensToReduce({ architecture, registered }: ModelDefinition): UsageError {
  const families = [...architectures.values()].filter(({ reduceTokens }) => reduceTokens !== undefined);
  return new UsageError(
    `${registered?.name ?? architecture.name} has no tokens that could be fewer on the way`,
    `leave its tokens (--tokens) out, or take one of these families: ${families.map(({ name }) => name).join(", ")}`,
  );
}

/** The same model for pictures of another size in pixels. Throws UsageError when it cannot be that small or large. */
export function atSize(
  definition: ModelDefinition,
  size: { readonly height: number; readonly width: number },
): ModelDefinition {
  const { architecture, config } = definition;
  return architecture.atSize === undefined ? definition : { ...definition, config: architecture.atSize(config, size) };
}

/** The same model with another number of classes, or of channels of its embedding. Throws UsageError for a number that it does not take. */
export function withClasses(definition: ModelDefinition, classes: number): ModelDefinition {
  const { architecture, config } = definition;
  const changed = { ...(config as Record<string, unknown>), [architecture.classesField]: classes };
  return { ...definition, config: architecture.parseConfig(changed) };
}
