// Models that run in steps, measured: how good the answer is after each step, and what stopping early saves at which accuracy.
import type { EarlyExitThresholds } from "../model-folder/model.ts";
import { softmax } from "../tasks/classify/class-scores.ts";
import { CURVE_RATIOS, type ExitResult, evaluateExits, exitShares, solveThresholds } from "./early-exit.ts";

/** The answer after a step that every picture took. */
export interface StepAccuracy {
  /** Multiply-accumulates of this step and those before it, for one picture. */
  readonly macs: number;
  /** Share answered rightly, 0..1. */
  readonly top1: number;
}

/** Stopping at thresholds: solved on one half of the pictures, measured on the other, and the other way round. */
export interface EarlyExitPoint {
  /** How the shares of pictures that stop grow from step to step (`exitShares`). */
  readonly ratio: number;
  /** Mean multiply-accumulates of a picture. */
  readonly macs: number;
  readonly top1: number;
  /** Share of the pictures that stopped after each step. */
  readonly exits: readonly number[];
  /** Solved on all pictures, for use elsewhere. */
  readonly thresholds: readonly number[];
}

/** Stopping where the model expects no more of going on: one value for all steps, which needs no solving. */
export interface ValueExitPoint extends Pick<EarlyExitPoint, "macs" | "top1" | "exits"> {
  readonly minimumValue: number;
}

export interface StepEvaluation {
  readonly steps: readonly StepAccuracy[];
  /** Of a model with a value net: from cheap to thorough. */
  readonly valueCurve?: readonly ValueExitPoint[];
  /** From cheap to thorough; empty for fewer than two pictures. */
  readonly curve: readonly EarlyExitPoint[];
}

/**
 * Gathers the answers of pictures that took all steps.
 *
 * @example
 * const classifier = await AdaptiveClassifier.load("gfnet_resnet50_96.pth.tar");
 * const meter = new StepMeter(classifier.stepMacs);
 * const [elephant] = await classifier.scores([image]);
 * if (elephant) meter.add(elephant.stepLogits, 386);
 * console.log(meter.result().steps.at(-1)?.top1);
 */
export class StepMeter {
  readonly #costs: readonly number[];
  readonly #confidences: readonly number[][];
  readonly #isRight: readonly number[][];
  /** By step but the last, where the model says them. */
  readonly #values: readonly number[][];

  /** @param stepMacs multiply-accumulates of each step for one picture */
  constructor(stepMacs: readonly number[]) {
    let sum = 0;
    this.#costs = stepMacs.map((macs) => {
      sum += macs;
      return sum;
    });
    this.#confidences = stepMacs.map(() => []);
    this.#isRight = stepMacs.map(() => []);
    this.#values = stepMacs.slice(1).map(() => []);
  }

  /**
   * @param target the model's index of the right class, -1 when it does not know that class
   * @param stepValues what the model expected of going on, after each step but the last
   */
  add(stepLogits: readonly Float32Array[], target: number, stepValues?: readonly number[]): void {
    stepValues?.forEach((value, step) => {
      this.#values[step]!.push(value);
    });
    for (const [step, logits] of stepLogits.entries()) {
      const probabilities = softmax(logits);
      const confidence = probabilities.reduce((most, value) => Math.max(most, value), 0);
      this.#confidences[step]!.push(confidence);
      this.#isRight[step]!.push(Number(target >= 0 && probabilities.indexOf(confidence) === target));
    }
  }

  result(): StepEvaluation {
    const count = this.#isRight[0]?.length ?? 0;
    const steps = this.#costs.map((macs, step) => ({
      macs,
      top1: count === 0 ? 0 : this.#isRight[step]!.reduce((a, b) => a + b, 0) / count,
    }));
    const curve = count < 2 ? [] : CURVE_RATIOS.map((ratio) => this.#point(ratio, count));
    const hasValues = count > 0 && this.#values[0]?.length === count;
    return { steps, curve, ...(hasValues ? { valueCurve: this.#valueCurve(count) } : {}) };
  }

  /** At the values that a twentieth, two twentieths, … of the pictures have after the first step. */
  #valueCurve(count: number): ValueExitPoint[] {
    const first = this.#values[0]!.toSorted((a, b) => b - a);
    const levels = Array.from(
      { length: VALUE_POINTS },
      (_, i) => first[Math.floor((count * (i + 1)) / VALUE_POINTS) - 1],
    );
    const wanted = [...new Set(levels.flatMap((level) => level ?? []))];
    // The less is expected the surer it is that one may stop; the last step is not asked.
    const certainties = [...this.#values, this.#values[0]!].map((row) => Float64Array.from(row, (value) => -value));
    return wanted
      .map((minimumValue) => {
        const thresholds = this.#costs.map(() => -minimumValue);
        const { cost, accuracy, exits } = evaluateExits(certainties, this.#isRight, this.#costs, thresholds);
        return { minimumValue, macs: cost, top1: accuracy, exits: exits.map((stopped) => stopped / count) };
      })
      .toSorted((a, b) => a.macs - b.macs);
  }

  #point(ratio: number, count: number): EarlyExitPoint {
    const shares = exitShares(ratio, this.#costs.length);
    const half = (parity: number): Half => ({
      confidences: this.#confidences.map((row) => Float32Array.from(row.filter((_, i) => i % 2 === parity))),
      isRight: this.#isRight.map((row) => row.filter((_, i) => i % 2 === parity)),
    });
    const [even, odd] = [half(0), half(1)];
    const halves = [
      measure(odd, this.#costs, solveThresholds(even.confidences, shares)),
      measure(even, this.#costs, solveThresholds(odd.confidences, shares)),
    ] as const;
    const mean = (of: (result: ExitResult) => number) =>
      halves.reduce((sum, result) => sum + of(result) * result.count, 0) / count;
    const all = this.#confidences.map((row) => Float32Array.from(row));
    return {
      ratio,
      macs: mean(({ cost }) => cost),
      top1: mean(({ accuracy }) => accuracy),
      exits: this.#costs.map((_, step) => halves.reduce((sum, { exits }) => sum + exits[step]!, 0) / count),
      thresholds: [...solveThresholds(all, shares)],
    };
  }
}

/**
 * The curve as a model carries it: each point's cost as a share of what all steps cost. A point that costs as much as another and more, and is
 * no more often right, is left out.
 */
export function thresholdPoints({ steps, curve }: StepEvaluation): EarlyExitThresholds[] {
  const all = steps.at(-1)?.macs ?? 0;
  const points: EarlyExitThresholds[] = [];
  for (const { macs, top1, thresholds } of curve.toSorted((a, b) => a.macs - b.macs || b.top1 - a.top1))
    if (points.every((cheaper) => cheaper.top1! < top1)) points.push({ share: macs / all, top1, thresholds });
  return points;
}

/** Of the curve of stopping by value. */
const VALUE_POINTS = 20;

interface Half {
  readonly confidences: readonly Float32Array[];
  readonly isRight: readonly (readonly number[])[];
}

function measure({ confidences, isRight }: Half, costs: readonly number[], thresholds: Float32Array) {
  return { ...evaluateExits(confidences, isRight, costs, thresholds), count: confidences[0]!.length };
}
