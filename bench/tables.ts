// The tables and plots of docs/benchmarks.md and the README's few rows, made from the checked-in results and from nothing else. A test compares
// them.
//
//   npx tsx bench/tables.ts
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { drawPlots } from "../src/evaluate/bench/plots/plots.ts";
import { type BenchReport, type BenchRow, contextKey, parseBenchReport } from "../src/evaluate/bench/report.ts";
import { SUITES } from "./suites.ts";

const ROOT = resolve(import.meta.dirname, "..");
const BEGIN = "<!-- made by bench/tables.ts from bench/results: do not edit -->";
const END = "<!-- end of what bench/tables.ts makes -->";

/** The plot that the benchmarks' page shows. */
const SHOWN_PLOT = { suite: "resolution", plot: "throughput", alt: "pictures a second against resolution" };

/** What the README shows of the resolutions. */
const SUMMARY = { models: ["sparseformer_v1_tiny", "resnet50", "convnext_tiny"], sizes: [224, 512, 1024] };

type Results = ReadonlyMap<string, BenchReport>;

/** What the script makes of each page, by the page's path. */
export const PAGES: Readonly<Record<string, (results: Results) => string>> = {
  "docs/benchmarks.md": makeSection,
  "README.md": makeSummary,
};

/** The checked-in results by suite; suites that were not measured yet are left out. */
export function readResults(root = ROOT): Map<string, BenchReport> {
  const found = new Map<string, BenchReport>();
  for (const { name } of SUITES) {
    const path = join(root, "bench/results", `${name}.json`);
    if (existsSync(path)) found.set(name, parseBenchReport(readFileSync(path, "utf8"), path));
  }
  return found;
}

