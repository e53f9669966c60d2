// Fits a head to features of labelled pictures without any model: what a thread of its own can do while another one answers.
import type { EmbeddingSpace } from "../embed/space.ts";
import { ExampleSet, type LearntExample } from "./example-set.ts";
import { fitRecogniser, type HeadOptions, type RecogniserFit } from "./fit-recogniser.ts";

/**
 * Fits a recogniser to features that are known. All of the answer is plain data, which may be sent to another thread, and there to
 * `Recogniser.fromExamples`.
 *
 * @param space whose features they are: that of the embedder, which must not scale them (`normalize: false`)
 * @throws UsageError for features of another width, fewer than two classes, or fewer than two pictures of one; AbortedError
 * @example
 * const learnt = await Recogniser.load("my-model");
 * const examples = [...learnt.examples.items]; // made elsewhere, and handed over to a thread
 * const fit = await fitExamples(learnt.space, examples, { unknown: 0.05 });
 * const recogniser = await Recogniser.fromExamples("saccade/photographs", examples, { unknown: 0.05, fit });
 */
export function fitExamples(
  space: EmbeddingSpace,
  examples: Iterable<LearntExample>,
  options: HeadOptions = {},
): Promise<RecogniserFit> {
  return fitRecogniser(ExampleSet.of(space, examples), options);
}
