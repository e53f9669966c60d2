// The tables and plots of docs/which-model.md, made from the checked-in results and from nothing else. A test compares them.
import { join, resolve } from "node:path";
import { drawAccuracy } from "../../src/evaluate/bench/plots/accuracy.ts";
import { shareInterval } from "../../src/statistics.ts";
import { MEMBERS } from "./members.ts";
import {
  type Budget,
  type FamilyResults,
  type FamilyRow,
  type FamilyTimes,
  readResults,
  readTimes,
} from "./results.ts";

const ROOT = resolve(import.meta.dirname, "../..");
export const PAGE = join(ROOT, "docs/which-model.md");
const END = "<!-- end -->";
const beginOf = (name: string) =>
  `<!-- ${name}: made by bench/families.ts page from bench/results/families, do not edit -->`;

/** The two sets that all families learn. */
const SETS = ["clothing", "everyday"] as const;
/** Files of some members over several seeds, for as many pictures each; the page shows those that it has a place for. */
const COMPARISONS = ["transformers"] as const;

export interface SetResults {
  readonly results: FamilyResults;
  readonly times: FamilyTimes | undefined;
}

/** By name of a set or of a comparison. */
export type Measured = ReadonlyMap<string, SetResults>;

export function readMeasured(root = ROOT): Measured {
  const at = (name: string) => join(root, "bench/results/families", `${name}.json`);
  const found = new Map<string, SetResults>();
  for (const name of [...SETS, ...COMPARISONS]) {
    const results = readResults(at(name));
    if (results !== undefined) found.set(name, { results, times: readTimes(at(`times-${results.size}`)) });
  }
  return found;
}

/** The page with what is between its markers made anew. @throws Error when it has no place for a table */
export function updatePage(page: string, measured: Measured): string {
  let made = page;
  for (const name of [...SETS, ...COMPARISONS]) {
    const begin = made.indexOf(beginOf(name));
    const end = made.indexOf(END, begin);
    const set = measured.get(name);
    if (set === undefined && begin < 0) continue;
    if (begin < 0 || end < 0) throw new Error(`the page has no place for the table ${name}`);
    const lines = set === undefined ? [] : isSet(name) ? setLines(name, set) : comparisonTable(set.results);
    made = `${made.slice(0, begin)}${[beginOf(name), "", ...lines, ""].join("\n")}${made.slice(end)}`;
  }
  return made;
}

const isSet = (name: string): name is (typeof SETS)[number] => (SETS as readonly string[]).includes(name);

/** Plots by their path in the repository. */
export function makePlots(measured: Measured): Map<string, string> {
  const plots = new Map<string, string>();
  for (const name of SETS) {
    const set = measured.get(name);
    if (set?.times !== undefined) plots.set(plotPath(name), plotOf(name, set));
  }
  return plots;
}

const plotPath = (name: string) => `docs/images/families-${name}.svg`;

// --- one set ---------------------------------------------------------------------------------------------------------------------

function setLines(name: string, set: SetResults): string[] {
  const { results, times } = set;
  const { pictures = 0 } = results.rows[0] ?? {};
  const facts = [
    `${results.trainingPictures} pictures in ${results.classes} classes to learn from at ${results.size} px, ${pictures} others (${results.splits.join(" and ")}) to be scored on`,
    budgetText(results.budget),
    ...(times === undefined
      ? []
      : [`milliseconds of a processor for a picture, one thread, medians of ${times.rounds} rounds in turn`]),
  ];
  const plot = times === undefined ? [] : [`![accuracy against milliseconds](images/families-${name}.svg)`, ""];
  return [...plot, ...setTable(set), "", `${facts.join("; ")}.`];
}

/** A row a family, the best first. */
function setTable({ results, times }: SetResults): string[] {
  const rows = results.rows.toSorted((a, b) => b.right / b.pictures - a.right / a.pictures);
  const header = [
    "family",
    "right, %",
    "95 % interval",
    "ms",
    "parameters",
    "MMACs",
    "pictures learnt from, thousands",
  ];
  const body = rows.map((row) => {
    const { low, high } = shareInterval(row.right, row.pictures);
    return [
      `\`${row.family}\``,
      percent(row.right / row.pictures),
      `${percent(low)} to ${percent(high)}`,
      timeOf(row.family, times)?.toFixed(1) ?? "",
      `${(row.parameters / 1e6).toFixed(2)} M`,
      (row.macs / 1e6).toFixed(0),
      ((row.steps * row.batch) / 1000).toFixed(1),
    ];
  });
  return markdown(header, body);
}

function plotOf(name: string, { results, times }: SetResults): string {
  const series = MEMBERS.flatMap(({ name: family }) => {
    const row = results.rows.find((one) => one.family === family);
    const x = timeOf(family, times);
    if (row === undefined || x === undefined) return [];
    const accuracy = row.right / row.pictures;
    return [
      { label: family, points: [{ x, accuracy, title: `${family}: ${percent(accuracy)} %, ${x.toFixed(1)} ms` }] },
    ];
  });
  return drawAccuracy({
    title: `${name} at ${results.size} px: accuracy against time`,
    xTitle: "milliseconds of a processor a picture",
    note: `from scratch; ${budgetText(results.budget)}`,
    series,
  });
}

const timeOf = (family: string, times: FamilyTimes | undefined) =>
  times?.rows.find((row) => row.family === family)?.milliseconds;

function budgetText(budget: Budget): string {
  return "epochs" in budget
    ? `each learnt for ${budget.epochs} epochs`
    : `each learnt for ${budget.processorSeconds} seconds of one processor`;
}

// --- a comparison ----------------------------------------------------------------------------------------------------------------

/** A row a member, a column a seed. */
function comparisonTable({ rows, budget, size, trainingPictures }: FamilyResults): string[] {
  const seeds = [...new Set(rows.map(({ seed }) => seed))].sort((a, b) => a - b);
  const families = [...new Set(rows.map(({ family }) => family))];
  const header = [
    "right, %",
    ...seeds.map((seed) => `seed ${seed}`),
    "mean",
    "parameters",
    "MMACs",
    "processor seconds",
  ];
  const body = families.map((family) => {
    const own = rows.filter((row) => row.family === family);
    const share = ({ right, pictures }: FamilyRow) => right / pictures;
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    return [
      `\`${family}\``,
      ...seeds.map((seed) => {
        const row = own.find((one) => one.seed === seed);
        return row === undefined ? "" : percent(share(row));
      }),
      percent(mean(own.map(share))),
      `${(own[0]!.parameters / 1e6).toFixed(2)} M`,
      (own[0]!.macs / 1e6).toFixed(0),
      mean(own.map(({ processorSeconds }) => processorSeconds)).toFixed(0),
    ];
  });
  const { pictures = 0 } = rows[0] ?? {};
  return [
    ...markdown(header, body),
    "",
    `${trainingPictures} pictures at ${size} px, ${pictures} others to be scored on; ${budgetText(budget)}.`,
  ];
}

const percent = (share: number) => (100 * share).toFixed(1);

/** The first column is text, all others are numbers. */
function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)];
}
