// A whole benchmark: plan, load everything, measure round by round, then what needs the machine for itself.
import { AbortedError } from "../../errors.ts";
import type { MeasuringHost } from "../../platform/host.ts";
import { RandomSource } from "../../random.ts";
import { addFresh, addTraces } from "./after-rounds.ts";
import { assembleRows, bestRates, type Measured } from "./assemble.ts";
import { type BenchHooks, stopIfAborted } from "./hooks.ts";
import { type Interleaved, interleave, LEAST_ROUNDS } from "./interleave.ts";
import { describeLoad, judgeLoad } from "./load.ts";
import {
  type BenchMeasures,
  type BenchOptions,
  type OpenModel,
  type Plan,
  planBench,
  type Station,
  settingOf,
} from "./plan.ts";
import { BENCH_LAYOUT, type BenchReport } from "./report.ts";
import { closeSessions, openSessions, type Sessions } from "./sessions.ts";
import { benchName, openSubject, type Subject } from "./subjects.ts";

/**
 * Measures what the options say. An abort ends it early: what is measured by then is reported, as not complete.
 *
 * @param version of this program, for the report
 * @throws UsageError when there is nothing to measure, AbortedError when it is aborted before a whole round is measured, and what loading
 *   models, opening sessions or running them throws when nothing is left to measure
 */
export async function runBench(
  host: MeasuringHost,
  options: BenchOptions,
  version: string,
  hooks: BenchHooks = {},
): Promise<BenchReport> {
  return benchModels(host, await openModels(host, options, hooks), options, version, hooks);
}

/** The same for models that are open already. */
export async function benchModels(
  host: MeasuringHost,
  models: readonly OpenModel[],
  options: BenchMeasures,
  version: string,
  hooks: BenchHooks = {},
): Promise<BenchReport> {
  const plan = planBench(models, options, host.machine);
  const sessions = await openSessions(host, plan.stations, options, hooks);
  let measured: Interleaved;
  try {
    measured = await measure(host, sessions, options, hooks);
  } finally {
    await closeSessions(sessions);
  }
  const report: BenchReport = {
    layout: BENCH_LAYOUT,
    saccade: version,
    date: host.date(),
    machine: describeHost(host),
    engines: Object.fromEntries(sessions.stations.map(({ runner }) => [runner.device, runner.engine])),
    seed: options.seed,
    decode: options.decode,
    ...describeRounds(plan, sessions, measured),
  };
  if (options.fresh) await addFresh(host, report, sessions.stations, hooks);
  if (options.trace) await addTraces(host, report, sessions.stations, hooks);
  return { ...report, complete: hooks.signal?.aborted !== true };
}

async function openModels(host: MeasuringHost, { models, seed, decode }: BenchOptions, hooks: BenchHooks) {
  // How a foreign file wants its pictures does not matter where none is decoded.
  const onNotice = decode ? hooks.onNotice : undefined;
  const opened = new Map<string, Subject>();
  for (const [i, model] of models.entries()) {
    const name = benchName(model);
    if (opened.has(name)) continue;
    stopIfAborted(hooks);
    hooks.onProgress?.({ stage: "loading", done: i / models.length, detail: name });
    opened.set(name, await openSubject(host, model, seed, onNotice));
  }
  return models.map((model) => ({ subject: opened.get(benchName(model))!, resolutions: model.resolutions }));
}

async function measure(
  host: MeasuringHost,
  { stations, probes }: Sessions,
  options: BenchMeasures,
  { signal, onProgress }: BenchHooks,
): Promise<Interleaved> {
  const contenders = [
    ...stations.flatMap(({ station, runner }) => station.batches.map((batch) => runner.contender(batch))),
    ...probes.map(({ contender }) => contender),
  ];
  const measured = await interleave(contenders, {
    rounds: Math.max(LEAST_ROUNDS, options.rounds),
    seconds: options.seconds,
    random: new RandomSource(options.seed, "bench/order"),
    now: host.now,
    readLoad: host.readLoad,
    cores: host.machine.machineCores,
    ...(signal === undefined ? {} : { signal }),
    onProgress: ({ stage, done, rounds }) =>
      onProgress?.({ stage, done, detail: stage === "measuring" ? `round ${rounds + 1}` : "" }),
  });
  if (measured.loads.length > 0 && measured.times.some((times) => times.length > 0)) return measured;
  const failure = measured.failures.find((error) => error !== undefined);
  throw measured.stopped || failure === undefined ? new AbortedError("the benchmark", signal?.reason) : failure;
}

function describeHost({ machine, platform, runtime }: MeasuringHost): BenchReport["machine"] {
  return {
    processor: machine.processor,
    cores: machine.cores,
    machine_cores: machine.machineCores,
    simd: [...machine.simd],
    memory_bytes: machine.memoryBytes,
    platform,
    runtime,
  };
}

/** What the rounds alone tell. */
function describeRounds(plan: Plan, { stations, probes, failed }: Sessions, { times, loads, failures }: Interleaved) {
  const settings = stations.flatMap(({ station, runner, compileMs }) =>
    station.batches.map((batch) => ({
      setting: settingOf(station, batch, runner.device),
      cost: costsOf(station, batch),
      parameters: station.subject.parameters,
      compileMs,
    })),
  );
  const verdict = judgeLoad(loads);
  const products = probes.map((probe, i) => ({ ...probe, times: times[settings.length + i]! }));
  const limits = bestRates(products, verdict.used);
  const broken = settings.flatMap(({ setting }, i) =>
    failures[i] === undefined ? [] : [{ ...setting, reason: failures[i].message }],
  );
  return {
    rounds: loads.length,
    rounds_used: verdict.used.length,
    complete: true,
    load: {
      others: verdict.others ?? null,
      process_cores: verdict.processCores,
      quiet: verdict.isQuiet,
      notes: describeLoad(verdict, loads.length),
    },
    limits,
    rows: assembleRows(
      settings.map((one, i) => ({ ...one, times: times[i]! })),
      limits,
      verdict.used,
    ),
    skipped: [...plan.skipped, ...failed, ...broken],
  };
}

function costsOf({ subject, extent }: Station, batch: number): Measured["cost"] {
  const single = subject.cost({ ...extent, batch: 1 });
  const whole = subject.cost({ ...extent, batch });
  return single === undefined || whole === undefined ? undefined : { single, batch: whole };
}
