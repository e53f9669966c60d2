// What needs the machine for itself, after the rounds: memory and cold start in new processes, and traces, which slow runs down. A failure here
// is a notice: the times stand.
import { AbortedError, SaccadeError } from "../../errors.ts";
import { nodeNames } from "../../onnx/node-names.ts";
import type { MeasuringHost } from "../../platform/host.ts";
import type { BenchHooks, BenchProgress } from "./hooks.ts";
import { type Station, settingOf } from "./plan.ts";
import { type BenchReport, type BenchRow, settingKey } from "./report.ts";
import { inputOf, inputShape } from "./runners.ts";
import { compileStation, type OpenStation } from "./sessions.ts";
import type { Compiled } from "./subjects.ts";
import { sharesOfTrace } from "./trace-shares.ts";

/** Runs in a process of its own after the first, so that memory is at its most; none where they are long. */
const FRESH_RUNS = 2;
const LONG_MS = 500;
/** Runs of a trace; the first one is not used. */
const TRACED_RUNS = 6;

/** Memory and cold start of every row, added to it. */
export function addFresh(
  host: MeasuringHost,
  report: BenchReport,
  stations: readonly OpenStation[],
  hooks: BenchHooks,
): Promise<void> {
  return forEachRow(host, rowsOf(report, stations), "memory and cold start", hooks, async (row, station, compiled) => {
    const { bytes, inputName, outputName } = compiled;
    const { device, threads } = station;
    const inputs = { [inputName]: inputShape(station, row.batch, compiled) };
    const runs = row.ms.median > LONG_MS ? 0 : FRESH_RUNS;
    const run = { model: bytes, device, threads, inputs, outputs: [outputName], runs };
    const facts = await host.runFresh(run, hooks.signal);
    row.fresh = {
      start_ms: facts.startMs,
      load_ms: facts.loadMs,
      first_ms: facts.firstMs,
      idle_bytes: facts.idleBytes,
      peak_bytes: facts.peakBytes,
    };
  });
}

/** What operators and parts take, added to the first row of each station. */
export function addTraces(
  host: MeasuringHost,
  report: BenchReport,
  stations: readonly OpenStation[],
  hooks: BenchHooks,
): Promise<void> {
  const rows = rowsOf(report, stations).filter(({ row, station }) => row.batch === station.batches[0]);
  return forEachRow(host, rows, "tracing", hooks, async (row, station, compiled) => {
    const { bytes, inputName, outputName } = compiled;
    const { device, threads } = station;
    const feeds = { [inputName]: inputOf(station, row.batch, compiled) };
    const runs = { device, threads, feeds, outputs: [outputName], runs: TRACED_RUNS };
    const { ops, parts } = sharesOfTrace(await host.trace(bytes, runs, hooks.signal), nodeNames(bytes));
    row.ops = [...ops];
    if (parts.length > 0) row.parts = [...parts];
  });
}

interface RowOfStation {
  readonly row: BenchRow;
  readonly station: Station;
}

/** Each row with the station it is from. */
function rowsOf(report: BenchReport, stations: readonly OpenStation[]): RowOfStation[] {
  const byKey = new Map(
    stations.flatMap(({ station, runner }) =>
      station.batches.map((batch) => [settingKey(settingOf(station, batch, runner.device)), station] as const),
    ),
  );
  return report.rows.flatMap((row) => {
    const station = byKey.get(settingKey(row));
    return station === undefined ? [] : [{ row, station }];
  });
}

/** Goes through rows until the signal fires. */
async function forEachRow(
  host: MeasuringHost,
  rows: readonly RowOfStation[],
  stage: BenchProgress["stage"],
  { signal, onProgress, onNotice }: BenchHooks,
  work: (row: BenchRow, station: Station, compiled: Compiled) => Promise<void>,
): Promise<void> {
  let last: { readonly station: Station; readonly compiled: Compiled } | undefined; // a station's rows follow each other
  for (const [i, { row, station }] of rows.entries()) {
    if (signal?.aborted === true) return;
    onProgress?.({ stage, done: i / rows.length, detail: row.model });
    if (last?.station !== station) last = { station, compiled: await compileStation(host, station) };
    try {
      await work(row, station, last.compiled);
    } catch (error) {
      if (error instanceof AbortedError) return;
      if (!(error instanceof SaccadeError)) throw error;
      onNotice?.(`saccade: ${stage} of ${row.model}: ${error.message}`);
    }
  }
}
