// The tables of the benchmarks' page and of the README, and the plots, are what the script makes from the checked-in results.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { SUITES } from "../bench/suites.ts";
import { makePlots, PAGES, readResults, updatePage } from "../bench/tables.ts";
import { fakeReport, fakeRow } from "../src/evaluate/bench/report.test-helper.ts";

const ROOT = resolve(import.meta.dirname, "..");
const read = (page: string) => readFileSync(join(ROOT, page), "utf8");
const PAGE = read("docs/benchmarks.md");
const RESULTS = readResults();

test.each(Object.keys(PAGES))("the tables of %s are the script's", (page) => {
  expect(read(page), "run: npx tsx bench/tables.ts").toBe(updatePage(page, read(page), RESULTS));
});

test("the README has three rows", () => {
  expect(read("README.md").match(/^\| `\w+` \| \d.*$/gm)).toHaveLength(3);
});

test("the checked-in plots are the script's", () => {
  for (const [path, svg] of makePlots(RESULTS))
    expect(existsSync(join(ROOT, path)) && readFileSync(join(ROOT, path), "utf8"), path).toBe(svg);
});

test.each([...RESULTS])(
  "%s: repeatable from what it says, and every row that was measured is shown",
  (name, report) => {
    const suite = SUITES.find((one) => one.name === name)!;
    expect(report.command).toBe(`saccade bench ${suite.args.join(" ")}`);
    expect(report).toMatchObject({ suite: name, complete: true });
    expect(report.commit).toBeDefined();
    for (const { model } of report.rows) expect(PAGE).toContain(`| \`${model}\` |`);
  },
);

/** The lines of the tables made from one suite's report. */
function tableOf(suite: string, report: ReturnType<typeof fakeReport>): string[] {
  return updatePage("docs/benchmarks.md", PAGE, new Map([[suite, report]]))
    .split("\n")
    .filter((line) => line.startsWith("|") && /ms|---:|`[ab]`/.test(line));
}

const ratio = (median: number) => ({ median, q1: median, q3: median });

test("headline: both batches, the ratio to the first model, and rows that are faster than it too", () => {
  const cost = { parameters: 31.5e6, macs: 2.18e9, share_of_limit: 0.6 };
  const rows = [
    fakeRow({ model: "a", ms: 60, ratio: ratio(1), ...cost }),
    fakeRow({ model: "a", ms: 400, batch: 8, ratio: ratio(1), ...cost }),
    fakeRow({ model: "b", ms: 6.6, ratio: ratio(0.11) }),
    fakeRow({ model: "b", ms: 40, batch: 8, ratio: ratio(0.1) }),
  ];
  expect(tableOf("headline", fakeReport(rows)).slice(0, 4)).toEqual([
    "| model | parameters | GMACs | ms, batch 1 | times the first | ms, batch 8 | times the first | of the limit | memory |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    "| `a` | 31.5 M | 2.2 | 60 | 1.00 | 50 | 1.00 | 60 % |  |",
    "| `b` |  |  | 6.6 | 0.11 | 5.0 | 0.10 |  |  |",
  ]);
});

test("resolution: a column a size, empty where nothing was measured", () => {
  const sized = (model: string, size: number, ms: number, times?: number) =>
    fakeRow({ model, height: size, width: size, ms, ...(times === undefined ? {} : { ratio: ratio(times) }) });
  const rows = [sized("a", 224, 60, 1), sized("a", 2048, 300), sized("b", 224, 90, 1.5)];
  expect(tableOf("resolution", fakeReport(rows)).slice(0, 4)).toEqual([
    "| ms a picture | 224 px | 2048 px |",
    "| --- | ---: | ---: |",
    "| `a` | 60 | 300 |",
    "| `b` | 90 (1.5x) |  |",
  ]);
});

test("precision: how much faster, batch by batch", () => {
  const rows = [1, 8].flatMap((batch) => [
    fakeRow({ model: "a", ms: 60 * batch, batch }),
    fakeRow({ model: "a", ms: 24 * batch, batch, precision: "int8" }),
  ]);
  expect(tableOf("precision", fakeReport(rows)).slice(0, 4)).toEqual([
    "| model | batch | float32, ms | int8, ms | faster |",
    "| --- | ---: | ---: | ---: | ---: |",
    "| `a` | 1 | 60 | 24 | 2.50x |",
    "| `a` | 8 | 60 | 24 | 2.50x |",
  ]);
});

test("a machine that had other work is said in bold, with the command that repeats the measurement", () => {
  const load = { others: 0.4, process_cores: 1, quiet: false, notes: ["Other work took 40 % of the machine."] };
  const report = fakeReport([fakeRow({ model: "a" })], { load, command: "saccade bench a" });
  const page = updatePage("docs/benchmarks.md", PAGE, new Map([["headline", report]]));
  expect(page).toContain("**Not a quiet machine: these numbers are not to be quoted.** Other work took 40 %");
  expect(page).toContain("`saccade bench a`");
  expect(() => updatePage("README.md", "# no markers", new Map())).toThrow("no place");
});

test("suites are commands that can be parsed, with names of their own", () => {
  expect(new Set(SUITES.map(({ name }) => name)).size).toBe(SUITES.length);
  for (const { args } of SUITES) {
    const seconds = Number(args[args.indexOf("--seconds") + 1]);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(120); // four minutes with loading, new processes and traces
  }
});
