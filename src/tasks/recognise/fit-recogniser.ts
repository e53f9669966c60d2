// Fits a recogniser to examples: which head, with which strength, how sure it is, and from which strangeness on a picture is none of the classes.
import { UsageError } from "../../errors.ts";
import { temperatureOf } from "../../learn/calibration.ts";
import { type FeatureMatrix, featureMatrix, unitRows } from "../../learn/feature-matrix.ts";
import { type FitOptions, type FittedHead, type HeadName, validateHead } from "../../learn/heads.ts";
import { type Nearest, nearestOthers } from "../../learn/neighbours.ts";
import { prepareFeatures } from "../../learn/prepared.ts";
import { fitPriorMeans } from "../../learn/prior-means.ts";
import { plainProducts } from "../../learn/products.ts";
import { unknownThreshold } from "../../learn/unknown.ts";
import type { LearntHead, UnknownRule, UnknownScore } from "../../models/learnt-head/head.ts";
import { type Interval, shareInterval } from "../../statistics.ts";
import type { ExampleSet } from "./example-set.ts";
import {
  type FeatureForm,
  type FittedRecogniser,
  fitStrangeness,
  inForm,
  type Strangeness,
  voteScores,
} from "./head-fit.ts";
import { requireForTexts } from "./label-texts.ts";

export interface HeadOptions extends Pick<FitOptions, "C" | "alpha" | "shrinkage" | "k" | "products" | "signal"> {
  /** Default: one that is right on as many pictures that it has not seen as any, among those that are quickly fitted. */
  readonly head?: HeadName;
  /** Answer "none of these" for pictures unlike the classes; this share of pictures of the classes may be taken for such, 0 to 1. Default: never. */
  readonly unknown?: number;
  /** What tells strangers. Default: what did best where it was measured. */
  readonly unknownScore?: UnknownScore;
  /** Where classes begin with their texts: as how many pictures of its class a text counts. Default: chosen by leaving pictures out. */
  readonly textWeight?: number;
  /** Decides the folds. Default 0. */
  readonly seed?: number;
  /** Called as heads are fitted with the share that is done, 0 to 1. */
  readonly onFit?: (done: number) => void;
}

/** A class that was taken for another one by heads that had not seen the picture. */
export interface Confusion {
  readonly label: string;
  readonly takenFor: string;
  readonly count: number;
  /** Pictures of the label. */
  readonly of: number;
}

/** How well a head does on pictures that it has not seen. */
export interface CrossValidated {
  readonly head: HeadName;
  readonly top1: number;
  readonly interval: Interval;
  /** Most often first. */
  readonly confusions: readonly Confusion[];
}

export interface RecogniserFit extends FittedRecogniser {
  /** How well the head does. */
  readonly measured: CrossValidated;
  /** Heads that were tried: the one that was taken, then the best first. */
  readonly tried: readonly CrossValidated[];
  /** Logits of every example, in the set's order, by heads that have not seen it. (examples, classes) */
  readonly unseen: Float64Array;
  /** Where classes begin with their texts: as how many pictures of its class a text counts. */
  readonly textWeight?: number;
  /** What fitting took. */
  readonly seconds: number;
}

const FORM: FeatureForm = { power: true, normalize: true };
/** That in which pictures are compared with texts. */
const TEXT_FORM: FeatureForm = { power: false, normalize: true };
/** Measured: docs/recogniser.md. A matrix of width x width travels with "mahalanobis", so that very wide features are told by "neighbours". */
const defaultScore = (width: number): UnknownScore => (width <= WIDEST ? "mahalanobis" : "neighbours");
const WIDEST = 2048;
/** Of "neighbours". */
const NEIGHBOUR = 5;
/**
 * Heads to choose from, the likeliest first. Few pictures do not tell which is best: on several draws of ten a class, heads with a fixed strength were
 * better than those whose strength was chosen by leaving pictures out, and the first of them as good as any.
 */
const FOR_FEW: readonly HeadName[] = ["svm", "ridge", "logistic", "nearest-mean", "lda"];
/** For features of length 1. */
const STRENGTHS = { C: 1, alpha: 1, shrinkage: 0.5 } as const;
/** Those that are fitted in a moment once features are prepared, with strengths chosen by leaving pictures out. */
const FOR_MANY: readonly HeadName[] = ["lda", "ridge", "nearest-mean"];
const MANY = 1000;

