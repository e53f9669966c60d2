// How well a classifier answers: shares of right answers, loss, what is taken for what, calibration, and the worst mistakes.
import { type Interval, shareInterval } from "../statistics.ts";
import { crossEntropy, probabilitiesOf, problemOf } from "../tasks/classify/class-scores.ts";
import type { ScoreRow } from "../tasks/classify/results.ts";
import { type Calibration, CalibrationMeter } from "./calibration.ts";
import type { LabelMatch } from "./label-match.ts";

/** All shares are 0..1. */
export interface Accuracy {
  /** Pictures that were answered. */
  readonly count: number;
  /** Share whose likeliest class is the label. Pictures with labels that the model does not know count as wrong. */
  readonly top1: number;
  /** With a 95 % interval. */
  readonly top1Interval: Interval;
  /** Share whose label is among the five likeliest classes. */
  readonly top5: number;
  /** How many labels the model chooses among. Of five and fewer one is always among the first five, so `top5` says nothing then. */
  readonly choices: number;
  /** Mean cross-entropy (natural logarithm), over pictures whose label the model knows. */
  readonly loss: number;
  /** The same numbers over the pictures whose label the model knows; undefined when these are all. */
  readonly known: { readonly count: number; readonly top1: number; readonly top5: number } | undefined;
  /** Of a model that may answer "none of these", how often it did; that is in no other number here. */
  readonly unknown: CalledUnknown | undefined;
  /** In the order of the model's labels; those that it does not know come last. */
  readonly perClass: readonly ClassAccuracy[];
  readonly confusion: Confusion;
  readonly calibration: Calibration;
  /** Every picture that was answered wrongly, the model's surest first. */
  readonly mistakes: readonly Mistake[];
}

/** Pictures that were called unknown. */
export interface CalledUnknown {
  /** Of pictures whose label the model knows. */
  readonly known: { readonly count: number; readonly called: number };
  /** Of those whose label it does not know. */
  readonly others: { readonly count: number; readonly called: number };
}

export interface ClassAccuracy {
  readonly label: string;
  /** Whether the model has this label at all. */
  readonly isKnown: boolean;
  /** Pictures with this label. */
  readonly count: number;
  readonly correct: number;
  /** Pictures, of whatever label, that were taken for this. */
  readonly predicted: number;
  /** Share of those taken for this that are this; undefined when none was. */
  readonly precision: number | undefined;
  /** Share of this class that was found. */
  readonly recall: number;
  /** Harmonic mean of precision and recall; 0 when nothing was found. */
  readonly f1: number;
}

/** What is taken for what. */
export interface Confusion {
  readonly labels: readonly string[];
  /** Of each label, how often which answer: only what there is, because thousands of classes squared are too many. */
  readonly counts: readonly ReadonlyMap<number, number>[];
  /** Answers with a class that no picture is labelled with, by label. */
  readonly other: Uint32Array;
}

export interface Mistake {
  /** Place in the data set. */
  readonly index: number;
  readonly name: string;
  readonly label: string;
  readonly predicted: string;
  /** Probability of the answer. */
  readonly score: number;
  /** Probability of the label; 0 when the model does not know it. */
  readonly labelScore: number;
}

/** One answered picture. */
export interface ScoredPicture extends ScoreRow {
  readonly index: number;
  readonly name: string;
  /** The data's label number. */
  readonly label: number;
  /** Of a model that may answer "none of these": above 0 where it does. */
  readonly strangeness?: number;
}

const TOP = 5;

/**
 * Gathers answers, in any order.
 *
 * @example
 * const meter = new AccuracyMeter(matchLabels(dataset, classifier.labels), classifier.labels);
 * meter.add({ index: 0, name: "cat/1.jpg", label: 0, scores, kind: "logits" });
 * console.log(meter.result().top1);
 */
export class AccuracyMeter {
  readonly #match: LabelMatch;
  readonly #modelLabels: readonly string[];
  readonly #calibration = new CalibrationMeter();
  readonly #mistakes: Mistake[] = [];
  readonly #counts: readonly Map<number, number>[];
  readonly #predicted: Uint32Array;
  readonly #other: Uint32Array;
  #correct = 0;
  #inTop = 0;
  #count = 0;
  #known = 0;
  #loss = 0;
  readonly #unknown = { known: { count: 0, called: 0 }, others: { count: 0, called: 0 } };

  constructor(match: LabelMatch, modelLabels: readonly string[]) {
    this.#match = match;
    this.#modelLabels = modelLabels;
    this.#counts = match.classes.map(() => new Map());
    this.#predicted = new Uint32Array(match.classes.length);
    this.#other = new Uint32Array(match.classes.length);
  }

