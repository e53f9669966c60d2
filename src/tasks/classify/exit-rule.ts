// When to stop looking: as soon as the answer is sure enough, when the model expects too little of going on, or when the next step would cost too much. Each
// rule is a function of its own; all of them are here.
import { UsageError } from "../../errors.ts";
import type { SolvedThresholds } from "../../models/architecture.ts";
import type { StepTimes } from "./step-times.ts";

/** What stops a picture early. All of them may be given: the first that holds stops it. None: all steps are taken. */
export interface ExitOptions {
  /** Stop when the likeliest class has at least this probability, 0..1. */
  readonly threshold?: number;
  /** The same with one probability for each step, as `solveThresholds` gives them. The last one may be left out. */
  readonly thresholds?: readonly number[];
  /**
   * Stop when the model's value net expects no more than this of all further steps: by how much the cross-entropy will still fall, discounted. For models
   * that have one (AdaptiveNN).
   */
  readonly minimumValue?: number;
  /** Multiply-accumulates that no picture may exceed. The first step is always taken. */
  readonly budgetMacs?: number;
  /**
   * Milliseconds a picture may take in the model, decoding and preparing not included. The first step is always taken. Pictures that run
   * together share their time: when it does not last for all, the least sure go on.
   */
  readonly budgetMs?: number;
  /**
   * Multiply-accumulates that pictures may take on average, over many: thresholds that were stored with the model decide.
   */
  readonly averageMacs?: number;
}

