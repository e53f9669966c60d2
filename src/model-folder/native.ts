// From named tensors of a checkpoint to a native model: adopt the names of its release and check the fit.
import type { Dim } from "../graph/dimensions.ts";
import { ANSWER_OUTPUTS, classesOf } from "../models/answers.ts";
import type { NamedTensors } from "../models/architecture.ts";
import { architectures } from "../models/architectures.ts";
import { fitWeights, usualGraph } from "../models/graph.ts";
import { labelsOf } from "../models/labels.ts";
import { backboneOf, isLearnt } from "../models/learnt-head/decorate.ts";
import { atSize, changedModel, type ModelDefinition, registry } from "../models/registry.ts";
import { isOfAnotherSystem } from "../nn/tokens/systems.ts";
import type { CheckpointFacts } from "../weights/facts.ts";
import type { ModelCard, NativeModel } from "./model.ts";

/**
 * Fits a checkpoint to a definition.
 *
 * @param unread tensors of the file that nothing here reads (`Weights.unread`): they explain what is missing
 * @throws WeightsMismatchError listing every misfit
 */
export function nativeModel(
  definition: ModelDefinition,
  tensors: NamedTensors,
  card: ModelCard,
  unread?: ReadonlyMap<string, string>,
): NativeModel {
  const { architecture, config, registered, hasOtherTokens = false } = definition;
  const adopted = architecture.adoptWeights(tensors, config);
  const graph = usualGraph(definition);
  const isLeftOut = hasOtherTokens ? isOfAnotherSystem(graph.parameters.keys()) : () => false;
  const read = new Map([...adopted].filter(([tensor]) => !isLeftOut(tensor)));
  const weights = fitWeights(graph, read, registered?.name ?? architecture.name, unread);
  const answers = architecture.answers(config);
  const answer = graph.outputs.get(ANSWER_OUTPUTS[answers][0]);
  // Official labels of an embedding are of the classes that it has as many channels of.
  const classes = answers === "embedding" ? answer?.shape.at(-1) : answer && classesOf(answers, answer.shape);
  return { kind: "native", card: completeCard(definition, card, classes), definition, weights };
}

/** A model for pictures of another size: positions are resampled where it has any. Preprocessing stays. Throws UsageError for impossible sizes. */
export function modelAtSize(
  model: NativeModel,
  size: { readonly height: number; readonly width: number },
): NativeModel {
  const definition = atSize(model.definition, size);
  return definition === model.definition ? model : nativeModel(definition, model.weights, model.card);
}

/** The model under a learnt head, without labels, which were the head's; any other as it is. */
export function backboneModel(model: NativeModel): NativeModel {
  if (model.definition.learnt === undefined) return model;
  const { labels: _, learnt: __, ...card } = model.card;
  const weights = new Map([...model.weights].filter(([name]) => !isLearnt(name)));
  return { kind: "native", card, definition: backboneOf(model.definition), weights };
}

/** What the registry and the architecture know, where the card itself is silent. */
function completeCard(definition: ModelDefinition, card: ModelCard, classes: Dim | undefined): ModelCard {
  const { architecture, config, registered } = definition;
  const official = registered?.labels === undefined ? undefined : labelsOf(registered.labels);
  // A registered configuration with another head (proj_dim=10) scores other classes than the official ones.
  const labels = card.labels ?? (official?.length === classes ? official : undefined);
  const transform = card.transform ?? architecture.transform?.(config);
  const licence = card.licence ?? registered?.weights?.licence;
  const textModel = card.textModel ?? registered?.textModel;
  return {
    ...card,
    ...(textModel === undefined ? {} : { textModel }),
    ...(transform === undefined ? {} : { transform }),
    ...(labels === undefined ? {} : { labels }),
    ...(licence === undefined ? {} : { licence }),
  };
}

/** A model by its name, with what its checkpoint says of itself, and with what the caller says, who has the last word. */
export function defineFromCheckpoint(
  model: string,
  facts: CheckpointFacts,
  config: Readonly<Record<string, unknown>> = {},
): ModelDefinition {
  const family = architectures.get(registry.get(model)?.architecture ?? model);
  return changedModel(model, family?.adoptFacts?.(facts), config);
}
