// A benchmark's report as a table: which columns there are, what stands in them, and what held for all rows. The command line and pages lay it out.
import type { BenchReport, BenchRow } from "./report.ts";

/** A column; `undefined` cells are shown as a dash. */
export interface BenchColumn {
  readonly title: string;
  /** What the title means; settings explain themselves. */
  readonly legend?: string;
  readonly cell: (row: BenchRow) => string | undefined;
}

const RESULTS: readonly BenchColumn[] = [
  {
    title: "GMACs",
    legend: "multiply-accumulates of a picture",
    cell: ({ macs }) => (macs === undefined ? undefined : gigas(macs)),
  },
  { title: "ms", legend: "a picture's share of a run, median", cell: ({ ms, batch }) => sharp(ms.median / batch) },
  {
    title: "±",
    legend: "half of the middle half's width",
    cell: ({ ms }) => `${((50 * (ms.q3 - ms.q1)) / ms.median).toFixed(0)} %`,
  },
  { title: "per s", legend: "pictures a second", cell: ({ pictures_per_second }) => sharp(pictures_per_second) },
  {
    title: "ratio",
    legend: "time over the first model's, round by round",
    cell: ({ ratio }) => ratio?.median.toFixed(2),
  },
  {
    title: "limit",
    legend: "share of the machine's fp32 matrix products",
    cell: ({ share_of_limit: share }) => (share === undefined ? undefined : percent(share)),
  },
  {
    title: "MB",
    legend: "most memory of a process of its own",
    cell: ({ fresh }) => (fresh === undefined ? undefined : (fresh.peak_bytes / 1e6).toFixed(0)),
  },
  {
    title: "start",
    legend: "that process, from its start to its first answer",
    cell: ({ fresh }) =>
      fresh === undefined ? undefined : `${((fresh.start_ms + fresh.load_ms + fresh.first_ms) / 1000).toFixed(2)} s`,
  },
];

const SETTINGS: readonly BenchColumn[] = [
  { title: "px", cell: sizeText },
  { title: "batch", cell: ({ batch }) => String(batch) },
  { title: "device", cell: ({ device }) => device },
  { title: "precision", cell: ({ precision }) => precision },
  { title: "threads", cell: ({ threads }) => String(threads) },
];

const varies = (rows: readonly BenchRow[], { cell }: BenchColumn) => new Set(rows.map(cell)).size > 1;

/** Settings that differ, then results that somebody has. */
export function benchColumns({ rows }: BenchReport): BenchColumn[] {
  return [
    ...SETTINGS.filter((column) => varies(rows, column)),
    ...RESULTS.filter(({ cell }) => rows.some((row) => cell(row) !== undefined)),
  ];
}

/** What all rows have in common, in a sentence or two. */
export function benchIntroduction(report: BenchReport): string {
  const { rows, limits, engines, decode, rounds_used: rounds } = report;
  const first = rows[0];
  if (first === undefined) return "Nothing was measured.";
  const common = SETTINGS.filter((column) => !varies(rows, column)).map(({ title, cell }) => {
    const text = cell(first)!;
    if (title === "px") return text.includes("x") ? text : `${text} x ${text} pixels`;
    if (title === "threads") return `${text} ${text === "1" ? "thread" : "threads"}`;
    return title === "batch" ? `batch ${text}` : text;
  });
  const begin = decode ? "from JPEG files to answers" : "from a model's input to its output";
  const products = limits.map(
    ({ device, threads, gflops }) =>
      `${gflops.toFixed(0)} GFLOP/s${limits.length > 1 ? ` (${device}, ${threads} threads)` : ""}`,
  );
  return [
    `${[...common, ...new Set(Object.values(engines))].join(", ")}; ${begin}; ${rounds} rounds.`,
    ...(products.length === 0 ? [] : [`Matrix products in the same rounds: ${products.join(", ")}.`]),
  ].join(" ");
}

/** What the titles mean. */
export function benchLegend(columns: readonly BenchColumn[]): string {
  const meanings = columns.flatMap(({ title, legend }) => (legend === undefined ? [] : [`${title}: ${legend}`]));
  return `${meanings.join("; ")}.`;
}

/** The table for documents. */
export function benchToMarkdown(report: BenchReport): string {
  const columns = benchColumns(report);
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [
    benchIntroduction(report),
    ...report.load.notes,
    "",
    line(["model", ...columns.map(({ title }) => title)]),
    `|---|${columns.map(() => "---:|").join("")}`,
    ...report.rows.map((row) => line([row.model, ...columns.map(({ cell }) => cell(row) ?? "-")])),
    "",
    benchLegend(columns),
    "",
  ].join("\n");
}

/** "224", "96x64", "8x224" of clips. */
export function sizeText({ height, width, frames }: BenchRow): string {
  const size = height === width ? String(height) : `${width}x${height}`;
  return frames === undefined ? size : `${frames}x${size}`;
}

function gigas(macs: number): string {
  return macs < 1e6 ? `${(macs / 1e3).toPrecision(3)} k` : (macs / 1e9).toFixed(macs < 0.995e9 ? 2 : 1);
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/** Three digits that mean something. */
function sharp(value: number): string {
  return value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}
