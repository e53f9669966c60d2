// What a model in steps did, for people and for programs.
import type { Glimpse } from "../image/glimpses.ts";
import type { AdaptiveResult } from "../tasks/classify/adaptive-classifier.ts";
import { compact, printable } from "./terminal.ts";

type Steps = Pick<AdaptiveResult, "steps" | "stopped">;

/** "83 %", with a digit more below ten. */
export function percent(score: number): string {
  return `${(100 * score).toFixed(score >= 0.0995 ? 0 : 1)} %`;
}

const REASONS = {
  confident: ", then it was sure",
  value: ", then little was expected of going on",
  budget: ", then the budget was spent",
  complete: "",
} as const satisfies Record<AdaptiveResult["stopped"], string>;

/** "2 of 5 steps, then it was sure: guinea pig 62 %, guinea pig 91 %; 1.57 GMACs" */
export function describeSteps({ steps, stopped }: Steps, of: number): string {
  const answers = steps
    .map(({ prediction }) => `${printable(prediction.label)} ${percent(prediction.score)}`)
    .join(", ");
  return `${steps.length} of ${of} steps${REASONS[stopped]}: ${answers}; ${compact(steps.at(-1)!.macs, "MACs")}`;
}

export function stepsToJson({ steps, stopped }: Steps) {
  return {
    stopped,
    steps: steps.map(({ name, box, prediction, confidence, macs, value }) => ({
      name,
      box,
      prediction,
      confidence,
      macs,
      ...(value === undefined ? {} : { value }),
    })),
  };
}

export function glimpsesOf({ steps }: Pick<Steps, "steps">): Glimpse[] {
  return steps.map(({ name, box, prediction }) => ({
    name,
    box,
    thought: `${prediction.label} ${percent(prediction.score)}`,
  }));
}
