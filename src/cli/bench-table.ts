// A benchmark's report as text: what held for all of it, then each model with its rows.
import type { BenchReport, BenchRow } from "../evaluate/bench/report.ts";
import {
  type BenchColumn,
  benchColumns,
  benchIntroduction,
  benchLegend,
  percent,
  sizeText,
} from "../evaluate/bench/table.ts";
import { fold } from "./facts.ts";
import { printable, table } from "./terminal.ts";

const INDENT = "  ";
/** Columns that a narrow terminal does without, the first one first; JSON and CSV have them all. */
const EXPENDABLE: readonly string[] = ["per s", "start", "GMACs", "MB"];

/** What was measured, in at most `width` columns of text as long as names and numbers allow it. */
export function describeBench(report: BenchReport, width: number): string {
  const { rows } = report;
  let columns = benchColumns(report);
  let lines = layOut(rows, columns);
  for (const title of EXPENDABLE) {
    if (lines[0]!.length + INDENT.length <= width) break;
    columns = columns.filter((column) => column.title !== title);
    lines = layOut(rows, columns);
  }
  const [header, ...cells] = lines;
  const body = rows.flatMap((row, i) => [
    ...(rows[i - 1]?.model === row.model ? [] : [printable(row.model)]),
    INDENT + cells[i],
  ]);
  return [
    ...fold(benchIntroduction(report), width),
    ...report.load.notes.flatMap((note) => fold(note, width)),
    "",
    INDENT + header,
    ...body,
    ...describeShares(rows, width),
    "",
    ...fold(benchLegend(columns), width),
    "",
  ].join("\n");
}

/** A header and a line for each row. */
function layOut(rows: readonly BenchRow[], columns: readonly BenchColumn[]): string[] {
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
