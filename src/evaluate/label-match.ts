// Labels of a data set and of a model, matched by name: the folder `guinea-pig` is the label "guinea pig".
import { list } from "../data/dataset.ts";
import { type LabelMatching, matchNames } from "../data/labels.ts";
import { describeRespelled } from "../data/split-labels.ts";
import { UsageError } from "../errors.ts";
import { imagenetFolders } from "./imagenet-folders.ts";

/** A class that pictures are labelled with. */
export interface EvaluatedClass {
  /** As the model spells it; as the data does where the model does not know it. */
  readonly label: string;
  /** The model's index of it; -1 where the model does not know it. */
  readonly modelIndex: number;
}

export interface LabelMatch {
  /** The classes that pictures are labelled with, in the model's order; those that the model does not know come last. */
  readonly classes: readonly EvaluatedClass[];
  /** The data's label number to the place in `classes`; -1 for labels without a picture. */
  readonly classOf: Int32Array;
  /** The model's label number to the place in `classes`; -1 for labels that no picture has. They stay candidates all the same. */
  readonly classOfPrediction: Int32Array;
  /** The data's labels that the model does not know. */
  readonly unknown: readonly string[];
  /** What was matched though it is spelled otherwise, for people. */
  readonly notes: readonly string[];
}

/** What is needed of a data set to match its labels. */
export interface LabelledTargets {
  readonly labels: readonly string[];
  readonly targets: Int32Array;
}

/**
 * Matches the labels that pictures have with the labels that a model answers, as `matchNames` does, and ImageNet's folders with a model of its
 * classes. A label that the model does not know stays a class: its pictures cannot be answered rightly, and are counted so.
 *
 * @throws UsageError when the model knows none of the labels (listing them), or when it is not clear which of its labels is meant
 */
export function matchLabels(data: LabelledTargets, modelLabels: readonly string[]): LabelMatch {
  const used = new Set(data.targets);
  const usedLabels = data.labels.flatMap((label, index) => (used.has(index) ? [{ label, index }] : []));
  const { indices, notes } = findLabels(
    usedLabels.map(({ label }) => label),
    modelLabels,
  );
  const matched = usedLabels.map(({ label, index }, i) => ({ label, index, modelIndex: indices[i]! }));
  const unknown = matched.filter(({ modelIndex }) => modelIndex === -1).map(({ label }) => label);
  if (unknown.length === matched.length)
    throw new UsageError(
      `the model knows none of the data's labels: ${list(unknown, 60)}`,
      `it knows ${list(modelLabels)}. Are these the right model and the right data? --labels FILE gives the model other names`,
      { unknown, labels: modelLabels },
    );
  const known = [...new Set(matched.map(({ modelIndex }) => modelIndex))].filter((i) => i >= 0).sort((a, b) => a - b);
  const classes = [
    ...known.map((modelIndex) => ({ label: modelLabels[modelIndex]!, modelIndex })),
    ...unknown.map((label) => ({ label, modelIndex: -1 })),
  ];
  const classOf = new Int32Array(data.labels.length).fill(-1);
  const classOfPrediction = new Int32Array(modelLabels.length).fill(-1);
  for (const [place, { modelIndex }] of classes.entries()) if (modelIndex >= 0) classOfPrediction[modelIndex] = place;
  for (const { label, index, modelIndex } of matched)
    classOf[index] = modelIndex >= 0 ? classOfPrediction[modelIndex]! : known.length + unknown.indexOf(label);
  return { classes, classOf, classOfPrediction, unknown, notes };
}

function findLabels(labels: readonly string[], modelLabels: readonly string[]) {
  const matching = matchNames(labels, modelLabels);
  const imagenet = matching.indices.some((index) => index !== -1) ? undefined : imagenetFolders(labels, modelLabels);
  if (imagenet !== undefined) return { indices: imagenet.indices, notes: [imagenet.note] };
  requireClear(matching, modelLabels);
  const { indices, respelled } = matching;
  return { indices, notes: respelled.length === 0 ? [] : [`labels: ${describeRespelled(respelled)}`] };
}

function requireClear({ ambiguous }: LabelMatching, modelLabels: readonly string[]): void {
  const [first] = ambiguous;
  if (first === undefined) return;
  const { wanted, known } = first;
  const theirs = known.map((i) => `${i} "${modelLabels[i]}"`).join(", ");
  throw wanted.length === 1
    ? new UsageError(
        `the model has ${known.length} labels that are "${wanted[0]}": ${theirs}`,
        "tell them apart with --labels, or with the labels option",
      )
    : new UsageError(
        `the data's labels ${wanted.map((label) => `"${label}"`).join(" and ")} are all like the model's ${theirs}`,
        "give them the model's spelling, or the model theirs: --labels FILE",
      );
}
