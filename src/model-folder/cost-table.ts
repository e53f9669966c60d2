// What the models that have a name cost at the sizes they were made for. Counting one builds its graph, and building hundreds takes seconds: the build counts them once
// (scripts/cost-table.mjs), and what it found holds for the code that it was found with.
import { z } from "zod";
import { SaccadeError } from "../errors.ts";
import { type InputExtent, type TextExtent, type TotalCost, totalCost } from "../models/cost.ts";
import { defineModel, type ModelDefinition, registry } from "../models/registry.ts";
import { countedExtent } from "./describe.ts";
import type { ListedModel } from "./listing.ts";

/** By registered name. */
export type CostTable = ReadonlyMap<string, TotalCost>;

/** Counts these models, by default all that have a name, at the sizes they were made for. */
export function countRegistered(names: Iterable<string> = registry.keys()): CostTable {
  const table = new Map<string, TotalCost>();
  for (const name of names) {
    const definition = defineModel(name);
    const cost = costIfTaken(definition, countedExtent(definition, undefined));
    if (cost !== undefined) table.set(name, cost);
  }
  return table;
}

/** undefined: the model does not take this size. */
function costIfTaken(definition: ModelDefinition, extent: InputExtent | TextExtent): TotalCost | undefined {
  try {
    return totalCost(definition, extent);
  } catch (error) {
    if (error instanceof SaccadeError) return undefined;
    throw error;
  }
}

/** What a listed model costs, from the table where it is there; undefined: it does not take this size. */
export function listedCost(
  { name, definition, usual }: ListedModel,
  extent: InputExtent | TextExtent,
  table: CostTable,
): TotalCost | undefined {
  const isUsual = definition.registered?.name === name && textOf(extent) === textOf(usual);
  return (isUsual ? table.get(name) : undefined) ?? costIfTaken(definition, extent);
}

function textOf(extent: InputExtent | TextExtent): string {
  const { batch = 1 } = extent;
  if ("tokens" in extent) return JSON.stringify([batch, extent.tokens]);
  const { height, width, frames, tokensLeft } = extent;
  return JSON.stringify([batch, height, width, frames, tokensLeft]);
}

/** @param build of the code that counted */
export function printCostTable(table: CostTable, build: string): string {
  return JSON.stringify({ build, costs: Object.fromEntries(table) });
}

const count = z.int().nonnegative();
const file = z.object({
  build: z.string(),
  costs: z.record(
    z.string(),
    z.object({
      parameters: count,
      macs: z.number().nonnegative(),
      macsAtLeast: z.number().nonnegative(),
      decisions: count,
      activations: z.object({ peakBytes: count, totalBytes: count }),
    }),
  ),
});

/** The table that `printCostTable` printed; empty where another build did, and where the text is damaged. */
export function parseCostTable(text: string, build: string): CostTable {
  try {
    const { build: of, costs } = file.parse(JSON.parse(text));
    return new Map(of === build ? Object.entries(costs) : []);
  } catch {
    return new Map();
  }
}
