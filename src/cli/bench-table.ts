// A benchmark's report as text: what held for all of it, then each model with its rows.
import type { BenchReport, BenchRow } from "../evaluate/bench/report.ts";
import { fold } from "./facts.ts";
import { compact, printable, table } from "./terminal.ts";

/** A column of the table; `undefined` cells are shown as a dash. */
interface Column {
  readonly title: string;
  readonly cell: (row: BenchRow) => string | undefined;
}

const LEGEND = {
  GMACs: "multiply-accumulates of a picture",
  ms: "a picture's share of a run, median",
  "±": "half of the middle half's width",
  "per s": "pictures a second",
  ratio: "time over the first model's, round by round",
  limit: "share of the machine's fp32 matrix products",
  MB: "most memory of a process of its own",
  start: "that process, from its start to its first answer",
} as const;

type Titled = Column & { readonly title: keyof typeof LEGEND };

const RESULTS: readonly Titled[] = [
  { title: "GMACs", cell: ({ macs }) => (macs === undefined ? undefined : gigas(macs)) },
  { title: "ms", cell: ({ ms, batch }) => sharp(ms.median / batch) },
  { title: "±", cell: ({ ms }) => `${((50 * (ms.q3 - ms.q1)) / ms.median).toFixed(0)} %` },
  { title: "per s", cell: ({ pictures_per_second }) => sharp(pictures_per_second) },
  { title: "ratio", cell: ({ ratio }) => ratio?.median.toFixed(2) },
  { title: "limit", cell: ({ share_of_limit: share }) => (share === undefined ? undefined : percent(share)) },
  { title: "MB", cell: ({ fresh }) => (fresh === undefined ? undefined : (fresh.peak_bytes / 1e6).toFixed(0)) },
  {
    title: "start",
    cell: ({ fresh }) =>
      fresh === undefined ? undefined : `${((fresh.start_ms + fresh.load_ms + fresh.first_ms) / 1000).toFixed(2)} s`,
  },
];

const SETTINGS: readonly Column[] = [
  { title: "px", cell: sizeText },
  { title: "batch", cell: ({ batch }) => String(batch) },
  { title: "device", cell: ({ device }) => device },
  { title: "precision", cell: ({ precision }) => precision },
  { title: "threads", cell: ({ threads }) => String(threads) },
];

const INDENT = "  ";
/** Columns that a narrow terminal does without, the first one first; JSON and CSV have them all. */
const EXPENDABLE: readonly Titled["title"][] = ["per s", "start", "GMACs", "MB"];

/** What was measured, in at most `columns` columns as long as names and numbers allow it. */
export function describeBench(report: BenchReport, columns: number): string {
  const { rows } = report;
  const varies = ({ cell }: Column) => new Set(rows.map(cell)).size > 1;
  const settings = SETTINGS.filter((column) => varies(column));
  let results = RESULTS.filter(({ cell }) => rows.some((row) => cell(row) !== undefined));
  let lines = layOut(rows, [...settings, ...results]);
  for (const title of EXPENDABLE) {
    if (lines[0]!.length + INDENT.length <= columns) break;
    results = results.filter((column) => column.title !== title);
    lines = layOut(rows, [...settings, ...results]);
  }
  const [header, ...cells] = lines;
  const body = rows.flatMap((row, i) => [
    ...(rows[i - 1]?.model === row.model ? [] : [printable(row.model)]),
    INDENT + cells[i],
  ]);
  const legend = results.map(({ title }) => `${title}: ${LEGEND[title]}`).join("; ");
  return [
    ...fold(introduction(report, varies), columns),
    ...report.load.notes.flatMap((note) => fold(note, columns)),
    "",
    INDENT + header,
    ...body,
    ...describeShares(rows, columns),
    "",
    ...fold(`${legend}.`, columns),
    "",
  ].join("\n");
}

/** A header and a line for each row. */
function layOut(rows: readonly BenchRow[], columns: readonly Column[]): string[] {
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row) ?? "-"));
  const right = columns.map((_, i) => i);
  return table(
    columns.map(({ title }) => title),
    cells,
    { right },
  )
    .trimEnd()
    .split("\n");
}

/** What all rows have in common. */
function introduction(report: BenchReport, varies: (column: Column) => boolean): string {
  const { rows, limits, engines, decode, rounds_used: rounds } = report;
  const first = rows[0];
  if (first === undefined) return "Nothing was measured.";
  const common = SETTINGS.filter((column) => !varies(column)).map(({ title, cell }) => {
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

const MOST_SHARES = 6;

/** Where time goes, a line or two a model, when it was asked for. */
function describeShares(rows: readonly BenchRow[], columns: number): string[] {
  return rows.flatMap((row) => {
    if (row.ops === undefined) return [];
    const list = (shares: readonly { name: string; share: number }[]) =>
      shares
        .toSorted((a, b) => b.share - a.share)
        .slice(0, MOST_SHARES)
        .map(({ name, share }) => `${printable(name) || "(no name)"} ${percent(share)}`)
        .join(", ");
    const parts = row.parts === undefined ? [] : fold(`by part: ${list(row.parts)}`, columns - 2);
    return [
      "",
      `${printable(row.model)}, ${sizeText(row)} px, batch ${row.batch}`,
      ...[...fold(`by op: ${list(row.ops)}`, columns - 2), ...parts].map((line) => `  ${line}`),
    ];
  });
}

function sizeText({ height, width, frames }: BenchRow): string {
  const size = height === width ? String(height) : `${width}x${height}`;
  return frames === undefined ? size : `${frames}x${size}`;
}

function gigas(macs: number): string {
  return macs < 1e6 ? compact(macs) : (macs / 1e9).toFixed(macs < 0.995e9 ? 2 : 1);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/** Three digits that mean something. */
function sharp(value: number): string {
  return value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}
