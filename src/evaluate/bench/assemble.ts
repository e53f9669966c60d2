// From raw times to a report's rows: medians over the rounds that count, ratios within rounds, and the share of what the machine could do.
import type { ModelCost } from "../../models/cost.ts";
import { spreadOf } from "../../statistics.ts";
import { type ProductProbe, productFlops } from "./product-rate.ts";
import { type BenchReport, type BenchRow, type BenchSetting, contextKey } from "./report.ts";

/** One setting with all that is known about it. */
export interface Measured {
  readonly setting: BenchSetting;
  /** Milliseconds of a run in each round; empty when it failed. */
  readonly times: readonly number[];
  /** For one picture, and for the whole batch. */
  readonly cost: { readonly single: ModelCost; readonly batch: ModelCost } | undefined;
  readonly parameters: number | undefined;
  readonly compileMs: number;
}

/** Matrix products, measured in the same rounds. */
export interface MeasuredProducts {
  readonly probe: ProductProbe;
  readonly device: string;
  readonly threads: number;
  readonly times: readonly number[];
}

/** The best rate for each device and number of threads. */
export function bestRates(products: readonly MeasuredProducts[], rounds: readonly number[]): BenchReport["limits"] {
  const best = new Map<string, BenchReport["limits"][number]>();
  for (const { probe, device, threads, times } of products) {
    const used = pick(times, rounds);
    if (used.length === 0) continue;
    const gflops = productFlops(probe) / (1e6 * spreadOf(used).median);
    const key = `${device} ${threads}`;
    if (gflops > (best.get(key)?.gflops ?? 0)) best.set(key, { device, threads, gflops, size: probe.size });
  }
  return [...best.values()];
}

/**
 * @param rounds positions of the rounds that count
 * @returns a row for each setting that has times, in their order
 */
export function assembleRows(
  measured: readonly Measured[],
  limits: BenchReport["limits"],
  rounds: readonly number[],
): BenchRow[] {
  const alive = measured.filter(({ times }) => times.length > 0);
  return alive.map((one) => {
    const { setting, times, cost, parameters, compileMs } = one;
    const ms = spreadOf(pick(times, rounds));
    const peers = alive.filter((other) => contextKey(other.setting) === contextKey(setting));
    const first = peers[0]!;
    const limit = limits.find(({ device, threads }) => device === setting.device && threads === setting.threads);
    const runMacs = cost === undefined ? undefined : cost.batch.macs - cost.batch.macsAtLoad;
    return {
      ...setting,
      ...(parameters === undefined ? {} : { parameters }),
      ...(cost === undefined ? {} : { macs: cost.single.macs, activation_bytes: cost.batch.activations.peakBytes }),
      ...(runMacs === undefined ? {} : { run_macs: runMacs }),
      ms,
      pictures_per_second: (1000 * setting.batch) / ms.median,
      ...(peers.length > 1 ? { ratio: spreadOf(rounds.map((i) => times[i]! / first.times[i]!)) } : {}),
      ...(limit === undefined || runMacs === undefined
        ? {}
        : { share_of_limit: (2 * runMacs) / (1e6 * ms.median) / limit.gflops }),
      compile_ms: compileMs,
    };
  });
}

function pick(times: readonly number[], rounds: readonly number[]): number[] {
  return rounds.flatMap((i) => times[i] ?? []);
}
