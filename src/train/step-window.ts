// What training says about itself between two lines of metrics: sums over the steps since the last line, and how fast it goes.
import type { Json } from "./run/checkpoint-progress.ts";
import type { StepReport } from "./trainer.ts";

const FIELDS = ["steps", "loss", "accuracy", "gradientNorm"] as const;
type Sums = Record<(typeof FIELDS)[number], number>;

/**
 * Sums over the steps since the last line of metrics. They are a part of a checkpoint: a run that was stopped between two lines writes the same
 * lines as an unbroken one. Times are not, because they belong to the process.
 */
export class StepWindow {
  #sums: Sums = { steps: 0, loss: 0, accuracy: 0, gradientNorm: 0 };
  #seconds = 0;
  #waitSeconds = 0;
  #timedSteps = 0;
  /** Of no use where an objective has no answer. */
  #hasAccuracy = true;

  /** Goes on with sums out of a checkpoint; anything else is an empty window. */
  static restore(json: Json | undefined): StepWindow {
    const window = new StepWindow();
    const saved = (json ?? {}) as Partial<Record<string, Json>>;
    if (FIELDS.every((field) => typeof saved[field] === "number")) window.#sums = { ...(saved as Sums) };
    return window;
  }

  /** Steps since the last line. */
  get steps(): number {
    return this.#sums.steps;
  }

  /** @param seconds of the whole step; `waitSeconds` of them it waited for its batch */
  add(report: StepReport, seconds: number, waitSeconds: number): void {
    this.#sums.steps += 1;
    this.#sums.loss += report.loss;
    this.#hasAccuracy = report.accuracy !== undefined;
    this.#sums.accuracy += report.accuracy ?? 0;
    this.#sums.gradientNorm += report.gradientNorm;
    this.#seconds += seconds;
    this.#waitSeconds += waitSeconds;
    this.#timedSteps += 1;
  }

  /** Means over the steps; shares of the time of those that ran in this process. */
  means() {
    const { steps, loss, accuracy, gradientNorm } = this.#sums;
    return {
      loss: loss / steps,
      accuracy: this.#hasAccuracy ? accuracy / steps : undefined,
      gradientNorm: gradientNorm / steps,
      stepsPerSecond: this.#seconds > 0 ? this.#timedSteps / this.#seconds : 0,
      waitShare: this.#seconds > 0 ? this.#waitSeconds / this.#seconds : 0,
    };
  }

  toJson(): Json {
    return { ...this.#sums };
  }
}

/** How long a step takes, recent ones counting more: for the time that is left. */
export class Pace {
  #seconds = 0;
  #weight = 0;

  add(seconds: number): void {
    this.#seconds = 0.98 * this.#seconds + seconds;
    this.#weight = 0.98 * this.#weight + 1;
  }

  /** Seconds a step; not a number before the first one. */
  get secondsPerStep(): number {
    return this.#seconds / this.#weight;
  }
}
