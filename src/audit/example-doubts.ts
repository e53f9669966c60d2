// Examples of a recogniser whose label is doubted: what heads that had not seen them say is there since the recogniser was fitted, so that asking
// costs nothing.
import { softmax } from "../learn/losses.ts";
import type { EmbeddingSpace } from "../tasks/embed/space.ts";
import { ExampleSet, type LearntExample } from "../tasks/recognise/example-set.ts";
import type { RecogniserFit } from "../tasks/recognise/fit-recogniser.ts";
import { checkLabels } from "./label-errors.ts";

/** An example that seems to be of another class. */
export interface ExampleDoubt {
  readonly example: LearntExample;
  /** Class that it seems to be of. */
  readonly suggested: string;
  /** Probability of that class, 0 to 1. */
  readonly confidence: number;
  /** Probability of the class that it is labelled with. */
  readonly givenConfidence: number;
}

export interface DoubtfulExamples {
  /** How many labels are wrong, as the classes' confusions say. */
  readonly estimated: number;
  /** The most doubtful first. */
  readonly doubts: readonly ExampleDoubt[];
  /** One picture under several labels: at least one of each is wrong. */
  readonly contradictions: readonly (readonly LearntExample[])[];
}

/**
 * Which examples contradict their label.
 *
 * @param examples those that were fitted, in whatever order
 * @param fit of these examples: `await recogniser.fit()`, or what `fitExamples` gave
 * @example
 * const recogniser = await Recogniser.load("my-model");
 * const { doubts } = doubtfulExamples(recogniser.space, recogniser.examples.items, await recogniser.fit());
 * for (const { example, suggested } of doubts) console.log(example.path, "is labelled", example.label, "and looks like", suggested);
 */
export function doubtfulExamples(
  space: EmbeddingSpace,
  examples: Iterable<LearntExample>,
  { unseen }: RecogniserFit,
): DoubtfulExamples {
  const set = ExampleSet.of(space, examples);
  const { labels, items } = set;
  const probabilities = new Float64Array(unseen.length);
  for (let start = 0; start < unseen.length; start += labels.length)
    softmax(unseen, probabilities, start, labels.length);
  const { estimated, doubts } = checkLabels({
    pictures: Int32Array.from(items.keys()),
    targets: set.targets(),
    probabilities,
    classes: labels.length,
  });
  return {
    estimated,
    doubts: doubts.map(({ picture, suggested, confidence, givenConfidence }) => ({
      example: items[picture]!,
      suggested: labels[suggested]!,
      confidence,
      givenConfidence,
    })),
    contradictions: set.contradictions(),
  };
}
