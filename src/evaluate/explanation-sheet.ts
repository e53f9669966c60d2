// Why a model answers as it does, as one picture: where it looked, look by look or all at once, or which tokens it went on with.
import { gazeSheet } from "../image/explain.ts";
import { type Glimpse, glimpseSheet } from "../image/glimpses.ts";
import type { Pixels } from "../image/pixels.ts";
import type { Sheet } from "../image/sheet.ts";
import { tokenSheet } from "../image/token-groups.ts";
import type { AdaptiveResult } from "../tasks/classify/adaptive-classifier.ts";
import type { ClassificationResult } from "../tasks/classify/results.ts";
import { percent } from "./percent.ts";

/** What any kind of classifier of pictures says of its looking. */
type Explained = Pick<ClassificationResult, "gaze" | "tokens"> & Partial<Pick<AdaptiveResult, "steps">>;

/** Predictions that stand above a drawing. */
const MOST_NAMED = 3;

export function explanationSheet(
  pixels: Pixels,
  { gaze, tokens, steps = [] }: Explained,
  headline: readonly string[],
): Sheet {
  if (gaze !== undefined) return gazeSheet(pixels, gaze, { headline });
  if (tokens !== undefined) return tokenSheet(pixels, tokens, { headline });
  return glimpseSheet(pixels, glimpsesOf({ steps }), { headline });
}

/** "guinea pig 91 %", one for each of the likeliest classes; "unknown" before them where it is none. */
export function headlineOf({ predictions, unknown }: Pick<ClassificationResult, "predictions" | "unknown">): string[] {
  const named = predictions.slice(0, MOST_NAMED).map(({ label, score }) => `${label} ${percent(score)}`);
  return unknown === true ? ["unknown", ...named] : named;
}

function glimpsesOf({ steps }: Pick<AdaptiveResult, "steps">): Glimpse[] {
  return steps.map(({ name, box, prediction }) => ({
    name,
    box,
    thought: `${prediction.label} ${percent(prediction.score)}`,
  }));
}
