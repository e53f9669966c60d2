// A report's rows as comma-separated values (RFC 4180): one line a row, settings first, for spreadsheets and data frames.
import type { BenchReport, BenchRow } from "./report.ts";

type Cell = string | number | undefined;

const COLUMNS: Readonly<Record<string, (row: BenchRow, report: BenchReport) => Cell>> = {
  model: (row) => row.model,
  height: (row) => row.height,
  width: (row) => row.width,
  frames: (row) => row.frames,
  batch: (row) => row.batch,
  device: (row) => row.device,
  precision: (row) => row.precision,
  threads: (row) => row.threads,
  decode: (_, report) => String(report.decode),
  parameters: (row) => row.parameters,
  macs: (row) => row.macs,
  activation_bytes: (row) => row.activation_bytes,
  ms_median: (row) => row.ms.median,
  ms_q1: (row) => row.ms.q1,
  ms_q3: (row) => row.ms.q3,
  pictures_per_second: (row) => row.pictures_per_second,
  ratio_median: (row) => row.ratio?.median,
  ratio_q1: (row) => row.ratio?.q1,
  ratio_q3: (row) => row.ratio?.q3,
  share_of_limit: (row) => row.share_of_limit,
  compile_ms: (row) => row.compile_ms,
  start_ms: (row) => row.fresh?.start_ms,
  load_ms: (row) => row.fresh?.load_ms,
  first_ms: (row) => row.fresh?.first_ms,
  idle_bytes: (row) => row.fresh?.idle_bytes,
  peak_bytes: (row) => row.fresh?.peak_bytes,
  rounds: (_, report) => report.rounds_used,
  quiet: (_, report) => String(report.load.quiet),
};

/** A header and a line for each row. */
export function benchToCsv(report: BenchReport): string {
  const lines = report.rows.map((row) => Object.values(COLUMNS).map((cell) => print(cell(row, report))));
  return [Object.keys(COLUMNS), ...lines].map((cells) => `${cells.join(",")}\r\n`).join("");
}

function print(cell: Cell): string {
  if (cell === undefined) return "";
  if (typeof cell === "number") return String(Number.isInteger(cell) ? cell : Number(cell.toPrecision(5)));
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
