// Whether a model's features are too weak for the pictures, and what a stronger model that is here would give.

import { shareInterval } from "../statistics.ts";
import { loadEmbedder } from "../tasks/embed/embedder.ts";
import { ExampleSet } from "../tasks/recognise/example-set.ts";
import { fitRecogniser, type HeadOptions, type RecogniserFit } from "../tasks/recognise/fit-recogniser.ts";
import { embedExamples, type LabelledPicture } from "../tasks/recognise/learn-pictures.ts";
import type { RecogniserHost, RecogniserOptions } from "../tasks/recognise/recogniser-options.ts";
import type { ModelAtHand } from "./backbone.ts";

export interface WeakFeatures {
  /** Whose features they are. */
  readonly model: string;
  /** What another model's features give on a sample of the pictures. Absent where no larger one is here. */
  readonly other?: {
    readonly model: string;
    readonly pictures: number;
    /** Share of the sample that is right when left out, with its features and with the weak ones. */
    readonly top1: number;
    readonly instead: number;
    /** Whether that is more than chance makes it. */
    readonly isBetter: boolean;
  };
}

/** Features that suit the pictures tell classes apart better than this in nearly every task; below it, it pays to try others. */
const WELL = 0.8;
/** Pictures of a comparison: enough to see a difference of a tenth. */
const SAMPLE = 300;

export interface Learnt {
  readonly model: string;
  readonly examples: ExampleSet;
  readonly fit: RecogniserFit;
}

export interface ComparisonOptions extends Pick<RecogniserOptions, "device" | "threads" | "cache" | "signal"> {
  readonly head: Pick<HeadOptions, "head" | "seed">;
  /** At most so many of the pictures that were learnt from, spread over them. */
  readonly sample: (count: number) => AsyncIterable<LabelledPicture>;
}

/**
 * @param atHand the largest first. A model that is none of them was somebody's own choice, and is not judged.
 * @returns undefined where the features do, as far as can be told: the interval of the accuracy reaches to what is usual
 */
export async function weakFeatures(
  host: RecogniserHost,
  { model, examples, fit }: Learnt,
  atHand: readonly ModelAtHand[],
  { head, sample, ...running }: ComparisonOptions,
): Promise<WeakFeatures | undefined> {
  const isNamed = atHand.some(({ name }) => name === model);
  if (!isNamed || fit.measured.interval.high >= WELL) return undefined;
  const [largest] = atHand;
  if (largest === undefined || largest.name === model) return { model };
  await using embedder = await loadEmbedder(host, largest.name, { ...running, normalize: false });
  const found = await embedExamples(host, embedder, sample(SAMPLE), { ...running, onProblem: () => undefined });
  const theirs = ExampleSet.of(embedder.space, found);
  const hashes = new Set(theirs.items.map(({ hash }) => hash));
  const ours = ExampleSet.of(
    examples.space,
    examples.items.filter(({ hash }) => hashes.has(hash)),
  );
  const [one, other] = [withoutLoners(ours), withoutLoners(theirs)];
  if (one.labels.length < 2 || other.labels.length < 2) return { model };
  const [instead, top1] = [await accuracy(one, head), await accuracy(other, head)];
  const pictures = other.items.length;
  const isBetter = top1 > shareInterval(Math.round(instead * pictures), pictures).high;
  return { model, other: { model: largest.name, pictures, top1, instead, isBetter } };
}

const accuracy = async (set: ExampleSet, head: HeadOptions): Promise<number> =>
  (await fitRecogniser(set, head)).measured.top1;

/** A class of one picture cannot be left out. */
function withoutLoners(set: ExampleSet): ExampleSet {
  const counts = set.counts();
  const kept = new Set(set.labels.filter((_, c) => counts[c]! >= 2));
  return ExampleSet.of(
    set.space,
    set.items.filter(({ label }) => kept.has(label)),
  );
}
