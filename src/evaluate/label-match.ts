// Labels of a data set and of a model, matched by name: the folder `guinea-pig` is the label "guinea pig".
import { list } from "../data/dataset.ts";
import { labelKey } from "../data/labels.ts";
import { UsageError } from "../errors.ts";

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
}

/** What is needed of a data set to match its labels. */
export interface LabelledTargets {
  readonly labels: readonly string[];
  readonly targets: Int32Array;
}

/**
 * Matches the labels that pictures have with the labels that a model answers. Case does not matter, and `_`, `-` and spaces are the same.
 * A label that the model does not know stays a class: its pictures cannot be answered rightly, and are counted so.
 *
 * @throws UsageError when the model knows none of the labels (listing them), or when two of its labels are the same for a label of the data
 */
export function matchLabels(data: LabelledTargets, modelLabels: readonly string[]): LabelMatch {
  const byKey = new Map<string, number[]>();
  for (const [index, label] of modelLabels.entries()) {
    const key = labelKey(label);
    byKey.set(key, [...(byKey.get(key) ?? []), index]);
  }
  const used = new Set(data.targets);
  const usedLabels = data.labels.flatMap((label, index) => (used.has(index) ? [{ label, index }] : []));
  const indexOf = (label: string) => {
    const found = byKey.get(labelKey(label)) ?? [];
    if (found.length > 1)
      throw new UsageError(
        `the model has ${found.length} labels that are "${label}": ${found.map((i) => `${i} "${modelLabels[i]}"`).join(", ")}`,
        "tell them apart with --labels, or with the labels option",
      );
    return found[0] ?? -1;
  };
  const matched = usedLabels.map(({ label, index }) => ({ label, index, modelIndex: indexOf(label) }));
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
  return { classes, classOf, classOfPrediction, unknown };
}
