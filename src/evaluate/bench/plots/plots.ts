// Which plots a report has: those that its rows can fill, one of each kind for every batch, device and number of threads.
import type { BenchReport, BenchRow } from "../report.ts";
import { groupBy, seriesOf } from "./figure.ts";
import { drawThroughput } from "./throughput.ts";
import { drawTimeByMacs } from "./time-by-macs.ts";
import { drawOpShares, drawPartShares } from "./time-shares.ts";

/** File names without their ending, and SVG files as text. */
export function drawPlots(report: BenchReport): Map<string, string> {
  const plots = new Map<string, string>();
  for (const [suffix, rows] of groupBy(report.rows, suffixOf(report.rows))) {
    const note = describeRows(report, rows[0]!);
    const add = (name: string, text: string) => plots.set(`${name}${suffix}`, text);
    if (seriesOf(rows).some((series) => series.rows.length > 1)) add("throughput", drawThroughput(rows, note));
    if (rows.filter(({ macs }) => macs !== undefined).length > 1)
      add("time-by-macs", drawTimeByMacs(rows, limitOf(report, rows[0]!), note));
    if (rows.some(({ ops }) => ops !== undefined)) add("time-by-op", drawOpShares(rows, note));
    if (rows.some(({ parts }) => parts !== undefined)) add("time-by-part", drawPartShares(rows, note));
  }
  return plots;
}

/** What tells a row's plots from those of rows that do not belong into them: "-batch8", and nothing where all have it in common. */
function suffixOf(rows: readonly BenchRow[]): (row: BenchRow) => string {
  const facts: readonly ((row: BenchRow) => string)[] = [
    ({ batch }) => `-batch${batch}`,
    ({ device }) => `-${device}`,
    ({ threads }) => `-${threads}threads`,
  ];
  const varying = facts.filter((fact) => new Set(rows.map(fact)).size > 1);
  return (row) => varying.map((fact) => fact(row)).join("");
}

function limitOf({ limits }: BenchReport, row: BenchRow): BenchReport["limits"][number] | undefined {
  return limits.find(({ device, threads }) => device === row.device && threads === row.threads);
}

/** What must be known to compare a plot with another one. */
function describeRows({ machine, date, decode, load }: BenchReport, { batch, device, threads }: BenchRow): string {
  const warning = load.quiet ? "" : "; NOT a quiet machine";
  const begin = decode ? "from JPEG files" : "inference alone";
  const on = `${machine.processor}, ${threads} ${threads === 1 ? "thread" : "threads"}, ${device}`;
  return `${on}; batch ${batch}, ${begin}; ${date.slice(0, 10)}${warning}`;
}
