// A data set: labelled pictures that are somewhere, in a fixed order. Opening one reads names and labels, never pixels.
import { UsageError } from "../errors.ts";
import { RandomSource } from "../random.ts";
import type { PictureAnnotations } from "./annotations.ts";
import type { PictureSource } from "./files.ts";

/** Something of a data set that cannot be used: a corrupt file, a row without a label. It is left out. */
export interface DataProblem {
  /** The file, or the file and the place inside: "labels.csv:17", "train-0003.tar/cat/0017.jpg". */
  readonly name: string;
  readonly reason: string;
}

/** One sample. */
export interface DataItem {
  /** Tells a person which picture it is: its path, or its place in an archive. */
  readonly name: string;
  /** Index into `labels`. With a soft label, its likeliest class. */
  readonly label: number;
  /** A probability for every class, where the data gives more than one label. */
  readonly softLabel?: Float32Array;
  readonly picture: PictureSource;
}

/** Labelled pictures in a fixed order. */
export interface Dataset {
  /** What label 0, 1, … mean. */
  readonly labels: readonly string[];
  readonly length: number;
  /** The label of every item, without opening any. Do not change it. */
  readonly targets: Int32Array;
  /** What was left out at opening. Pictures that cannot be decoded are found later, by the loader. */
  readonly problems: readonly DataProblem[];
  item(index: number): Promise<DataItem>;
  /** What is where on an item's picture; there is none of it where pictures have a label alone. An item's label is then that of its largest thing. */
  annotations?(index: number): PictureAnnotations;
  /** Indexes of the labels of what can be counted, where the data tells it from stuff such as sky. */
  readonly things?: readonly number[];
  /** The name of an item, without opening it. */
  name(index: number): string;
  /** One line: how many pictures of how many classes, from what. */
  describe(): string;
}

/** What a data set is made of: everything about item i at place i. */
export interface DatasetParts {
  readonly labels: readonly string[];
  readonly targets: Int32Array;
  readonly name: (index: number) => string;
  readonly picture: (index: number) => PictureSource | Promise<PictureSource>;
  readonly softLabel?: (index: number) => Float32Array | undefined;
  readonly problems?: readonly DataProblem[];
  readonly annotations?: (index: number) => PictureAnnotations;
  readonly things?: readonly number[];
  /** "from a folder per class" */
  readonly origin: string;
  /** What its items are. Default "pictures". */
  readonly kind?: "pictures" | "clips";
}

/**
 * A data set of one's own.
 *
 * @example
 * const cats = createDataset({
 *   labels: ["cat", "dog"], targets: Int32Array.of(0, 1), origin: "from memory",
 *   name: (i) => `picture ${i}`, picture: (i) => ({ kind: "pixels", image: images[i]! }),
 * });
 */
export function createDataset(parts: DatasetParts): Dataset {
  const { labels, targets, problems = [], origin, kind, annotations, things } = parts;
  const wrong = targets.findIndex((target) => target < 0 || target >= labels.length);
  if (wrong !== -1)
    throw new UsageError(`item ${wrong} has label ${targets[wrong]}, but there are ${labels.length} labels`);
  return {
    labels,
    targets,
    problems,
    length: targets.length,
    name: parts.name,
    ...(annotations === undefined ? {} : { annotations }),
    ...(things === undefined ? {} : { things }),
    async item(index) {
      const label = targets[index];
      if (label === undefined) throw new UsageError(`there is no item ${index} in a data set of ${targets.length}`);
      const softLabel = parts.softLabel?.(index);
      return {
        name: parts.name(index),
        label,
        ...(softLabel === undefined ? {} : { softLabel }),
        picture: await parts.picture(index),
      };
    },
    describe: () =>
      `${count(targets.length, kind === "clips" ? "clip" : "picture")} of ${count(labels.length, "class", "classes")} ${origin}`,
  };
}

const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`;

/**
 * Some of a data set's items, in the order given. An index may come twice.
 *
 * @example subset(dataset, [0, 10, 20])
 */
export function subset(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  const picked = Int32Array.from(indices);
  for (const index of picked)
    if (index < 0 || index >= dataset.length)
      throw new UsageError(`there is no item ${index} in a data set of ${dataset.length}`);
  return {
    labels: dataset.labels,
    problems: dataset.problems,
    targets: picked.map((index) => dataset.targets[index]!),
    length: picked.length,
    item: (index) => dataset.item(picked[index] ?? -1),
    name: (index) => dataset.name(picked[index] ?? -1),
    ...(dataset.things === undefined ? {} : { things: dataset.things }),
    ...(dataset.annotations === undefined
      ? {}
      : { annotations: (index: number) => dataset.annotations!(picked[index] ?? -1) }),
    describe: () => `${picked.length} of ${dataset.describe()}`,
  };
}

/**
 * The same data in two parts with every class in the same proportion. Which item goes where depends on the seed and the item's place in its
 * class, so adding a class moves nothing else. A class of one picture stays in the first part.
 *
 * @param fraction share of the second part, 0 to 1
 * @example const [train, validation] = splitDataset(dataset, 0.1, { seed: 0 });
 */
export function splitDataset(
  dataset: Dataset,
  fraction: number,
  options: { readonly seed?: number } = {},
): readonly [Dataset, Dataset] {
  const [first, second] = splitItems(dataset, fraction, options);
  return [subset(dataset, first), subset(dataset, second)];
}

/** The items of both parts of `splitDataset`, in the data set's order. */
export function splitItems(
  dataset: Pick<Dataset, "length" | "targets" | "labels">,
  fraction: number,
  options: { readonly seed?: number } = {},
): readonly [number[], number[]] {
  if (!(fraction >= 0 && fraction < 1))
    throw new UsageError(`a part of ${fraction} cannot be split off: it must be at least 0 and below 1`);
  const isSecond = new Uint8Array(dataset.length);
  for (const [label, members] of membersByClass(dataset).entries()) {
    const wanted = Math.round(members.length * fraction);
    const size = fraction > 0 && members.length > 1 ? Math.min(Math.max(wanted, 1), members.length - 1) : 0;
    const random = new RandomSource(options.seed ?? 0, `split/${streamName(dataset.labels[label]!)}`);
    for (const index of random.shuffle(members).slice(0, size)) isSecond[index] = 1;
  }
  const part = (value: number) => [...isSecond.keys()].filter((index) => isSecond[index] === value);
  return [part(0), part(1)];
}

/** Dashes and underscores in a label change nothing, as they never have: a run's split must stay what it was. */
const streamName = (label: string): string => label.replace(/[-_]+/g, " ").trim() || label;

/** The items of each class, in the data set's order. */
export function membersByClass(dataset: Pick<Dataset, "targets" | "labels">): number[][] {
  const members: number[][] = dataset.labels.map(() => []);
  for (const [index, label] of dataset.targets.entries()) members[label]!.push(index);
  return members;
}

/** The first few of many, for a message. */
export function list(names: readonly string[], most = 8): string {
  return `${names.slice(0, most).join(", ")}${names.length > most ? `, and ${names.length - most} more` : ""}`;
}
