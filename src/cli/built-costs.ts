// What models cost, as the build counted it.
import { readFile } from "node:fs/promises";
import { type CostTable, parseCostTable } from "../model-folder/cost-table.ts";
import { ownPackage } from "../platform/node/package-files.ts";
import { build } from "../version.ts";

/** Where scripts/node-parts.mjs puts it. */
const FILE = "dist/node-parts/model-costs.json";

/** Empty for sources, which nobody has counted, and where the file is not there. */
export async function builtCosts(): Promise<CostTable> {
  if (build === undefined) return new Map();
  try {
    return parseCostTable(await readFile(new URL(FILE, ownPackage().root), "utf8"), build);
  } catch {
    return new Map();
  }
}
