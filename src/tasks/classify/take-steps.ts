// One run of a model in steps: for every row of a batch an answer after each step, and a rule that says which rows go on.
import type { SequentialSession, StepResult } from "../../runtime/sequential-session.ts";
import { elementCount, type TensorData, toFloat32 } from "../../tensor.ts";
import { requireOutput } from "../engine/engine.ts";
import { softmax } from "./class-scores.ts";
import type { ExitRule, StopReason } from "./exit-rule.ts";
import { gazeOutputs, gazeStages } from "./gaze-outputs.ts";
import type { GazeStage } from "./results.ts";
import type { StepTimes } from "./step-times.ts";

export interface StepsOptions {
  readonly rule: ExitRule;
  /** Hears how long each step took. */
  readonly times: StepTimes;
  /** How many looks of `gaze.N.*` are wanted, of those that all steps describe; 0 for none. */
  readonly glimpses: number;
  readonly signal?: AbortSignal | undefined;
}

/** The steps that one row of a batch took. */
export interface TakenSteps {
  /** One score a class after each step. */
  readonly logits: readonly Float32Array[];
  /** What the model expected of further steps after each that says so. */
  readonly values: readonly number[];
  /** Where each step looked, x1, y1, x2, y2 in 0..1; undefined where it looked nowhere new. */
  readonly regions: readonly (Float32Array | undefined)[];
  readonly gaze: readonly GazeStage[];
  readonly stopped: StopReason;
}

const WHOLE_VIEW = Float32Array.of(0, 0, 1, 1);

/** @param images as the first stage takes them, a row a picture or clip; their memory is given away */
export async function takeSteps(
  session: SequentialSession,
  images: TensorData,
  { rule, times, glimpses, signal }: StepsOptions,
): Promise<TakenSteps[]> {
  const batch = images.shape[0]!;
  const taken = Array.from({ length: batch }, () => ({
    logits: [] as Float32Array[],
    values: [] as number[],
    regions: [] as (Float32Array | undefined)[],
    gaze: [] as GazeStage[],
    stopped: "complete" as StopReason,
  }));
  const start = performance.now();
  const choose = ({ step, rows, outputs, milliseconds }: StepResult): number[] => {
    times.add(step, rows.length, milliseconds);
    const logits = rowsOf(requireOutput(outputs, "logits"));
    const looked = outputs.region === undefined ? undefined : rowsOf(outputs.region);
    const values = outputs.value === undefined ? undefined : [...toFloat32(outputs.value)];
    const stops = rule({
      step,
      confidences: logits.map(confidenceOf),
      ...(values === undefined ? {} : { values }),
      batch,
      elapsedMs: performance.now() - start,
    });
    for (const [position, row] of rows.entries()) {
      const ofRow = taken[row]!;
      ofRow.logits.push(logits[position]!);
      if (values !== undefined) ofRow.values.push(values[position]!);
      ofRow.gaze.push(...gazeStages(outputs, position, glimpses));
      ofRow.regions.push(looked?.[position] ?? (step === 0 ? WHOLE_VIEW : undefined));
      ofRow.stopped = stops[position] ?? "complete";
    }
    return [...stops.keys()].filter((position) => stops[position] === undefined);
  };
  await session.run(images, choose, {
    outputs: ["logits", "region", "value", ...gazeOutputs(glimpses)],
    transferInputs: true,
    ...(signal === undefined ? {} : { signal }),
  });
  return taken;
}

/** Probability of the likeliest class, in float32 as the official evaluation has it: thresholds are float32 too. */
function confidenceOf(logits: Float32Array): number {
  return Math.fround(softmax(logits).reduce((most, value) => Math.max(most, value), 0));
}

/** (batch, …) as one array a row. */
function rowsOf(value: TensorData): Float32Array[] {
  const size = elementCount(value.shape.slice(1));
  const all = toFloat32(value);
  return Array.from({ length: value.shape[0] ?? 0 }, (_, row) => all.slice(row * size, (row + 1) * size));
}
