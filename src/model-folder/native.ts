// From named tensors of a checkpoint to a native model: adopt the names of its release, check the fit, and find out which registered model a
// bare checkpoint is.
import { SaccadeError, UsageError } from "../errors.ts";
import type { Dim } from "../graph/dimensions.ts";
import type { NamedTensors } from "../models/architecture.ts";
import { architectures } from "../models/architectures.ts";
import { fitWeights, inferenceGraph } from "../models/graph.ts";
import { labelsOf } from "../models/labels.ts";
import { atSize, defineModel, type ModelDefinition, registry } from "../models/registry.ts";
import type { CheckpointFacts } from "../weights/facts.ts";
import type { Weights } from "../weights/load.ts";
import type { ModelCard, NativeModel } from "./model.ts";

/** Fits a checkpoint to a definition. Throws WeightsMismatchError listing every misfit. */
export function nativeModel(definition: ModelDefinition, tensors: NamedTensors, card: ModelCard): NativeModel {
  const { architecture, config, registered } = definition;
  const adopted = architecture.adoptWeights(tensors, config);
  const graph = inferenceGraph(definition);
  const weights = fitWeights(graph, adopted, registered?.name ?? architecture.name);
  const classes = graph.outputs.get("logits")?.shape.at(-1);
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

/** What the registry and the architecture know, where the card itself is silent. */
function completeCard(definition: ModelDefinition, card: ModelCard, classes: Dim | undefined): ModelCard {
  const { architecture, config, registered } = definition;
  const official = registered?.labels === undefined ? undefined : labelsOf(registered.labels);
  // A registered configuration with another head (proj_dim=10) scores other classes than the official ones.
  const labels = card.labels ?? (official?.length === classes ? official : undefined);
  const licence = card.licence ?? registered?.weights?.licence;
  return {
    ...card,
    transform: card.transform ?? architecture.transform(config),
    ...(labels === undefined ? {} : { labels }),
    ...(licence === undefined ? {} : { licence }),
  };
}

/**
 * The registered models that a checkpoint fits exactly, by names and shapes. What it says of itself (`facts`) narrows down which are tried,
 * where it says anything that a registered model does too.
 */
export function detectModels({ tensors, facts }: Pick<Weights, "tensors" | "facts">): string[] {
  const stated = statedModels(facts);
  const candidates = stated.length > 0 ? stated : candidatesByName(tensors);
  const fitting = (names: readonly string[]) => names.filter((name) => unlessRefused(() => fits(name, tensors)));
  const isExact = (name: string) => {
    const { architecture, config } = defineModel(name);
    return architecture.isMadeFor?.(tensors, config) !== false;
  };
  // Positions can be resampled to fit other sizes: what needs nothing of the kind is meant.
  const exact = fitting(candidates.filter(isExact));
  return exact.length > 0 ? exact : fitting(candidates.filter((name) => !isExact(name)));
}

function fits(name: string, tensors: NamedTensors): boolean {
  const definition = defineModel(name);
  // Inflation makes an image checkpoint fit a video model too; a bare checkpoint means the image model.
  if (definition.architecture.input(definition.config).kind === "video") return false;
  return nativeModel(definition, tensors, { name }) !== undefined;
}

/** False where an attempt ends with an error of ours: the tensors are something else. */
function unlessRefused(attempt: () => boolean): boolean {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof SaccadeError) return false;
    throw error;
  }
}

/** Two members of a family have more of their names in common than this; what has less with one needs no comparing with the others. */
const COMMON_NAMES = 0.1;

/** The registered models of the families whose first member has names in common with a checkpoint. */
function candidatesByName(tensors: NamedTensors): string[] {
  const families = new Map<string, boolean>();
  const isOfFamily = (name: string) => {
    const { architecture, config } = defineModel(name);
    return unlessRefused(() => {
      const adopted = architecture.adoptWeights(tensors, config);
      const { parameters } = inferenceGraph({ architecture, config });
      const common = [...parameters.keys()].filter((parameter) => adopted.has(parameter)).length;
      return common > COMMON_NAMES * Math.min(parameters.size, adopted.size);
    });
  };
  return [...registry.values()]
    .filter(({ name, architecture }) => {
      if (!families.has(architecture)) families.set(architecture, isOfFamily(name));
      return families.get(architecture)!;
    })
    .map(({ name }) => name);
}

/** The registered models that are all that a checkpoint says of itself. */
function statedModels(facts: CheckpointFacts): string[] {
  return [...registry.values()]
    .filter(({ architecture, config }) => {
      const stated = architectures.get(architecture)?.adoptFacts?.(facts);
      return stated !== undefined && Object.entries(config).every(([field, value]) => stated[field] === value);
    })
    .map(({ name }) => name);
}

/** The definition for a bare checkpoint: what the caller says, else the only registered model that fits. */
export function definitionFor(
  weights: Pick<Weights, "tensors" | "facts">,
  where: string,
  model?: string,
  config?: Readonly<Record<string, unknown>>,
): ModelDefinition {
  const { tensors, facts } = weights;
  if (model !== undefined) return defineFromCheckpoint(model, facts, config);
  const fitting = detectModels(weights);
  const chosen = fitting.length === 1 ? fitting[0] : namedBy(where, fitting);
  if (chosen !== undefined) return defineFromCheckpoint(chosen, facts, config);
  throw new UsageError(
    fitting.length === 0
      ? `${where}: no registered model has these ${tensors.size} tensors`
      : `${where} fits several models: ${fitting.join(", ")}`,
    "say which: --architecture NAME (see: saccade models), or convert it with a config.json of your own",
  );
}

/** ViT and DeiT differ in nothing but how pictures are prepared: the only one of several models that a file's name contains. */
function namedBy(where: string, models: readonly string[]): string | undefined {
  const file = where.replace(/^.*[/\\]/, "");
  const named = models.filter((model) => file.includes(model));
  return named.length === 1 ? named[0] : undefined;
}

/** A model by its name, with what its checkpoint says of itself, and with what the caller says, who has the last word. */
export function defineFromCheckpoint(
  model: string,
  facts: CheckpointFacts,
  config: Readonly<Record<string, unknown>> = {},
): ModelDefinition {
  const family = architectures.get(registry.get(model)?.architecture ?? model);
  return defineModel(model, { ...family?.adoptFacts?.(facts), ...config });
}
