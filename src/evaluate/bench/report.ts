// What a benchmark found, as it is written to files and read back: tables, CSV and plots are made from this alone. Field names are the file's.
import { z } from "zod";
import { FormatError } from "../../errors.ts";

/** Version of the layout. */
export const BENCH_LAYOUT = 1;

const count = z.int().min(0);
const positive = z.int().min(1);
const amount = z.number().min(0);
const text = z.string().max(1000);

const spreadSchema = z.object({ median: amount, q1: amount, q3: amount });
const shareSchema = z.object({ name: text, share: z.number().min(0).max(1) });

const settingShape = {
  model: text,
  height: positive,
  width: positive,
  frames: positive.optional(),
  batch: positive,
  device: text,
  precision: text,
  threads: positive,
};

/** What one row measured: a model with everything that was chosen for it. */
export const settingSchema = z.object(settingShape);

const rowSchema = z.object({
  ...settingShape,
  /** Trained values. */
  parameters: count.optional(),
  /** Multiply-accumulates of one picture, all of the graph's, as papers count them. */
  macs: amount.optional(),
  /** Those of a whole run of this batch, without what does not depend on the picture. */
  run_macs: amount.optional(),
  /** The most bytes of values that are alive at once in a run, counted from the graph. */
  activation_bytes: amount.optional(),
  /** Milliseconds of a run of the whole batch. */
  ms: spreadSchema,
  pictures_per_second: amount,
  /** The run's time over that of the first model with the same settings, round by round. */
  ratio: spreadSchema.optional(),
  /** Operations of a run over what the machine's best fp32 matrix product does in the same time. */
  share_of_limit: amount.optional(),
  /** Building the graph and writing it as ONNX. */
  compile_ms: amount,
  /** In a process of its own. */
  fresh: z
    .object({ start_ms: amount, load_ms: amount, first_ms: amount, idle_bytes: amount, peak_bytes: amount })
    .optional(),
  /** Shares of the operators' time. */
  ops: z.array(shareSchema).max(1000).optional(),
  parts: z.array(shareSchema).max(10_000).optional(),
});

export const benchReportSchema = z.object({
  layout: z.literal(BENCH_LAYOUT),
  saccade: text,
  /** Of the sources, where somebody recorded it. */
  commit: text.optional(),
  /** The named set of measurements this is, and the command that repeats it. */
  suite: text.optional(),
  command: text.optional(),
  date: text,
  machine: z.object({
    processor: text,
    cores: positive,
    machine_cores: positive,
    simd: z.array(text).max(100),
    memory_bytes: count,
    platform: text,
    runtime: text,
  }),
  /** What executes, by device: "onnxruntime-node 1.30.0". */
  engines: z.record(text, text),
  seed: count,
  /** Whether a run begins with JPEG files or with the model's input. */
  decode: z.boolean(),
  rounds: count,
  /** Rounds that the numbers are from; the others were disturbed. */
  rounds_used: count,
  /** Whether everything that was asked for was measured. */
  complete: z.boolean(),
  load: z.object({
    /** What other work took of the machine, 0..1; null where it is not counted. */
    others: z.number().min(0).max(1).nullable(),
    /** Cores that the measuring process kept busy. */
    process_cores: amount,
    /** Whether the numbers may be quoted. */
    quiet: z.boolean(),
    notes: z.array(text).max(10),
  }),
  /** The machine's fp32 matrix products, in the same rounds. */
  limits: z.array(z.object({ device: text, threads: positive, gflops: amount, size: positive })).max(100),
  rows: z.array(rowSchema).max(10_000),
  /** What was not measured, and why. */
  skipped: z.array(z.object({ ...settingShape, reason: text })).max(10_000),
});

export type BenchReport = z.infer<typeof benchReportSchema>;
export type BenchRow = BenchReport["rows"][number];
export type BenchSetting = z.infer<typeof settingSchema>;

/** Throws FormatError naming the field. `where` is the path, for messages. */
export function parseBenchReport(json: string, where: string): BenchReport {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new FormatError(where, `not valid JSON (${(cause as Error).message})`, { cause });
  }
  const result = benchReportSchema.safeParse(value);
  if (!result.success)
    throw new FormatError(where, z.prettifyError(result.error).replaceAll("\n", " ").slice(0, 400), {
      hint: "this file is not what saccade bench --json writes",
    });
  return result.data;
}

/** Numbers are kept as sharp as they are, and no sharper: times to the microsecond, shares to a tenth of a percent. */
export function printBenchReport(report: BenchReport): string {
  const text = JSON.stringify(report, (_, value) => (typeof value === "number" ? rounded(value) : value), 2);
  return `${text}\n`;
}

function rounded(value: number): number {
  if (Number.isInteger(value)) return value;
  return Number(value.toPrecision(5));
}

/** The settings of a row in one text, equal exactly for equal settings. */
export function settingKey({ model, ...rest }: BenchSetting): string {
  return `${model} ${contextKey(rest)}`;
}

/** Everything but the model. */
export function contextKey(setting: Omit<BenchSetting, "model">): string {
  const { height, width, frames = 1, batch, device, precision, threads } = setting;
  return [frames, height, width, batch, device, precision, threads].join(" ");
}
