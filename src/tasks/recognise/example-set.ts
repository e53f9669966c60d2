// What a recogniser learnt from: features of labelled pictures, in an order that is theirs alone. So what is learnt from a set of pictures does not
// depend on the order in which they came and went.
import type { EmbeddingTable } from "../../embeddings/embedding-table.ts";
import { SaccadeError, UsageError } from "../../errors.ts";
import { type FeatureMatrix, featureMatrix } from "../../learn/feature-matrix.ts";
import { didYouMean } from "../../nearest-name.ts";
import { type EmbeddingSpace, requireSameSpace } from "../embed/space.ts";

/** A picture's features, and which picture it was. */
export interface LearntExample {
  readonly label: string;
  readonly vector: Float32Array;
  /** For people: where it came from. */
  readonly path: string;
  /** Bytes of its file, or of its pixels. */
  readonly size: number;
  /** SHA-256 of them, hexadecimal. */
  readonly hash: string;
}

/** Labels must be told apart, also by people. */
const MOST_LABEL_CHARACTERS = 1000;

/** Vectors of labels' texts, by label. */
export type LabelTexts = ReadonlyMap<string, Float32Array>;

const NO_TEXTS: LabelTexts = new Map();

/** Examples without doubles, by label and then by the picture's hash. Immutable. */
export class ExampleSet {
  private constructor(
    readonly space: EmbeddingSpace,
    readonly items: readonly LearntExample[],
    /** Of all classes or of none; a class may have a text and no picture. */
    readonly texts: LabelTexts,
  ) {}

  /** @throws UsageError for features that are not as wide as the space says, or not finite, and for labels that are none */
  static of(space: EmbeddingSpace, examples: Iterable<LearntExample>, texts: LabelTexts = NO_TEXTS): ExampleSet {
    const found = new Map<string, LearntExample>();
    for (const example of examples) {
      requireUsable(space, example);
      const key = keyOf(example);
      const known = found.get(key);
      // Of one picture under two paths, the path that comes first is kept, whichever came first.
      if (known === undefined || example.path < known.path) found.set(key, example);
    }
    for (const [label, vector] of texts) requireUsable(space, { label, vector, path: `the text of "${label}"` });
    return new ExampleSet(space, [...found.values()].sort(inOrder), texts);
  }

  /** Labels in order: class 0, 1, … */
  get labels(): readonly string[] {
    return [...new Set([...this.items.map(({ label }) => label), ...this.texts.keys()])].sort();
  }

  with(examples: Iterable<LearntExample>): ExampleSet {
    return ExampleSet.of(this.space, [...this.items, ...examples], this.texts);
  }

  /** The same pictures, with these texts instead of those that it has. */
  withTexts(texts: LabelTexts): ExampleSet {
    return ExampleSet.of(this.space, this.items, texts);
  }

  /** @throws UsageError for a label that is none of them */
  without(label: string): ExampleSet {
    const { labels } = this;
    const others = new Map([...this.texts].filter(([other]) => other !== label));
    if (labels.includes(label))
      return new ExampleSet(
        this.space,
        this.items.filter((item) => item.label !== label),
        others,
      );
    throw new UsageError(
      `"${label}" is none of the ${labels.length} classes`,
      `${didYouMean(label, labels)}they are ${labels.slice(0, 20).join(", ")}${labels.length > 20 ? ", …" : ""}`,
    );
  }

  /** With the other one's pictures; texts stay one's own. Throws UsageError for features of another model or layer, saying what differs. */
  merged(other: ExampleSet, names: readonly [string, string]): ExampleSet {
    requireSameSpace(this.space, other.space, names);
    return this.with(other.items);
  }

  matrix(): FeatureMatrix {
    const { width } = this.space;
    const data = new Float32Array(this.items.length * width);
    this.items.forEach(({ vector }, i) => {
      data.set(vector, i * width);
    });
    return featureMatrix(this.items.length, width, data);
  }

  targets(): Int32Array {
    const index = new Map(this.labels.map((label, i) => [label, i]));
    return Int32Array.from(this.items, ({ label }) => index.get(label)!);
  }

  /** Pictures a class, in the order of the labels. */
  counts(): number[] {
    const counts = this.labels.map(() => 0);
    for (const target of this.targets()) counts[target]! += 1;
    return counts;
  }

  /** Pictures that are in several classes, each with all its labels. */
  contradictions(): (readonly LearntExample[])[] {
    const byHash = new Map<string, LearntExample[]>();
    for (const item of this.items) byHash.set(item.hash, [...(byHash.get(item.hash) ?? []), item]);
    return [...byHash.values()].filter(({ length }) => length > 1);
  }

  /** Rows of pictures, then those of texts, which have neither size nor hash. */
  toTable(): EmbeddingTable {
    const { space } = this;
    const texts = [...this.texts].sort(([a], [b]) => (a < b ? -1 : 1));
    const rows = [...this.items, ...texts.map(([label, vector]) => ({ label, vector, path: label, ...OF_TEXT }))];
    const vectors = new Float32Array(rows.length * space.width);
    rows.forEach(({ vector }, i) => {
      vectors.set(vector, i * space.width);
    });
    return {
      width: space.width,
      vectors,
      paths: rows.map(({ path }) => path),
      sizes: rows.map(({ size }) => size),
      hashes: rows.map(({ hash }) => hash),
      labels: rows.map(({ label }) => label),
      model: space.name,
      space: { ...space },
    };
  }

  /** @throws SaccadeError (`examples`) for a table without labels */
  static fromTable(table: EmbeddingTable, space: EmbeddingSpace): ExampleSet {
    const { width, vectors, paths, sizes, hashes, labels } = table;
    if (labels === undefined) throw new SaccadeError("examples", "the learnt pictures have no labels");
    const rows = labels.map((label, i) => ({
      label,
      vector: vectors.slice(i * width, (i + 1) * width),
      path: paths[i]!,
      size: sizes[i]!,
      hash: hashes[i]!,
    }));
    const isText = ({ hash }: LearntExample) => hash === OF_TEXT.hash;
    return ExampleSet.of(
      space,
      rows.filter((row) => !isText(row)),
      new Map(rows.filter(isText).map(({ label, vector }) => [label, vector])),
    );
  }
}

/** What rows of texts have where pictures have their files'. */
const OF_TEXT = { size: 0, hash: "" } as const;

const keyOf = ({ label, hash }: LearntExample): string => `${hash}\n${label}`;

const inOrder = (a: LearntExample, b: LearntExample): number =>
  a.label === b.label ? (a.hash < b.hash ? -1 : 1) : a.label < b.label ? -1 : 1;

function requireUsable(
  { width, name }: EmbeddingSpace,
  { vector, label, path }: Pick<LearntExample, "vector" | "label" | "path">,
): void {
  if (vector.length !== width)
    throw new UsageError(
      `the features of ${path} are ${vector.length} numbers, and those of ${name} are ${width}`,
      "features of two models or layers cannot be mixed: compute both with the same one",
    );
  if (!vector.every(Number.isFinite))
    throw new UsageError(
      `the features of ${path} are not all finite numbers`,
      "leave the picture out; saccade inspect MODEL --check says whether the model is damaged",
    );
  if (label.trim() === "" || label.length > MOST_LABEL_CHARACTERS)
    throw new UsageError(`${path} has a label that is no name`, `a label has 1 to ${MOST_LABEL_CHARACTERS} characters`);
}
