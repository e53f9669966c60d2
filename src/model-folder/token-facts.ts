// What a model with fewer tokens does, for people: how many it has after each block, and what that saves.
import type { Dim } from "../graph/dimensions.ts";
import { modelCost } from "../models/cost.ts";
import { inferenceGraph } from "../models/graph.ts";
import { layerOf } from "../models/layers.ts";
import type { ModelDefinition } from "../models/registry.ts";
import { tokenLayers } from "../models/token-layers.ts";
import type { ConfigFile } from "./config-file.ts";
import { definitionOf } from "./definition.ts";
import { countedExtent } from "./describe.ts";

export interface TokenCounts {
  /** As the configuration says it: "keep=0.7@3,6,9:evit". */
  readonly tokens: string;
  /** The patches of a picture. */
  readonly patches: Dim;
  /** How many tokens go on behind each block that leaves fewer, class tokens not counted; a name where the picture decides. Empty of windows. */
  readonly after: readonly { readonly block: number; readonly tokens: Dim }[];
}

export interface TokenFacts extends TokenCounts {
  /** Multiply-accumulates of a picture, and of the same model with all tokens; where the picture decides, the most there can be. */
  readonly macs: number;
  readonly denseMacs: number;
}

/** undefined for a model with all its tokens. */
export function tokenCounts(definition: ModelDefinition): TokenCounts | undefined {
  const { tokens } = definition.config as Readonly<Record<string, unknown>>;
  if (typeof tokens !== "string") return undefined;
  const graph = inferenceGraph(definition);
  const origins = tokenLayers(graph).map(({ block, origin }) => ({ block, shape: layerOf(graph, origin).shape }));
  return {
    tokens,
    patches: origins[0]?.shape[2] ?? 0,
    after: origins.map(({ block, shape }) => ({ block, tokens: shape[1]! })),
  };
}

/** undefined for a model with all its tokens. */
export function tokenFacts(file: ConfigFile): TokenFacts | undefined {
  const { tokens: _, ...rest } = file.config as Readonly<Record<string, unknown>>;
  const definition = definitionOf(file);
  const counts = tokenCounts(definition);
  if (counts === undefined) return undefined;
  const costOf = (one: ModelDefinition) => modelCost(one, countedExtent(one, file.transform)).macs;
  return {
    ...counts,
    macs: costOf(definition),
    denseMacs: costOf(definitionOf({ ...file, config: rest })),
  };
}
