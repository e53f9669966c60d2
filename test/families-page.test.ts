// The tables and plots of docs/which-model.md are what the script makes from the checked-in results.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { MEMBERS } from "../bench/families/members.ts";
import { makePlots, PAGE, readMeasured, updatePage } from "../bench/families/page.ts";

const ROOT = resolve(import.meta.dirname, "..");
const MEASURED = readMeasured();

test("the page's tables are the script's", () => {
  const page = readFileSync(PAGE, "utf8");
  expect(page, "run: npx tsx bench/families.ts page").toBe(updatePage(page, MEASURED));
  expect(() => updatePage("nothing", MEASURED)).toThrow("no place for the table clothing");
});

test("the checked-in plots are the script's", () => {
  const plots = makePlots(MEASURED);
  expect([...plots.keys()]).toEqual(["docs/images/families-clothing.svg", "docs/images/families-everyday.svg"]);
  for (const [path, svg] of plots) expect(readFileSync(join(ROOT, path), "utf8"), path).toBe(svg);
});

test("rows are of members that take part, one a family and seed, and of the same budget", () => {
  const members = new Set(MEMBERS.map(({ name }) => name));
  for (const [name, { results }] of MEASURED) {
    const keys = results.rows.map(({ family, seed }) => `${family} ${seed}`);
    expect(new Set(keys).size, name).toBe(keys.length);
    for (const { family, processorSeconds } of results.rows) {
      expect(members, name).toContain(family);
      if ("processorSeconds" in results.budget)
        expect(processorSeconds / results.budget.processorSeconds).toBeCloseTo(1, 1);
    }
  }
});
