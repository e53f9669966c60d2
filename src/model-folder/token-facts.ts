// What a model with fewer tokens does, for people: how many it has after each block, and what that saves.
import type { Dim } from "../graph/dimensions.ts";
import { modelCost } from "../models/cost.ts";
import { inferenceGraph } from "../models/graph.ts";
import type { ConfigFile } from "./config-file.ts";
import { definitionOf } from "./definition.ts";
import { countedExtent } from "./describe.ts";

export interface TokenFacts {
  /** As the configuration says it: "keep=0.7@3,6,9:evit". */
  readonly tokens: string;
  /** Tokens of patches after each block; a name where the picture decides. */
  readonly perBlock: readonly Dim[];
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
  const { layers } = inferenceGraph(definition);
  const perBlock = [...layers]
    .filter(([name]) => /^block\.\d+$/.test(name))
    .map(([, value]) => (typeof value === "function" ? value() : value).shape[1]!);
  return {
    tokens,
    perBlock,
    macs: costOf(definition),
    denseMacs: costOf(definitionOf({ ...file, config: rest })),
  };
}
