// What stopping early is worth, in accuracy and milliseconds: shared by the benchmarks of models that run in steps.
import type { Dataset } from "../src/data/dataset.ts";
import { loadPicture } from "../src/data/files.ts";
import { matchNames } from "../src/data/labels.ts";
import { type EarlyExitPoint, type StepEvaluation, StepMeter } from "../src/evaluate/steps.ts";
import type { RawImage } from "../src/image/raw-image.ts";
import { nodeDataFiles } from "../src/platform/node/data-files.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { spreadOf } from "../src/statistics.ts";
import type { AdaptiveClassifier } from "../src/tasks/classify/adaptive-classifier.ts";
import type { Classifier } from "../src/tasks/classify/classifier.ts";

export interface LabelledPicture {
  readonly image: RawImage;
  /** The model's index of its class. */
  readonly target: number;
}

/** The pictures of a data set, decoded, with the model's indices of their labels. */
export async function readPictures(dataset: Dataset, labels: readonly string[]): Promise<LabelledPicture[]> {
  const { indices } = matchNames(dataset.labels, labels);
  return Promise.all(
    Array.from({ length: dataset.length }, async (_, i) => {
      const { picture, label } = await dataset.item(i);
      return { image: await loadPicture(picture, nodeDataFiles, nodeHost.decode), target: indices[label]! };
    }),
  );
}

const GROUP = 32;

/** Accuracy after each step, and the curve of stopping early. */
export async function stepAccuracy(
  classifier: AdaptiveClassifier,
  pictures: readonly LabelledPicture[],
): Promise<StepEvaluation> {
  const meter = new StepMeter(classifier.stepMacs);
  for (let start = 0; start < pictures.length; start += GROUP) {
    const part = pictures.slice(start, start + GROUP);
    const scores = await classifier.scores(
      part.map(({ image }) => image),
      { batchSize: GROUP },
    );
    for (const [i, { stepLogits, stepValues }] of scores.entries()) meter.add(stepLogits, part[i]!.target, stepValues);
  }
  return meter.result();
}

/** Share answered rightly, 0..1. */
export async function accuracyOf(classifier: Classifier, pictures: readonly LabelledPicture[]): Promise<number> {
  let right = 0;
  for (let start = 0; start < pictures.length; start += GROUP) {
    const part = pictures.slice(start, start + GROUP);
    const scores = await classifier.scores(
      part.map(({ image }) => image),
      { batchSize: GROUP },
    );
    for (const [i, { scores: own }] of scores.entries())
      if (own.indexOf(Math.max(...own)) === part[i]!.target) right += 1;
  }
  return right / pictures.length;
}

/** Accuracies that differ by no more than this count as matched: half a point, less than a standard error of some thousand pictures. */
const MATCHED = 0.005;

/** The cheapest point that is as often right as `accuracy`, or hardly less often; undefined when none is. */
export function cheapestAt(curve: readonly EarlyExitPoint[], accuracy: number): EarlyExitPoint | undefined {
  return curve.filter(({ top1 }) => top1 >= accuracy - MATCHED).toSorted((a, b) => a.macs - b.macs)[0];
}

/** The points that are worth their cost, from cheap to thorough, at most `count` of them, evenly spread over the costs. */
export function representativePoints(curve: readonly EarlyExitPoint[], count: number): EarlyExitPoint[] {
  const worth = curve
    .toSorted((a, b) => a.macs - b.macs || b.top1 - a.top1)
    .filter(({ top1 }, i, sorted) => sorted.slice(0, i).every((cheaper) => cheaper.top1 < top1));
  const [low, high] = [worth[0]?.macs ?? 0, worth.at(-1)?.macs ?? 0];
  const wanted = Array.from({ length: count }, (_, i) => low + ((high - low) * i) / Math.max(1, count - 1));
  const nearest = wanted.map((macs) =>
    worth.reduce((best, point) => (Math.abs(point.macs - macs) < Math.abs(best.macs - macs) ? point : best)),
  );
  return [...new Set(nearest)];
}

/** Something that answers pictures, and how often it is right. */
export interface Subject {
  readonly name: string;
  /** Share answered rightly, 0..1. */
  readonly top1: number;
  /** Mean multiply-accumulates of a picture. */
  readonly macs: number;
  /** Of a model that runs in steps: the share of pictures that take one step, two, … */
  readonly exits?: readonly number[];
  answer(images: readonly RawImage[]): Promise<unknown>;
}

export interface TimedSubject extends Pick<Subject, "name" | "top1" | "macs"> {
  /** Mean milliseconds a picture by batch, preparing included: each batch's median over the rounds. */
  readonly ms: Readonly<Record<number, number>>;
  /** By batch: what the same shares of pictures would take if stopping cost nothing, each as long as one among others that stop there too. */
  readonly possible?: Readonly<Record<number, number>>;
}

/**
 * Times subjects on the same pictures. They take turns batch by batch, so that what else the machine does hits all of them, in ever another order:
 * who comes after a large model pays for its caches and its garbage. For the same reason each answers a batch twice and is timed the second time.
 *
 * @param now milliseconds: of the clock, or of the processor
 */