/** @throws UsageError for fewer than two classes, or fewer than two pictures of one; AbortedError */
export async function fitRecogniser(set: ExampleSet, options: HeadOptions): Promise<RecogniserFit> {
  const { labels } = set;
  if (set.texts.size > 0) requireTexts(set, options);
  else requireLearnable(labels, set.counts(), options);
  const start = performance.now();
  const form = set.texts.size > 0 ? TEXT_FORM : FORM;
  const features = inForm(set.matrix(), form);
  const problem: Problem = { features, targets: set.targets(), classes: labels.length, labels };
  const tried =
    set.texts.size > 0 ? [await textMeans(set, problem, options)] : await headsToChooseFrom(problem, options);
  const [best] = tried;
  const { head, scores } = best!;
  const { scale } = temperatureOf(scores, problem.targets, problem.classes);
  const unseen = scores.map((score) => scale * score);
  const found = await tellStrangers(problem, unseen, options);
  const { rule, strange } = found ?? {};
  const examples = strange?.examples ?? (head.kind === "neighbours" ? features : undefined);
  const { width, layer, pooling } = set.space;
  const shared = {
    name: best!.measured.head,
    ...{ classes: labels.length, width, layer, pooling, ...form, scale },
    ...(rule === undefined ? {} : { unknown: rule }),
    ...(examples === undefined ? {} : { examples: examples.rows }),
  };
  const described: LearntHead =
    head.kind === "linear"
      ? { kind: "linear", ...shared }
      : { kind: "neighbours", ...shared, k: head.k, metric: head.metric };
  return {
    described,
    head,
    measured: best!.measured,
    tried: tried.map(({ measured }) => measured),
    unseen,
    seconds: (performance.now() - start) / 1000,
    ...(best!.textWeight === undefined ? {} : { textWeight: best!.textWeight }),
    ...(examples === undefined ? {} : { examples }),
    ...(strange?.mahalanobis === undefined ? {} : { mahalanobis: strange.mahalanobis }),
  };
}

interface Problem {
  /** In the form that heads see. */
  readonly features: FeatureMatrix;
  readonly targets: Int32Array;
  readonly classes: number;
  readonly labels: readonly string[];
}

interface TriedHead {
  readonly head: FittedHead;
  /** Decisions for every row by heads that have not seen it. */
  readonly scores: Float64Array;
  readonly measured: CrossValidated;
  readonly textWeight?: number;
}

function headsToChooseFrom(problem: Problem, options: HeadOptions): Promise<TriedHead[]> {
  if (options.head !== undefined) return tryHeads([options.head], problem, options);
  if (problem.features.rows >= MANY) return tryHeads(FOR_MANY, problem, options);
  return tryHeads(FOR_FEW, problem, { ...STRENGTHS, ...options });
}

/** Means that begin with the texts of their classes. */
async function textMeans(set: ExampleSet, problem: Problem, options: HeadOptions): Promise<TriedHead> {
  const { features, classes } = problem;
  const { head, textWeight, seed = 0, signal, unknown, unknownScore = defaultScore(features.width) } = options;
  requireForTexts(head === undefined ? {} : { head });
  const alone = set.counts().indexOf(0);
  if (unknown !== undefined && alone >= 0 && (unknownScore === "neighbours" || unknownScore === "mahalanobis"))
    throw new UsageError(
      `the class "${set.labels[alone]}" has no picture, so its pictures would be taken for strangers`,
      'give pictures of it, or tell strangers by "probability" or "energy"',
    );
  const { width } = features;
  const vectors = new Float64Array(classes * width);
  set.labels.forEach((label, c) => {
    vectors.set(set.texts.get(label)!, c * width);
  });
  const priors = featureMatrix(classes, width, vectors);
  const fitted = await fitPriorMeans(
    { ...problem, priors },
    {
      seed,
      ...(textWeight === undefined ? {} : { weight: textWeight }),
      ...(signal === undefined ? {} : { signal }),
    },
  );
  const { scores } = fitted.validation;
  const measured = measure("nearest-mean", scores, problem);
  return { head: fitted.head, scores, measured, textWeight: fitted.weight };
}

/** The one to take first, then the best first: a head that was named later is taken only where it is better by more than chance makes it. */
async function tryHeads(names: readonly HeadName[], problem: Problem, options: HeadOptions): Promise<TriedHead[]> {
  const { features, targets, classes } = problem;
  const { head: _, unknown: __, unknownScore: ___, seed = 0, onFit, ...fitting } = options;
  onFit?.(0);
  // What linear heads share. Neighbours and means need none of it.
  const prepared = names.some((name) => name !== "knn" && name !== "nearest-mean")
    ? await prepareFeatures(features, fitting)
    : undefined;
  try {
    const tried: TriedHead[] = [];
    for (const [i, name] of names.entries()) {
      // Preparing counts as one more head.
      const onProgress = (done: number) => onFit?.((i + 1 + done) / (names.length + 1));
      onProgress(0);
      const more = { onProgress, ...(prepared === undefined ? {} : { prepared }) };
      const { head, validation } = await validateHead(name, features, targets, classes, { ...fitting, seed, ...more });
      const scores = head.kind === "linear" ? validation.scores : voteScores(validation.scores, head.k, classes);
      tried.push({ head, scores, measured: measure(name, scores, problem) });
    }
    const sorted = tried.toSorted((a, b) => b.measured.top1 - a.measured.top1);
    const most = sorted[0]!.measured.top1;
    const chance = Math.sqrt((most * (1 - most)) / targets.length);
    const taken = tried.find(({ measured }) => measured.top1 >= most - chance)!;
    return [taken, ...sorted.filter((other) => other !== taken)];
  } finally {
    await prepared?.turned.dispose();
  }
}

