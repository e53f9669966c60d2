// From examples to a fitted head with all that belongs to an answer: the scale that makes decisions logits, and the rule for "none of these".
// What is measured is measured on pictures that the measured head has not seen.
import { type FeatureMatrix, featureMatrix, unitRows } from "../../learn/feature-matrix.ts";
import { decisions, type FittedHead } from "../../learn/heads.ts";
import {
  doubts,
  energies,
  fitMahalanobis,
  leftOutDistances,
  type Mahalanobis,
  mahalanobisDistances,
  neighbourDistances,
} from "../../learn/unknown.ts";
import { VOTE_FLOOR } from "../../models/learnt-head/graph.ts";
import { LEARNT_PREFIX, type LearntHead, type UnknownRule, type UnknownScore } from "../../models/learnt-head/head.ts";
import { type TensorData, tensor } from "../../tensor.ts";

/** What is done to features before a head sees them. */
export interface FeatureForm {
  /** Every feature becomes the square root of its size, with its sign. */
  readonly power: boolean;
  /** Then features are brought to length 1. */
  readonly normalize: boolean;
}

/** A head that answers. */
export interface FittedRecogniser {
  readonly described: LearntHead;
  readonly head: FittedHead;
  /** In the form that the head sees, where distances to examples are asked for. */
  readonly examples?: FeatureMatrix;
  readonly mahalanobis?: Mahalanobis;
}

/** Features in the form that a head sees, float64. */
export function inForm({ rows, width, data }: FeatureMatrix, { power, normalize }: FeatureForm): FeatureMatrix {
  const values = new Float64Array(data);
  if (power)
    for (let i = 0; i < values.length; i++) values[i] = Math.sign(values[i]!) * Math.sqrt(Math.abs(values[i]!));
  const powered = featureMatrix(rows, width, values);
  return normalize ? unitRows(powered) : powered;
}

/** A head's decisions as they become logits. */
export function scoresOf(head: FittedHead, features: FeatureMatrix): Float64Array {
  const scores = decisions(head, features);
  return head.kind === "linear" ? scores : voteScores(scores, head.k, head.classes);
}

/** Logarithms of shares of votes; a class without a vote has a trifle of one. */
export function voteScores(shares: Float64Array, k: number, classes: number): Float64Array {
  return shares.map((share) => Math.log((share * k + VOTE_FLOOR) / (k + classes * VOTE_FLOOR)));
}

export interface StrangenessOptions {
  readonly score: UnknownScore;
  /** Of "neighbours". */
  readonly k: number;
}

/** Of the covariance within classes, towards a multiple of the identity: few pictures say little of it. */
const SHRINKAGE = 0.1;

/** What measures how strange pictures are, fitted to those that the head has learnt from. */
export interface Strangeness {
  readonly mahalanobis?: Mahalanobis;
  readonly examples?: FeatureMatrix;
  /** @param logits of the rows; @returns larger is stranger */
  of(features: FeatureMatrix, logits: Float64Array): Float64Array;
  /** The same of the pictures that it was fitted to, by what has not seen them, where fitting sees them. */
  readonly unseen?: () => Float64Array;
}

export function fitStrangeness(
  { score, k }: StrangenessOptions,
  features: FeatureMatrix,
  targets: Int32Array,
  classes: number,
): Strangeness {
  switch (score) {
    case "probability":
      return { of: (_, logits) => doubts(logits, classes) };
    case "energy":
      return { of: (_, logits) => energies(logits, classes) };
    case "neighbours":
      return { examples: features, of: (rows) => neighbourDistances(rows, features, Math.min(k, features.rows)) };
    case "mahalanobis": {
      const mahalanobis = fitMahalanobis(features, targets, classes, SHRINKAGE);
      return {
        mahalanobis,
        of: (rows) => mahalanobisDistances(mahalanobis, rows).distances,
        unseen: () => leftOutDistances(mahalanobis, features, targets, SHRINKAGE),
      };
    }
  }
}

/** What a recogniser says of rows of features as the model gives them. */
export function answerRows(
  { described, head, examples, mahalanobis }: FittedRecogniser,
  given: FeatureMatrix,
): { readonly logits: Float64Array; readonly strangeness?: Float64Array } {
  const features = inForm(given, described);
  const logits = scoresOf(head, features).map((score) => score * described.scale);
  const rule = described.unknown;
  if (rule === undefined) return { logits };
  const strange = strangenessOf(rule, { features, logits, classes: described.classes, examples, mahalanobis });
  return { logits, strangeness: strange.map((value) => value - rule.threshold) };
}

interface Answered {
  readonly features: FeatureMatrix;
  readonly logits: Float64Array;
  readonly classes: number;
  readonly examples: FeatureMatrix | undefined;
  readonly mahalanobis: Mahalanobis | undefined;
}

function strangenessOf(
  rule: UnknownRule,
  { features, logits, classes, examples, mahalanobis }: Answered,
): Float64Array {
  switch (rule.score) {
    case "probability":
      return doubts(logits, classes);
    case "energy":
      return energies(logits, classes);
    case "neighbours":
      return neighbourDistances(features, examples!, rule.k ?? 1);
    case "mahalanobis":
      return mahalanobisDistances(mahalanobis!, features).distances;
  }
}

/** The weights of a fitted head, under the names that its graph has. */
export function headWeights({ head, examples, mahalanobis }: FittedRecogniser): ReadonlyMap<string, TensorData> {
  const weights = new Map<string, TensorData>();
  const set = (name: string, shape: readonly number[], values: ArrayLike<number>) =>
    weights.set(`${LEARNT_PREFIX}${name}`, tensor("float32", shape, Float32Array.from(values)));
  const stored = examples ?? (head.kind === "neighbours" ? head.examples : undefined);
  if (head.kind === "linear") {
    set("weight", [head.classes, head.width], head.weight);
    set("bias", [head.classes], head.bias);
  } else {
    const targets = BigInt64Array.from(head.targets, BigInt);
    weights.set(`${LEARNT_PREFIX}targets`, tensor("int64", [targets.length], targets));
  }
  if (stored !== undefined) set("examples", [stored.rows, stored.width], stored.data);
  if (mahalanobis !== undefined) {
    set("whitening", [mahalanobis.width, mahalanobis.width], mahalanobis.whiten);
    set("centres", [mahalanobis.classes, mahalanobis.width], mahalanobis.means);
  }
  return weights;
}