export async function timeSubjects(
  subjects: readonly Subject[],
  images: readonly RawImage[],
  batches: readonly number[],
  rounds: number,
  now: () => number = () => performance.now(),
): Promise<TimedSubject[]> {
  const ms: Record<number, number[]> = {};
  for (const batch of batches) ms[batch] = await millisecondsOf(subjects, images, batch, rounds, now);
  const byBatch = (of: (batch: number) => number) =>
    Object.fromEntries(batches.map((batch) => [batch, Number(of(batch).toFixed(3))]));
  return subjects.map(({ name, top1, macs, exits }, i) => {
    const alike = exits?.map((_, step) => subjects.findIndex((other) => other.exits?.[step] === 1));
    const possible = (batch: number) =>
      exits!.reduce((sum, share, step) => sum + (share === 0 ? 0 : share * ms[batch]![alike![step]!]!), 0);
    const isMixed = exits !== undefined && !exits.includes(1) && alike!.every((at) => at >= 0);
    return {
      name,
      top1,
      macs: Math.round(macs),
      ms: byBatch((batch) => ms[batch]![i]!),
      ...(isMixed ? { possible: byBatch(possible) } : {}),
    };
  });
}

async function millisecondsOf(
  subjects: readonly Subject[],
  images: readonly RawImage[],
  batch: number,
  rounds: number,
  now: () => number,
): Promise<number[]> {
  const groups = Array.from({ length: Math.floor(images.length / batch) }, (_, i) =>
    images.slice(i * batch, (i + 1) * batch),
  );
  const random = new RandomSource(0, `order/${batch}`);
  const times = subjects.map(() => groups.map((): number[] => []));
  for (let round = 0; round < rounds; round++)
    for (const [g, group] of groups.entries())
      for (const s of random.shuffle([...subjects.keys()])) {
        const { answer } = subjects[s]!;
        await answer(group);
        const start = now();
        await answer(group);
        times[s]![g]!.push((now() - start) / batch);
      }
  return times.map((own) => own.reduce((sum, values) => sum + spreadOf(values).median, 0) / groups.length);
}

/** Pictures together, for which times are measured: what somebody waits for, and what a server does. */
export const BATCHES = [1, 32] as const;
/** Of a curve, how many points are timed. */
export const POINTS = 6;

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** For the terminal: a row a subject. */
export function printTimes(rows: readonly TimedSubject[]): void {
  console.table(
    rows.map(({ name, top1, macs, ms }) => ({
      name,
      "top-1": percent(top1),
      MMACs: Number((macs / 1e6).toFixed(1)),
      ...Object.fromEntries(BATCHES.map((batch) => [`ms, batch ${batch}`, Number(ms[batch]!.toFixed(2))])),
    })),
  );
}

/** A subject's place in a plot of accuracy against time, one picture at a time. */
export function timePoint({ name, top1, ms }: TimedSubject) {
  return { x: ms[1]!, accuracy: top1, title: `${name}: ${percent(top1)}, ${ms[1]!.toFixed(2)} ms` };
}

const EARLY = "early exit";
export const stopsEarly = ({ name }: Pick<Subject, "name">) => name.startsWith(EARLY);

export const ONE_GRAPH = "all steps, one graph";

/** Subjects that take some of the steps, and no picture more. */
export function shorterSubjects(
  inSteps: AdaptiveClassifier,
  { steps }: StepEvaluation,
  nameOf: (steps: number) => string,
): Subject[] {
  return steps.slice(0, -1).map(({ top1, macs }, i) => ({
    name: nameOf(i + 1),
    top1,
    macs,
    exits: steps.map((_, at) => (at === i ? 1 : 0)),
    answer: (images) => inSteps.scores(images, { budgetMacs: macs, batchSize: images.length }),
  }));
}

/** Subjects that stop early at points of a curve, and those that take all steps: one after another, and in one graph. */
export function exitSubjects(
  inSteps: AdaptiveClassifier,
  inOneGraph: Classifier,
  { steps }: StepEvaluation,
  points: readonly EarlyExitPoint[],
): Subject[] {
  const { top1, macs } = steps.at(-1)!;
  return [
    ...points.map(({ ratio, top1, macs, thresholds, exits }) => ({
      name: `${EARLY}, q = ${ratio}`,
      top1,
      macs,
      exits,
      answer: (images: readonly RawImage[]) => inSteps.scores(images, { thresholds, batchSize: images.length }),
    })),
    {
      name: "all steps, one after another",
      top1,
      macs,
      exits: steps.map((_, step) => (step === steps.length - 1 ? 1 : 0)),
      answer: (images) => inSteps.scores(images, { batchSize: images.length }),
    },
    {
      name: ONE_GRAPH,
      top1,
      macs,
      answer: (images) => inOneGraph.scores(images, { batchSize: images.length }),
    },
  ];
}

/** Every so many of the pictures, so that about `count` are left: of all classes, where they come class by class. */
export function spreadSample(pictures: readonly LabelledPicture[], count: number): RawImage[] {
  const stride = Math.max(1, Math.floor(pictures.length / count));
  return pictures
    .filter((_, i) => i % stride === 0)
    .map(({ image }) => image)
    .slice(0, count);
}
