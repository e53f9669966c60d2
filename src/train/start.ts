// Where training begins: fresh weights from a seed, or another model's weights with a new head.

import { sameLabels } from "../data/labels.ts";
import { UsageError } from "../errors.ts";
import { shapesEqual } from "../graph/dimensions.ts";
import type { Graph } from "../graph/tensor.ts";
import { clipFacts } from "../model-folder/clip-entry.ts";
import type { NativeModel } from "../model-folder/model.ts";
import { backboneModel } from "../model-folder/native.ts";
import { withTokenDial } from "../model-folder/token-dial.ts";
import { adaptivennArchitecture, nameInNet } from "../models/adaptivenn/architecture.ts";
import { ANSWERS_IN_WORDS } from "../models/answers.ts";
import { classParameters } from "../models/class-parameters.ts";
import { inferenceGraph, initialWeights } from "../models/graph.ts";
import { changedModel, defineModel, type ModelDefinition, withClasses } from "../models/registry.ts";
import { tsmArchitecture } from "../models/tsm/architecture.ts";
import type { TsmConfig } from "../models/tsm/config.ts";
import { nameInBackbone, nameInTsm } from "../models/tsm/weights.ts";
import { uniAdafocusArchitecture } from "../models/uni-adafocus/architecture.ts";
import { nameInNetwork } from "../models/uni-adafocus/checkpoint.ts";
import { type TensorData, tensor, toFloat32 } from "../tensor.ts";
import { checkClips, takesVideos } from "./clips.ts";
import { nameInEncoder } from "./gfnet/objectives.ts";
import type { Recipe } from "./recipe-fields.ts";
import { requireTrained } from "./tokens/objective.ts";

export interface StartingPoint {
  readonly model: NativeModel;
  /** Parameters that could not be taken from the other model and start fresh. */
  readonly fresh: readonly string[];
}

/**
 * The recipe's model for these labels; `given` gives its architecture, configuration and weights, and the recipe only how to train. Layers whose
 * shape depends on the labels start fresh, unless the labels are the same. A recipe for glance and focus also begins with a mere backbone: both
 * of its encoders take the weights; over clips with a TSM too. A recipe for a TSM begins with a network of pictures,
 * and one for Uni-AdaFocus with one of its two.
 *
 * @throws UsageError when no weights could be taken over
 */
export function startingPoint(recipe: Recipe, labels: readonly string[], given?: NativeModel): StartingPoint {
  // A learnt head reads features that training changes.
  const from = given && backboneModel(given);
  const fillsEncoders = from !== undefined && isEncoderFor(recipe, from);
  const inflates = from !== undefined && isInflated(recipe, from);
  const dialled = (config: Readonly<Record<string, unknown>> = {}) =>
    withTokenDial(recipe.tokens === undefined ? { config } : { config, tokens: recipe.tokens }).config;
  const described =
    from === undefined || fillsEncoders
      ? changedModel(recipe.architecture, {}, dialled(recipe.config))
      : inflates
        ? changedModel(recipe.architecture, from.definition.config, dialled(onlyOfVideos(recipe, from)))
        : changedModel(from.definition.architecture.name, from.definition.config, dialled(recipe.grow));
  checkClips(recipe, described); // labels are of pictures, or of clips
  const answers = described.architecture.answers(described.config);
  if (
    answers !== "classes" &&
    answers !== "embedding" &&
    recipe.pretext === undefined &&
    recipe.annotations === undefined
  )
    throw new UsageError(
      `${described.registered?.name ?? described.architecture.name} ${ANSWERS_IN_WORDS[answers]}, and a label of a whole picture does not teach it`,
      "train a model of whole pictures (saccade models lists them), or with a recipe that has annotations",
    );
  // A last layer that learns nothing is as small as it can be; an embedding's stays what it was.
  const hasClasses = answers === "classes";
  const definition =
    recipe.pretext === undefined
      ? withClasses(described, labels.length)
      : hasClasses
        ? withClasses(described, 1)
        : described;
  const graph = inferenceGraph(definition);
  const weights = initialWeights(graph, recipe.seed);
  const { weights: taken, fresh } =
    from === undefined
      ? { weights: [], fresh: [] }
      : takeOver(
          graph,
          inflates ? { ...from, weights: inflated(from, definition) } : from,
          recipe.pretext === undefined ? labels : undefined,
          fillsEncoders ? namesThere(from, definition) : (parameter) => parameter,
        );
  requireTrained(definition, from === undefined ? [...weights.keys()] : fresh);
  for (const [parameter, value] of taken) weights.set(parameter, value);
  if (from !== undefined && taken.length === 0)
    throw new UsageError(
      `${from.card.name} shares no weights with the model to train`,
      "leave --from out to begin from scratch",
    );
  const licence = from?.card.licence;
  return {
    model: {
      kind: "native",
      card: {
        name: recipe.name,
        ...(recipe.pretext === undefined ? { labels } : {}),
        // Of a model that gives pictures all has learnt, of any other the last layer has not.
        ...(recipe.pretext === undefined || answers === "picture" ? {} : { pretext: recipe.pretext.objective }),
        transform: recipe.transform,
        ...(recipe.clip === undefined || !takesVideos(definition) ? {} : { clip: clipFacts(recipe.clip) }),
        ...(licence === undefined ? {} : { licence }),
      },
      definition: { architecture: definition.architecture, config: definition.config },
      weights,
    },
    fresh,
  };
}

