// What a model with fewer tokens does, for people: how many it has after each block, and what that saves.
import type { Dim } from "../graph/dimensions.ts";
import { modelCost } from "../models/cost.ts";
import { inferenceGraph } from "../models/graph.ts";
import { layerOf } from "../models/layers.ts";
import { tokenLayers } from "../models/token-layers.ts";
import type { ConfigFile } from "./config-file.ts";
import { definitionOf } from "./definition.ts";
import { countedExtent } from "./describe.ts";

export interface TokenFacts {
  /** As the configuration says it: "keep=0.7@3,6,9:evit". */
  readonly tokens: string;
  /** The patches of a picture. */
  readonly patches: Dim;
  /** How many tokens go on behind each block that leaves fewer, class tokens not counted; a name where the picture decides. */
  readonly after: readonly { readonly block: number; readonly tokens: Dim }[];
  /** Multiply-accumulates of a picture, and of the same model with all tokens. */
  readonly macs: number;
  readonly denseMacs: number;
}

/** undefined for a model with all its tokens. */
export function tokenFacts(file: ConfigFile): TokenFacts | undefined {
  const { tokens, ...rest } = file.config as Readonly<Record<string, unknown>>;
  if (typeof tokens !== "string") return undefined;
  const definition = definitionOf(file);
  const costOf = (one: typeof definition) => modelCost(one, countedExtent(one, file.transform)).macs;
  const graph = inferenceGraph(definition);
  const origins = tokenLayers(graph).map(({ block, origin }) => ({ block, shape: layerOf(graph, origin).shape }));
  return {
    tokens,
    patches: origins[0]?.shape[2] ?? 0,
    after: origins.map(({ block, shape }) => ({ block, tokens: shape[1]! })),
    macs: costOf(definition),
    denseMacs: costOf(definitionOf({ ...file, config: rest })),
  };
}