/** A page with the part between its markers made anew. Throws when it has no markers. */
export function updatePage(path: string, page: string, results: Results): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${path} has no place for the tables`);
  return `${page.slice(0, begin + BEGIN.length)}\n${PAGES[path]!(results)}${page.slice(end)}`;
}

/** Plots by their path in the repository. */
export function makePlots(results: Results): Map<string, string> {
  const plots = new Map<string, string>();
  for (const [suite, report] of results)
    for (const [name, svg] of drawPlots(report)) plots.set(plotPath(suite, name), svg);
  return plots;
}

function plotPath(suite: string, plot: string): string {
  const isShown = suite === SHOWN_PLOT.suite && plot === SHOWN_PLOT.plot;
  return `${isShown ? "docs/images" : "bench/results/plots"}/${suite}-${plot}.svg`;
}

// --- tables ----------------------------------------------------------------------------------------------------------------------

type TableMaker = (report: BenchReport) => string[];

const TABLES: Readonly<Record<string, TableMaker>> = {
  headline: headlineTable,
  resolution: resolutionTable,
  precision: precisionTable,
  tokens: tokensTable,
};

function makeSection(results: Results): string {
  const blocks = SUITES.flatMap(({ name, title }) => {
    const report = results.get(name);
    const make = TABLES[name];
    if (report === undefined || make === undefined) return [];
    const lines = [`**${title}**`, "", ...make(report), "", describeRun(report), ""];
    const { suite, plot, alt } = SHOWN_PLOT;
    const hasPlot = name === suite && drawPlots(report).has(plot);
    return hasPlot ? [...lines, `![${alt}](${relative("docs", plotPath(suite, plot))})`, ""] : lines;
  });
  return ["", ...blocks].join("\n");
}

/** A few rows: what larger pictures cost. */
function makeSummary(results: Results): string {
  const report = results.get("resolution");
  if (report === undefined) return "";
  const { models, sizes } = SUMMARY;
  const rows = report.rows.filter(({ model, height }) => models.includes(model) && sizes.includes(height));
  return ["", ...resolutionTable({ ...report, rows }), ""].join("\n");
}

/** A row a model: what it costs by count, and what that takes with one picture and with several. */
function headlineTable({ rows }: BenchReport): string[] {
  const batches = [...new Set(rows.map(({ batch }) => batch))].sort((a, b) => a - b);
  const models = [...new Set(rows.map(({ model }) => model))];
  const header = [
    "model",
    "parameters",
    "GMACs",
    ...batches.flatMap((batch) => [`ms, batch ${batch}`, "times the first"]),
    "of the limit",
    "memory",
  ];
  const body = models.map((model) => {
    const own = rows.filter((row) => row.model === model);
    const last = own.at(-1)!;
    return [
      code(model),
      last.parameters === undefined ? "" : `${(last.parameters / 1e6).toFixed(1)} M`,
      last.macs === undefined ? "" : (last.macs / 1e9).toFixed(last.macs < 1e9 ? 2 : 1),
      ...batches.flatMap((batch) => {
        const row = own.find((one) => one.batch === batch);
        return [row === undefined ? "" : milliseconds(row), row?.ratio?.median.toFixed(2) ?? ""];
      }),
      last.share_of_limit === undefined ? "" : `${(100 * last.share_of_limit).toFixed(0)} %`,
      last.fresh === undefined ? "" : `${(last.fresh.peak_bytes / 1e6).toFixed(0)} MB`,
    ];
  });
  return markdown(header, body);
}

/** A row a model, a column a size: milliseconds, and how many times the first model's. */
function resolutionTable({ rows }: BenchReport): string[] {
  const sizes = [...new Set(rows.map(({ height }) => height))].sort((a, b) => a - b);
  const body = [...new Set(rows.map(({ model }) => model))].map((model) => [
    code(model),
    ...sizes.map((size) => {
      const row = rows.find((one) => one.model === model && one.height === size);
      if (row === undefined) return "";
      const isFirst = model === rows[0]!.model;
      return `${milliseconds(row)}${isFirst || row.ratio === undefined ? "" : ` (${row.ratio.median.toFixed(1)}x)`}`;
    }),
  ]);
  return markdown(["ms a picture", ...sizes.map((size) => `${size} px`)], body);
}

/** A row a model and batch: each precision's milliseconds, and how many times faster the last one is than the first. */
function precisionTable({ rows }: BenchReport): string[] {
  const precisions = [...new Set(rows.map(({ precision }) => precision))];
  const keyOf = ({ model, ...row }: BenchRow) => `${model} ${contextKey({ ...row, precision: "" })}`;
  const batches = [...new Set(rows.map(({ batch }) => batch))].length > 1;
  const body = [...new Set(rows.map(keyOf))].map((key) => {
    const own = precisions.map((precision) => rows.find((row) => keyOf(row) === key && row.precision === precision));
    const first = own[0];
    const last = own.at(-1);
    const { model, batch } = own.find((row) => row !== undefined)!;
    const gain = first === undefined || last === undefined ? "" : (first.ms.median / last.ms.median).toFixed(2);
    return [
      code(model),
      ...(batches ? [String(batch)] : []),
      ...own.map((row) => (row === undefined ? "" : milliseconds(row))),
      gain === "" ? "" : `${gain}x`,
    ];
  });
  const header = ["model", ...(batches ? ["batch"] : []), ...precisions.map((name) => `${name}, ms`), "faster"];
  return markdown(header, body);
}

/** A row a reduction: what it costs by count, and how many times faster than with all tokens it is, round by round. */
function tokensTable({ rows }: BenchReport): string[] {
  const batches = [...new Set(rows.map(({ batch }) => batch))].sort((a, b) => a - b);
  const header = ["model", "GMACs", ...batches.flatMap((batch) => [`ms, batch ${batch}`, "faster"])];
  const body = [...new Set(rows.map(({ model }) => model))].map((model) => {
    const own = rows.filter((row) => row.model === model);
    return [
      code(model),
      own[0]!.macs === undefined ? "" : (own[0]!.macs / 1e9).toFixed(2),
      ...batches.flatMap((batch) => {
        const row = own.find((one) => one.batch === batch);
        return row === undefined ? ["", ""] : [milliseconds(row), `${(1 / (row.ratio?.median ?? 1)).toFixed(2)}x`];
      }),
    ];
  });
  return markdown(header, body);
}

/** What must be known to judge the numbers, and the command that repeats them. */
function describeRun(report: BenchReport): string {
  const { machine, engines, limits, rows, rounds_used: rounds, date, commit, command, load } = report;
  const threads = [...new Set(rows.map((row) => row.threads))].join(" and ");
  const limit = limits.map(({ gflops }) => `${gflops.toFixed(0)} GFLOP/s`).join(", ");
  const simd = machine.simd.filter((flag) => /^(avx2|avx512f|avx512_vnni|amx_int8|asimd|i8mm)$/.test(flag));
  const facts = [
    `${machine.processor} (${machine.cores} cores; ${simd.join(", ")}), ${threads} threads`,
    `${Object.values(engines).join(", ")}, ${machine.runtime}`,
    `medians of ${rounds} interleaved rounds, inference alone, a picture's share of a run`,
    ...(limit === "" ? [] : [`matrix products in the same rounds (the limit): ${limit} in float32`]),
    `${date.slice(0, 10)}${commit === undefined ? "" : `, commit ${commit}`}`,
  ];
  const warnings = load.quiet
    ? []
    : [`**Not a quiet machine: these numbers are not to be quoted.** ${load.notes.join(" ")}`];
  const repeat = command === undefined ? [] : [`\`${command}\``];
  return [...warnings, `${facts.join("; ")}.`, ...repeat].join(" ");
}

function milliseconds({ ms, batch }: BenchRow): string {
  const value = ms.median / batch;
  return value.toFixed(value < 9.95 ? 1 : 0);
}

function code(text: string): string {
  return `\`${text}\``;
}

/** The first column is text, all others are numbers. */
function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(header), line(header.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const results = readResults();
  for (const path of Object.keys(PAGES))
    writeFileSync(join(ROOT, path), updatePage(path, readFileSync(join(ROOT, path), "utf8"), results));
  for (const [path, svg] of makePlots(results)) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), svg);
  }
}