/** Whether the weights to begin with are of pictures, and the recipe's model is the same for videos. */
function isInflated(recipe: Recipe, from: NativeModel): boolean {
  const { architecture } = defineModel(recipe.architecture, recipe.config);
  return architecture.inflates !== undefined && architecture.inflates === from.definition.architecture.name;
}

/** Fields of the recipe's configuration that the model of pictures does not have: its own stay as the weights want them. */
function onlyOfVideos({ config }: Recipe, { definition }: NativeModel): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).filter(([field]) => !definition.architecture.fields?.includes(field)),
  );
}

function inflated({ weights }: NativeModel, { architecture, config }: ModelDefinition): Map<string, TensorData> {
  return new Map(architecture.adoptWeights(weights, config));
}

/** Whether the recipe's model is made of networks such as the one to begin with. */
function isEncoderFor(recipe: Recipe, from: NativeModel): boolean {
  const { architecture } = defineModel(recipe.architecture, recipe.config);
  const madeOfOthers = [tsmArchitecture.name, uniAdafocusArchitecture.name, adaptivennArchitecture.name];
  const isMadeOfOthers = recipe.looking !== undefined || madeOfOthers.includes(architecture.name);
  return isMadeOfOthers && from.definition.architecture.name !== architecture.name;
}

/** What the network to begin with, one of pictures or a TSM over it, calls the parameters of a model that is made of such. */
function namesThere({ definition: from }: NativeModel, model: ModelDefinition): (parameter: string) => string {
  if (model.architecture.name === adaptivennArchitecture.name) return nameInNet;
  if (model.architecture.name === uniAdafocusArchitecture.name)
    return (name) => nameInNetwork(name, from.architecture.name);
  const isTsm = ({ architecture }: ModelDefinition) => architecture.name === tsmArchitecture.name;
  const inNetwork = isTsm(model) ? (name: string) => nameInBackbone(name, model.config as TsmConfig) : nameInEncoder;
  return isTsm(from) ? (name) => nameInTsm(inNetwork(name), from.config as TsmConfig) : inNetwork;
}

/**
 * The other model's weights that fit, and the names of parameters that have to start fresh.
 *
 * @param labels undefined where there are none: then whatever fits is taken
 * @param nameThere the other model's name for a parameter of this one
 */
function takeOver(
  graph: Graph,
  from: NativeModel,
  labels: readonly string[] | undefined,
  nameThere: (parameter: string) => string,
) {
  const weights: (readonly [string, TensorData])[] = [];
  const fresh: string[] = [];
  // Other classes in the same number need other weights all the same.
  const head =
    labels === undefined || sameLabels(from.card.labels ?? [], labels)
      ? new Set<string>()
      : classParameters(from.definition, labels.length);
  for (const { name, shape } of graph.parameters.values()) {
    const value = head.has(nameThere(name)) ? undefined : from.weights.get(nameThere(name));
    if (value !== undefined && shapesEqual(value.shape, shape))
      weights.push([name, tensor("float32", shape, toFloat32(value))]);
    else fresh.push(name);
  }
  return { weights, fresh };
}