/** @throws UsageError for fewer than two classes, fewer than two pictures of one, and options that do not go together */
export function requireLearnable(labels: readonly string[], counts: readonly number[], options: HeadOptions): void {
  requireClasses(labels, options);
  const few = counts.findIndex((count) => count < 2);
  if (few >= 0)
    throw new UsageError(
      `the class "${labels[few]}" has ${counts[few] === 0 ? "no" : "one"} picture, and every class needs two`,
      "give more pictures of it; five to ten are a good beginning",
    );
}

/** Two at least. And what is called "unknown" must mean one thing. */
function requireClasses(labels: readonly string[], { unknown, unknownScore }: HeadOptions): void {
  if (labels.length < 2)
    throw new UsageError(
      labels.length === 1
        ? `there is only one class, "${labels[0]}", to learn from`
        : "there is no picture to learn from",
      "give pictures of at least two classes; to tell one thing from everything else, add a class of other pictures",
    );
  if (unknown === undefined && unknownScore !== undefined)
    throw new UsageError(
      `what tells strangers was chosen (${unknownScore}), and no share of pictures that may be called "unknown"`,
      "say both: --unknown 0.05 (in a program, the option unknown)",
    );
  if (unknown !== undefined && labels.includes("unknown"))
    throw new UsageError(
      'a class is called "unknown", as is the answer for what is none of the classes',
      "give the class another name, or leave --unknown out",
    );
}

/** A class that has a text needs no picture, but all need a text then. */
function requireTexts({ labels, texts, items }: ExampleSet, options: HeadOptions): void {
  requireClasses(labels, options);
  const without = labels.find((label) => !texts.has(label));
  if (without !== undefined) throw new UsageError(`the class "${without}" has no text, and others have`);
  if (items.length < 2)
    throw new UsageError(
      `there ${items.length === 1 ? "is one picture" : "are no pictures"} to learn from`,
      "give at least two; without any: saccade classify PICTURE --as LABELS",
    );
}

function measure(head: HeadName, scores: Float64Array, { targets, classes, labels }: Problem): CrossValidated {
  const pairs = new Map<number, number>();
  let right = 0;
  targets.forEach((target, row) => {
    const own = scores.subarray(row * classes, (row + 1) * classes);
    const answer = own.reduce((best, value, c) => (value > own[best]! ? c : best), 0);
    if (answer === target) right += 1;
    else pairs.set(target * classes + answer, (pairs.get(target * classes + answer) ?? 0) + 1);
  });
  const sizes = labels.map((_, c) => targets.filter((target) => target === c).length);
  const confusions = [...pairs].map(([pair, count]): Confusion => {
    const target = Math.floor(pair / classes);
    return { label: labels[target]!, takenFor: labels[pair % classes]!, count, of: sizes[target]! };
  });
  return {
    head,
    top1: right / targets.length,
    interval: shareInterval(right, targets.length),
    confusions: confusions.sort((a, b) => b.count - a.count || b.count / b.of - a.count / a.of),
  };
}

/** What tells strangers, and from where on it says so: by what has not seen the pictures. */
async function tellStrangers(
  { features, targets, classes }: Problem,
  logits: Float64Array,
  { unknown: rate, unknownScore: score = defaultScore(features.width), products = plainProducts, signal }: HeadOptions,
): Promise<{ readonly rule: UnknownRule; readonly strange: Strangeness } | undefined> {
  if (rate === undefined) return undefined;
  const k = Math.min(NEIGHBOUR, features.rows - 1);
  const strange = fitStrangeness({ score, k }, features, targets, classes);
  const strangeness =
    score === "neighbours"
      ? lastDistances(await nearestOthers(unitRows(features), k, "l2", { products, signal }))
      : (strange.unseen?.() ?? strange.of(features, logits));
  const threshold = unknownThreshold(strangeness, rate);
  return { rule: { score, threshold, rate, ...(score === "neighbours" ? { k } : {}) }, strange };
}

const lastDistances = ({ k, distances }: Nearest): Float64Array => distances.filter((_, at) => at % k === k - 1);