  /** @throws SessionError when a score is not a number: whatever was counted then would be wrong */
  add({ index, name, label, scores, kind, strangeness }: ScoredPicture): void {
    const problem = problemOf({ scores, kind }, `the model for ${name}`);
    if (problem !== undefined) throw problem;
    const place = this.#match.classOf[label]!;
    const { label: truth, modelIndex: target } = this.#match.classes[place]!;
    const probabilities = probabilitiesOf({ scores, kind });
    const answer = rankedFirst(scores);
    const isRight = answer === target;
    this.#count += 1;
    if (strangeness !== undefined) {
      const group = target >= 0 ? this.#unknown.known : this.#unknown.others;
      group.count += 1;
      group.called += Number(strangeness > 0);
    }
    this.#correct += Number(isRight);
    if (target >= 0) {
      this.#known += 1;
      this.#inTop += Number(rankOf(scores, target) < TOP);
      this.#loss += crossEntropy({ scores, kind }, target);
    }
    this.#calibration.add(probabilities[answer]!, isRight);
    const answerPlace = this.#match.classOfPrediction[answer]!;
    if (answerPlace >= 0) {
      const row = this.#counts[place]!;
      row.set(answerPlace, (row.get(answerPlace) ?? 0) + 1);
      this.#predicted[answerPlace]! += 1;
    } else this.#other[place]! += 1;
    if (!isRight)
      this.#mistakes.push({
        index,
        name,
        label: truth,
        predicted: this.#modelLabels[answer]!,
        score: probabilities[answer]!,
        labelScore: probabilities[target] ?? 0,
      });
  }

  result(): Accuracy {
    const count = this.#count;
    const isComplete = this.#match.unknown.length === 0;
    const share = (hits: number, of: number) => (of === 0 ? 0 : hits / of);
    return {
      count,
      top1: share(this.#correct, count),
      top1Interval: shareInterval(this.#correct, count),
      top5: share(this.#inTop, count),
      choices: this.#modelLabels.length,
      loss: share(this.#loss, this.#known),
      known: isComplete
        ? undefined
        : { count: this.#known, top1: share(this.#correct, this.#known), top5: share(this.#inTop, this.#known) },
      unknown: this.#unknown.known.count + this.#unknown.others.count === 0 ? undefined : this.#unknown,
      perClass: this.#match.classes.map((_, place) => this.#classAccuracy(place)),
      confusion: {
        labels: this.#match.classes.map(({ label }) => label),
        counts: this.#counts,
        other: this.#other,
      },
      calibration: this.#calibration.result(),
      mistakes: this.#mistakes.toSorted((a, b) => b.score - a.score || a.index - b.index),
    };
  }

  #classAccuracy(place: number): ClassAccuracy {
    const { label, modelIndex } = this.#match.classes[place]!;
    const row = this.#counts[place]!;
    const count = [...row.values()].reduce((sum, value) => sum + value, this.#other[place]!);
    const predicted = this.#predicted[place]!;
    const correct = row.get(place) ?? 0;
    return {
      label,
      isKnown: modelIndex >= 0,
      count,
      correct,
      predicted,
      precision: predicted === 0 ? undefined : correct / predicted,
      recall: count === 0 ? 0 : correct / count,
      f1: count + predicted === 0 ? 0 : (2 * correct) / (count + predicted),
    };
  }
}

/** Index of the largest score; of equal ones the first, as everywhere. */
function rankedFirst(scores: Float32Array): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
  return best;
}

/** How many classes come before this one. */
function rankOf(scores: Float32Array, target: number): number {
  const score = scores[target]!;
  let rank = 0;
  for (let i = 0; i < scores.length; i++) if (scores[i]! > score || (scores[i] === score && i < target)) rank++;
  return rank;
}

/** One class taken for another. */
export interface ConfusedPair {
  readonly label: string;
  readonly predicted: string;
  readonly count: number;
  /** Pictures of the label. */
  readonly of: number;
}

/** Pairs of classes by how often the first is taken for the second, most often first; also for answers that no picture is labelled with. */
export function confusedPairs({ mistakes, perClass }: Pick<Accuracy, "mistakes" | "perClass">): ConfusedPair[] {
  const sizes = new Map(perClass.map(({ label, count }) => [label, count]));
  const pairs = new Map<string, ConfusedPair>();
  for (const { label, predicted } of mistakes) {
    const key = JSON.stringify([label, predicted]);
    pairs.set(key, { label, predicted, count: (pairs.get(key)?.count ?? 0) + 1, of: sizes.get(label)! });
  }
  return [...pairs.values()].sort((a, b) => b.count - a.count || b.count / b.of - a.count / a.of);
}

/** By label, the classes that it is most often taken for: at most `most`, the most frequent first. */
export function mostTakenFor(
  accuracy: Pick<Accuracy, "mistakes" | "perClass">,
  most: number,
): Map<string, ConfusedPair[]> {
  const byLabel = new Map<string, ConfusedPair[]>();
  for (const pair of confusedPairs(accuracy)) {
    const own = byLabel.get(pair.label) ?? [];
    if (own.length < most) own.push(pair);
    byLabel.set(pair.label, own);
  }
  return byLabel;
}
