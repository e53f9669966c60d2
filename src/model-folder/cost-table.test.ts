// Costs that the build counted: the same as counting, for that build and the usual sizes alone.
import { expect, test } from "vitest";
import { modelCost, type TotalCost } from "../models/cost.ts";
import { defineModel } from "../models/registry.ts";
import { nodeHost } from "../platform/node/host.ts";
import { countRegistered, listedCost, parseCostTable, printCostTable } from "./cost-table.ts";
import { countedExtent } from "./describe.ts";
import { listModels } from "./listing.ts";

const NAMES = ["resnet18", "dhvt_tiny_cifar_patch4", "dtop_base_ade20k", "media_sparseformer_v1_tiny"];
const counted = countRegistered(NAMES);

test("what is printed is read again, and is what counting says", () => {
  const table = parseCostTable(printCostTable(counted, "a build"), "a build");
  expect([...table.keys()]).toEqual(NAMES);
  for (const name of NAMES) {
    const definition = defineModel(name);
    const { parameters, macs, macsAtLeast, decisions, activations } = modelCost(
      definition,
      countedExtent(definition, undefined),
    );
    expect(table.get(name), name).toEqual({ parameters, macs, macsAtLeast, decisions, activations });
  }
});

test("the table of another build is none", () => {
  expect(parseCostTable(printCostTable(counted, "a build"), "another").size).toBe(0);
});

const printed = printCostTable(counted, "a build");
const changed = (change: (cost: Record<string, unknown>) => void) => {
  const json = JSON.parse(printed);
  change(json.costs.resnet18);
  return JSON.stringify(json);
};

test.each([
  ["nothing", ""],
  ["half of a file", printed.slice(0, printed.length / 2)],
  ["no object", "null"],
  ["costs as a list", '{"build": "a build", "costs": []}'],
  ["a cost that is none", '{"build": "a build", "costs": {"resnet18": null}}'],
  ["a missing number", changed((cost) => delete cost.macs)],
  ["a negative number", changed((cost) => Object.assign(cost, { macs: -1 }))],
  ["text", changed((cost) => Object.assign(cost, { parameters: "11M" }))],
  ["a number that is none", printed.replace(/"macs":\d+/, '"macs":1e999')],
])("a damaged table is none: %s", (_, text) => {
  expect(parseCostTable(text, "a build").size).toBe(0);
});

test("the table is asked for registered models at the size they were made for, and for nothing else", async () => {
  const wrong: TotalCost = {
    parameters: 1,
    macs: 2,
    macsAtLeast: 2,
    decisions: 0,
    activations: { peakBytes: 3, totalBytes: 4 },
  };
  const listed = await listModels(nodeHost);
  const table = new Map(listed.map(({ name }) => [name, wrong]));
  const of = (name: string) => listed.find((model) => model.name === name)!;
  const resnet = of("resnet18");
  expect(listedCost(resnet, { ...resnet.usual, batch: 1 }, table)).toBe(wrong);
  expect(listedCost(resnet, { height: 224, width: 224 }, table)).toBe(wrong);
  const real = counted.get("resnet18")!;
  expect(listedCost(resnet, resnet.usual, new Map())).toEqual(real);
  expect(listedCost(resnet, { ...resnet.usual, batch: 2 }, table)?.macs).toBe(2 * real.macs);
  expect(listedCost(resnet, { height: 224, width: 192 }, table)?.macs).toBeGreaterThan(2);
  const clips = of("media_sparseformer_v1_tiny");
  expect(listedCost(clips, { height: 224, width: 224, frames: 4 }, table)?.macs).toBeGreaterThan(2);
  // What comes with the package are files, which the build does not know.
  const bundled = of("saccade/everyday");
  expect(listedCost(bundled, bundled.usual, table)?.macs).toBeGreaterThan(2);
  // A size that it does not take.
  expect(listedCost(of("swin_tiny_patch4_window7_224"), { height: 10, width: 10 }, table)).toBeUndefined();
});
