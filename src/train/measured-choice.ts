// How well a model finds places while it learns, and which epoch is kept for that: the one with the best number, of equal ones the later, which learnt
// longer. Unlike labels of whole pictures, such a number is no mean over pictures, so epochs are not compared picture by picture.
import { z } from "zod";
import type { Json } from "./run/checkpoint-progress.ts";

/** How well places are found on validation pictures. */
export interface PlaceScore {
  /** What is compared, as people call it: "AP", "mIoU", "PQ". */
  readonly measure: string;
  /** Of it, 0..1, the larger the better; undefined where there is nothing to be found. */
  readonly value: number | undefined;
  /** It and others, 0..1, by their names in metrics.jsonl: "ap", "ap50", "miou"; those that are undefined say nothing. */
  readonly numbers: Readonly<Record<string, number | undefined>>;
  /** How many pictures were measured. */
  readonly pictures: number;
}

/** What an epoch's measurement came to. */
export interface MeasuredEpoch {
  /** From 0. */
  readonly epoch: number;
  /** Steps done by then. */
  readonly step: number;
  readonly measure: string;
  readonly value: number;
  readonly pictures: number;
}

/** Where the choice stands. */
export interface MeasuredChoice {
  /** The epoch that is kept. */
  readonly best: MeasuredEpoch;
  /** The last one that was measured. */
  readonly last: MeasuredEpoch;
}

/** Takes one more epoch into account; one in which there was nothing to be found changes nothing. */
export function chooseMeasured(
  before: MeasuredChoice | undefined,
  { epoch, step }: Pick<MeasuredEpoch, "epoch" | "step">,
  { measure, value, pictures }: PlaceScore,
): MeasuredChoice | undefined {
  if (value === undefined) return before;
  const now = { epoch, step, measure, value, pictures };
  return { best: before !== undefined && before.best.value > value ? before.best : now, last: now };
}

const count = z.int().min(0);
const epochSchema = z.object({ epoch: count, step: count, measure: z.string(), value: z.number(), pictures: count });
const choiceSchema = z.object({ best: epochSchema, last: epochSchema });

/** As a checkpoint keeps it. */
export function measuredToJson({ best, last }: MeasuredChoice): Json {
  return { best: { ...best }, last: { ...last } };
}

/** What a checkpoint kept; undefined where that is none. */
export function measuredOfJson(json: Json | undefined): MeasuredChoice | undefined {
  return choiceSchema.safeParse(json).data;
}
