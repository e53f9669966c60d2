// Opens the session of every station, and those for matrix products, before the first round: rounds go around all of them.
import { SaccadeError } from "../../errors.ts";
import { kernelsFor } from "../../model-folder/device-kernels.ts";
import type { MeasuringHost } from "../../platform/host.ts";
import { type BenchHooks, stopIfAborted } from "./hooks.ts";
import type { Contender } from "./interleave.ts";
import { type BenchMeasures, type Plan, type Station, settingOf } from "./plan.ts";
import { NATIVE_PROBES, type ProductProbe, SLOW_PROBES } from "./product-rate.ts";
import { openProbe, openRunner, type Runner } from "./runners.ts";
import type { Compiled } from "./subjects.ts";

/** A station whose session is open. */
export interface OpenStation {
  readonly station: Station;
  readonly runner: Runner;
  readonly compileMs: number;
}

/** A session for matrix products. */
export interface OpenProbe {
  readonly probe: ProductProbe;
  readonly device: string;
  readonly threads: number;
  readonly contender: Contender;
  dispose(): Promise<void>;
}

export interface Sessions {
  readonly stations: readonly OpenStation[];
  readonly probes: readonly OpenProbe[];
  /** The settings of stations that could not be opened, and why. */
  readonly failed: Plan["skipped"];
}

/** @throws what opening threw first, when no station can be opened; AbortedError when the signal fires */
export async function openSessions(
  host: MeasuringHost,
  planned: readonly Station[],
  options: BenchMeasures,
  hooks: BenchHooks,
): Promise<Sessions> {
  const stations: OpenStation[] = [];
  const probes: OpenProbe[] = [];
  const failed: Plan["skipped"] = [];
  let failure: unknown;
  try {
    for (const [i, station] of planned.entries()) {
      stopIfAborted(hooks);
      hooks.onProgress?.({ stage: "loading", done: i / planned.length, detail: station.subject.name });
      try {
        stations.push(await openStation(host, station, options, hooks));
      } catch (error) {
        if (!(error instanceof SaccadeError)) throw error;
        failure ??= error;
        for (const batch of station.batches) failed.push({ ...settingOf(station, batch), reason: error.message });
      }
    }
    if (stations.length === 0) throw failure;
    if (options.limit) await openProbes(host, stations, probes);
    return { stations, probes, failed };
  } catch (error) {
    await closeSessions({ stations, probes });
    throw error;
  }
}

export async function closeSessions({ stations, probes }: Omit<Sessions, "failed">): Promise<void> {
  await Promise.all([...stations.map(({ runner }) => runner.dispose()), ...probes.map((probe) => probe.dispose())]);
}

/** A station's model for where it runs. */
export async function compileStation(host: MeasuringHost, station: Station): Promise<Compiled> {
  const { subject, extent, precision } = station;
  return subject.compile(extent, precision, await kernelsFor(host, subject.model, station));
}

async function openStation(
  host: MeasuringHost,
  station: Station,
  { decode, seed }: BenchMeasures,
  { onNotice }: BenchHooks,
): Promise<OpenStation> {
  await kernelsFor(host, station.subject.model, station); // asking the device is no part of compiling
  const startedAt = host.now();
  const compiled = await compileStation(host, station);
  const compileMs = host.now() - startedAt;
  const options = { decode, seed, ...(onNotice === undefined ? {} : { onNotice }) };
  return { station, runner: await openRunner(host, station, compiled, options), compileMs };
}

/** Matrix products on every device and with every number of threads that is measured. */
async function openProbes(host: MeasuringHost, stations: readonly OpenStation[], probes: OpenProbe[]): Promise<void> {
  const kinds = new Map(stations.map((open) => [`${open.runner.device} ${open.station.threads}`, open]));
  for (const { station, runner } of kinds.values())
    for (const probe of runner.device === "wasm" ? SLOW_PROBES : NATIVE_PROBES) {
      const { device } = runner;
      probes.push({ probe, device, threads: station.threads, ...(await openProbe(host, probe, station)) });
    }
}
