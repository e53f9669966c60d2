// Which measurements a benchmark is made of: models x sizes x devices x precisions x threads x batches, without those that cannot be, and why.
import { UsageError } from "../../errors.ts";
import type { TokenDial } from "../../model-folder/token-dial.ts";
import type { InputExtent } from "../../models/cost.ts";
import type { Precision } from "../../onnx/lower.ts";
import type { MachineFacts } from "../../platform/host.ts";
import type { Device } from "../../runtime/session.ts";
import type { BenchReport, BenchSetting } from "./report.ts";
import type { Subject } from "./subjects.ts";

/** A model and the sizes it is measured at. */
export interface BenchModel {
  /** A registered name, or the path of a model folder, checkpoint or ONNX file. */
  readonly source: string;
  /** How many tokens it works with. Default: as its configuration says. */
  readonly tokens?: TokenDial;
  /** Heights and widths. Empty: the model's usual size. */
  readonly resolutions: readonly number[];
}

export interface BenchOptions extends BenchMeasures {
  readonly models: readonly BenchModel[];
}

/** How models are measured, whichever they are. */
export interface BenchMeasures {
  readonly batches: readonly number[];
  readonly devices: readonly Device[];
  readonly precisions: readonly Precision[];
  readonly threads: readonly number[];
  /** At most so many rounds. */
  readonly rounds: number;
  /** About how long to measure, without loading and warming up. */
  readonly seconds: number;
  /** Of random weights, pictures and the order of measurements. */
  readonly seed: number;
  /** Begin with JPEG files instead of the model's input. */
  readonly decode: boolean;
  /** Measure the machine's matrix products too. */
  readonly limit: boolean;
  /** Measure memory and cold start, in a new process for each row. */
  readonly fresh: boolean;
  /** Record what every operator takes. */
  readonly trace: boolean;
}

/** A model at one size on one device: one session, which runs all batches. */
export interface Station {
  readonly subject: Subject;
  /** Without a batch. */
  readonly extent: InputExtent;
  readonly device: Device;
  readonly precision: Precision;
  readonly threads: number;
  readonly batches: readonly number[];
}

export interface Plan {
  readonly stations: readonly Station[];
  readonly skipped: BenchReport["skipped"];
}

export const MOST_SETTINGS = 256;
export const LARGEST_BATCH = 1024;
export const LARGEST_RESOLUTION = 16384;

/** Of the memory there is, what all sessions together may need by our estimate. */
const MEMORY_SHARE = 0.7;
/** Bytes in memory for a byte of weights: the engine keeps them, and a second time in the order its products like. */
const COPIES_OF_WEIGHTS = 2;
/** Engines hold on to memory that they had once, and need more than the graph's peak. */
const ACTIVATION_SLACK = 1.5;

/** A model that is open, and its sizes. */
export interface OpenModel {
  readonly subject: Subject;
  readonly resolutions: readonly number[];
}

/**
 * @throws UsageError when nothing is left to measure, or when all of it together would not fit into memory
 */
export function planBench(models: readonly OpenModel[], options: BenchMeasures, machine: MachineFacts): Plan {
  const stations: Station[] = [];
  const skipped: Plan["skipped"] = [];
  const memory = MEMORY_SHARE * machine.memoryBytes;
  for (const base of allStations(models, options)) {
    const batches = base.batches.filter((batch) => {
      const reason = obstacle(base, batch, memory, options.decode);
      if (reason !== undefined) skipped.push({ ...settingOf(base, batch), reason });
      return reason === undefined;
    });
    if (batches.length > 0) stations.push({ ...base, batches });
  }
  checkPlan(stations, skipped, memory);
  return { stations, skipped };
}

export function settingOf(station: Station, batch: number, device: string = station.device): BenchSetting {
  const { subject, extent, precision, threads } = station;
  const { height, width, frames } = extent;
  return {
    model: subject.name,
    height,
    width,
    ...(frames === undefined ? {} : { frames }),
    batch,
    device,
    precision,
    threads,
  };
}

function allStations(models: readonly OpenModel[], options: BenchMeasures): Station[] {
  const { devices, precisions, threads, batches } = options;
  return models.flatMap(({ subject, resolutions }) => {
    const { usual } = subject;
    const extents = resolutions.length === 0 ? [usual] : resolutions.map((n) => ({ ...usual, height: n, width: n }));
    return extents.flatMap((extent) =>
      devices.flatMap((device) =>
        precisions.flatMap((precision) =>
          threads.map((count) => ({ subject, extent, device, precision, threads: count, batches })),
        ),
      ),
    );
  });
}

function obstacle(station: Station, batch: number, memory: number, decode: boolean): string | undefined {
  const { subject, extent, precision } = station;
  const refusal = subject.refuses({ ...extent, batch }, precision);
  if (refusal !== undefined) return refusal;
  if (decode && extent.frames !== undefined) return "videos are not decoded here";
  const needed = estimateBytes({ ...station, batches: [batch] });
  if (needed > memory) return `it needs about ${gigabytes(needed)}; ${gigabytes(memory)} may be used`;
  return undefined;
}

function checkPlan(stations: readonly Station[], skipped: Plan["skipped"], memory: number): void {
  const settings = stations.reduce((sum, { batches }) => sum + batches.length, 0);
  if (settings === 0)
    throw new UsageError(
      "there is nothing to measure",
      skipped
        .slice(0, 5)
        .map(({ model, height, width, batch, reason }) => `${model} at ${width} x ${height}, batch ${batch}: ${reason}`)
        .join("\n"),
    );
  if (settings > MOST_SETTINGS)
    throw new UsageError(
      `${settings} combinations are too many; ${MOST_SETTINGS} is the limit`,
      "measure them in parts",
    );
  const needed = stations.reduce((sum, station) => sum + estimateBytes(station), 0);
  if (needed > memory)
    throw new UsageError(
      `all of it together needs about ${gigabytes(needed)} of memory; ${gigabytes(memory)} may be used`,
      "measure fewer models or sizes at a time: what is compared is kept in memory side by side",
    );
}

/** About what a station's session needs, with its largest batch. Files that nobody can count need what their weights need. */
function estimateBytes({ subject, extent, batches }: Station): number {
  const cost = subject.cost({ ...extent, batch: Math.max(...batches) });
  const weights = 4 * (subject.parameters ?? 0);
  return COPIES_OF_WEIGHTS * weights + ACTIVATION_SLACK * (cost?.activations.peakBytes ?? 0);
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
