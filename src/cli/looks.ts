// What a model in steps did, for people.
import { percent } from "../evaluate/percent.ts";
import type { AdaptiveResult } from "../tasks/classify/adaptive-classifier.ts";
import { compact, printable } from "./terminal.ts";

type Steps = Pick<AdaptiveResult, "steps" | "stopped">;

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
