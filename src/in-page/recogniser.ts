// Learning from a few pictures, in a page.
import { UsageError } from "../errors.ts";
import type { ModelFileSource } from "../model-folder/load.ts";
import type { FetchOptions, WebModelSource } from "../platform/web/model-source.ts";
import type { LearntExample } from "../tasks/recognise/example-set.ts";
import type { RecogniserFit } from "../tasks/recognise/fit-recogniser.ts";
import type { LabelledPicture as AnyLabelledPicture, ExampleOptions } from "../tasks/recognise/learn-pictures.ts";
import { type Measured, Recogniser as RecogniserTask, type Recognition } from "../tasks/recognise/recogniser.ts";
import type { RecogniserOptions } from "../tasks/recognise/recogniser-options.ts";
import { type LabelledPictures, loadFrom, type PictureSource } from "./sources.ts";

/** Names what it was shown a few pictures of; learns more, and forgets. */
export interface Recogniser extends Omit<RecogniserTask, "add" | "merge" | "classify" | "measure"> {
  /** Learns more pictures, of classes that it knows or of new ones. Nothing changes when that fails. */
  add(pictures: LabelledPictures, options?: ExampleOptions): Promise<void>;
  /** Learns what another recogniser has learnt on the same features. */
  merge(other: Recogniser): Promise<void>;
  classify(picture: PictureSource): Promise<Recognition>;
  classify(pictures: readonly PictureSource[]): Promise<Recognition[]>;
  measure(pictures: LabelledPictures, options?: ExampleOptions): Promise<Measured>;
}

export const Recogniser = {
  /**
   * Learns classes from a few pictures of each, on the features of any model.
   *
   * @throws UsageError for fewer than two classes, or two pictures of one; what `Classifier.load` throws
   * @example
   * const recogniser = await Recogniser.learn("saccade/photographs", [
   *   { picture: teaFrame, label: "tea" }, { picture: otherTeaFrame, label: "tea" },
   *   { picture: mugFrame, label: "mug" }, { picture: otherMugFrame, label: "mug" },
   * ], { unknown: 0.05 });
   * const { predictions, unknown } = await recogniser.classify(video);
   * await recogniser.save("my-model"); // a folder in the browser's storage
   */
  learn: (
    source: WebModelSource,
    pictures: LabelledPictures,
    options: RecogniserOptions & FetchOptions = {},
  ): Promise<Recogniser> =>
    loadFrom(source, options, (host, model) =>
      RecogniserTask.learn(host, model, pictures as Iterable<AnyLabelledPicture>, options),
    ),
  /**
   * Learns classes from pictures whose features are known already: nothing goes through the model.
   *
   * @param options `fit` is what `fitExamples` made of the same examples, perhaps in a worker
   * @throws UsageError for features of another width, fewer than two classes, or fewer than two pictures of one; what `Classifier.load` throws
   */
  fromExamples: (
    source: WebModelSource,
    examples: Iterable<LearntExample>,
    options: Omit<RecogniserOptions, "text"> & { readonly fit?: RecogniserFit } & FetchOptions = {},
  ): Promise<Recogniser> =>
    loadFrom(source, options, (host, model) => RecogniserTask.fromExamples(host, model, examples, options)),
  /**
   * Opens what `save` wrote, in the browser's storage or in a folder that a person has chosen, to learn on.
   *
   * @example
   * const recogniser = await Recogniser.load("my-model");
   * await recogniser.add([{ picture: spoonFrame, label: "spoon" }, { picture: otherSpoonFrame, label: "spoon" }]);
   * await recogniser.forget("mug");
   * await recogniser.save("my-model");
   */
  load: (folder: WebModelSource, options: RecogniserOptions & FetchOptions = {}): Promise<Recogniser> =>
    loadFrom(folder, options, (host, path) => RecogniserTask.load(host, requirePath(path), options)),
};

function requirePath(source: ModelFileSource): string {
  if (typeof source === "string") return source;
  throw new UsageError("a recogniser is a folder: its path in the browser's storage, or a folder that was chosen");
}