/** Of options, those that stop early, where they are given. */
export function exitOptionsOf(options: ExitOptions): ExitOptions {
  const { threshold, thresholds, minimumValue, budgetMacs, budgetMs, averageMacs } = options;
  const all = { threshold, thresholds, minimumValue, budgetMacs, budgetMs, averageMacs };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Why a picture took no further step: sure enough, expected to gain too little, too expensive, or there is none. */
export type StopReason = "confident" | "value" | "budget" | "complete";

/** What is known of a model's steps. */
export interface StepCosts {
  /** Multiply-accumulates of each step for one picture. */
  readonly macs: readonly number[];
  readonly times: StepTimes;
  /** Thresholds stored with the model, if there are any. */
  readonly solved: readonly SolvedThresholds[];
  /** Whether the model says after each step but the last what further ones are worth. */
  readonly valuesSteps: boolean;
}

/** A step's outcome, as rules see it. */
export interface RuleInput {
  readonly step: number;
  /** Probability of the likeliest class, for each picture still running. */
  readonly confidences: readonly number[];
  /** What a model that says so expects of all further steps, for each of these pictures. */
  readonly values?: readonly number[];
  /** Pictures that the run began with, and milliseconds since then. */
  readonly batch: number;
  readonly elapsedMs: number;
}

/** Why each picture stops, undefined for those that go on. */
export type ExitRule = (input: RuleInput) => readonly (StopReason | undefined)[];

/** Why one picture, by its position, stops after a step; undefined when the rule lets it go on. */
type PictureRule = (input: RuleInput, position: number) => StopReason | undefined;

/** @throws UsageError for options that make no sense, or not for a model of so many steps */
export function exitRule(options: ExitOptions, costs: StepCosts): ExitRule {
  // In this order: the first that holds is the reason.
  const rules = [sureEnough(options, costs), worthNoMore(options, costs), spent(options, costs)];
  const timesOut = outOfTime(options, costs);
  const last = costs.macs.length - 1;
  return (input) => {
    if (input.step === last) return input.confidences.map(() => "complete");
    const stops = input.confidences.map((_, position) => {
      for (const rule of rules) {
        const reason = rule(input, position);
        if (reason !== undefined) return reason;
      }
      return undefined;
    });
    return timesOut(input, stops);
  };
}

/** The answer is as sure as its step's threshold asks: one for all steps, one each, or those stored for an average budget. */
function sureEnough(options: ExitOptions, costs: StepCosts): PictureRule {
  const thresholds = stepThresholds(options, costs);
  return ({ step, confidences }, position) => (confidences[position]! >= thresholds[step]! ? "confident" : undefined);
}

/** The model's own value net expects no more of going on than somebody asks for: how AdaptiveNN's paper stops. */
function worthNoMore({ minimumValue }: ExitOptions, { valuesSteps }: StepCosts): PictureRule {
  if (minimumValue === undefined) return () => undefined;
  if (!Number.isFinite(minimumValue)) throw new UsageError(`minimumValue must be a number, got ${minimumValue}`);
  if (!valuesSteps)
    throw new UsageError(
      "the model does not say what further steps are worth, so minimumValue cannot stop it",
      "an AdaptiveNN does; give a threshold for its confidence, or a budget",
    );
  return ({ values }, position) => (values![position]! <= minimumValue ? "value" : undefined);
}

/** The next step would exceed what multiply-accumulates a picture has. */
function spent({ budgetMacs }: ExitOptions, { macs }: StepCosts): PictureRule {
  const affordable = affordableSteps(budgetMacs, macs);
  return ({ step }) => (step + 1 >= affordable ? "budget" : undefined);
}

/** Pictures that run together share their milliseconds: those that would go on and for which no time is left stop too, the surest of them first. */
function outOfTime({ budgetMs }: ExitOptions, { times }: StepCosts) {
  if (budgetMs !== undefined) requirePositive("budgetMs", budgetMs);
  return ({ step, confidences, batch, elapsedMs }: RuleInput, stops: (StopReason | undefined)[]) => {
    if (budgetMs === undefined) return stops;
    const going = [...stops.keys()].filter((i) => stops[i] === undefined);
    going.sort((a, b) => confidences[a]! - confidences[b]! || a - b);
    const each = times.perPicture(step + 1, Math.max(1, going.length));
    const left = Math.max(0, batch * budgetMs - elapsedMs);
    for (const i of going.slice(each === 0 ? going.length : Math.floor(left / each))) stops[i] = "budget";
    return stops;
  };
}

function stepThresholds({ threshold, thresholds, averageMacs }: ExitOptions, costs: StepCosts): readonly number[] {
  const steps = costs.macs.length;
  if ([threshold, thresholds, averageMacs].filter((given) => given !== undefined).length > 1)
    throw new UsageError("thresholds and an average budget exclude each other: each says when an answer is sure");
  if (averageMacs !== undefined) return thresholdsForAverage(averageMacs, costs);
  if (threshold !== undefined && !(threshold >= 0 && threshold <= 1))
    throw new UsageError(`threshold is a probability from 0 to 1, got ${threshold}`);
  if (thresholds === undefined) return new Array<number>(steps).fill(threshold ?? Number.POSITIVE_INFINITY);
  if ((thresholds.length !== steps && thresholds.length !== steps - 1) || thresholds.some(Number.isNaN))
    throw new UsageError(`thresholds must be ${steps} numbers, one for each step, got ${thresholds.join(", ")}`);
  return thresholds;
}

/** The stored thresholds with the largest mean cost that a budget allows. Costs are compared as shares of what all steps cost. */
function thresholdsForAverage(averageMacs: number, { macs, solved }: StepCosts): readonly number[] {
  requirePositive("averageMacs", averageMacs);
  const [cheapest] = solved.toSorted((a, b) => a.share - b.share);
  if (cheapest === undefined)
    throw new UsageError(
      "the model carries no solved thresholds, so it cannot keep an average budget",
      "store some with: saccade eval MODEL PICTURES --save-thresholds; or give a threshold, or a budget for every picture",
    );
  const all = macs.reduce((a, b) => a + b, 0);
  const fitting = solved.filter(({ share }) => share * all <= averageMacs);
  if (fitting.length === 0)
    throw new UsageError(
      `an average of ${averageMacs} multiply-accumulates is less than the ${Math.ceil(cheapest.share * all)} of the cheapest stored thresholds`,
    );
  return fitting.reduce((best, row) => (row.share > best.share ? row : best)).thresholds;
}

/** How many steps the multiply-accumulates last for; the first is always taken. */
function affordableSteps(budget: number | undefined, macs: readonly number[]): number {
  if (budget === undefined) return macs.length;
  requirePositive("budgetMacs", budget);
  let spent = 0;
  const affordable = macs.findIndex((cost) => {
    spent += cost;
    return spent > budget;
  });
  return affordable < 0 ? macs.length : Math.max(1, affordable);
}

function requirePositive(name: string, value: number): void {
  if (!(value > 0) || !Number.isFinite(value)) throw new UsageError(`${name} must be a positive number, got ${value}`);
}
