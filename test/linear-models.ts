// The cases of goldens/linear-models: features hashed from names, and the optima that scikit-learn's models have on them.
import { type FeatureMatrix, featureMatrix } from "../src/learn/feature-matrix.ts";
import { decisions, type FitOptions, type HeadName, type LinearHead } from "../src/learn/heads.ts";
import { type TensorData, toFloat64 } from "../src/tensor.ts";
import { type GoldenCase, goldenCases, loadGolden } from "./golden-case.ts";

export interface LinearCase {
  readonly golden: GoldenCase;
  readonly classes: number;
  readonly features: FeatureMatrix;
  readonly targets: Int32Array;
  readonly test: FeatureMatrix;
  readonly testTargets: Int32Array;
  readonly objective: Readonly<Record<string, number | number[]>>;
}

/** The cases with features and classes; the folder also has one of metrics alone. */
export function linearCases(): LinearCase[] {
  return goldenCases("linear-models")
    .map((name) => loadGolden(name)!)
    .filter(({ weights }) => weights.has("centres"))
    .map((golden) => {
      const { labels, test_labels, objective } = golden.json as {
        labels: number[];
        test_labels: number[];
        objective: LinearCase["objective"];
      };
      return {
        golden,
        classes: golden.config.classes as number,
        features: rowsOf(golden, labels, "noise"),
        targets: Int32Array.from(labels),
        test: rowsOf(golden, test_labels, "test_noise"),
        testTargets: Int32Array.from(test_labels),
        objective,
      };
    });
}

/** (centre of the label + noise) x scale + offset, in float64. */
function rowsOf({ weights }: GoldenCase, labels: readonly number[], noise: string): FeatureMatrix {
  const [centres, added, scale, offset] = ["centres", noise, "feature_scale", "feature_offset"].map((name) =>
    toFloat64(weights.get(name)!),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array];
  const width = scale.length;
  const data = new Float64Array(labels.length * width);
  for (const [row, label] of labels.entries())
    for (let i = 0; i < width; i++)
      data[row * width + i] = (centres[label * width + i]! + added[row * width + i]!) * scale[i]! + offset[i]!;
  return featureMatrix(labels.length, width, data);
}

/** Stored outputs with one column for each class: of one column, the other is zeros. */
export function allColumns({ shape, data }: TensorData, classes: number): Float64Array {
  const stored = Float64Array.from(data as Float32Array);
  if (shape.length === 2 && shape[1] === classes) return stored;
  return Float64Array.from({ length: 2 * stored.length }, (_, i) => (i % 2 === 0 ? 0 : stored[i >> 1]!));
}

/** The place of the largest score in each row, the first of equal ones. */
export function argmaxRows(scores: Float64Array, classes: number): number[] {
  return Array.from({ length: scores.length / classes }, (_, row) => {
    const of = scores.subarray(row * classes, (row + 1) * classes);
    return of.indexOf(of.reduce((a, b) => Math.max(a, b)));
  });
}

export function worstDifference(actual: Float64Array, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  return actual.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!) || 0), 0);
}

export function subtractRowMeans(scores: Float64Array, classes: number): void {
  for (let start = 0; start < scores.length; start += classes) {
    const row = scores.subarray(start, start + classes);
    const mean = row.reduce((a, b) => a + b) / classes;
    for (let c = 0; c < classes; c++) row[c]! -= mean;
  }
}

/** What the golden's note says is minimised: per column for the SVM, else in all. */
export function objectivesOf(
  head: HeadName,
  fitted: LinearHead,
  item: LinearCase,
  options: Partial<FitOptions>,
): number[] {
  const { classes, features, targets } = item;
  const { weight, bias, width } = fitted;
  const scores = decisions(fitted, features);
  const columns = classes === 2 ? [1] : Array.from({ length: classes }, (_, c) => c);
  const C = options.C ?? 1;
  const square = (c: number) => weight.subarray(c * width, (c + 1) * width).reduce((sum, w) => sum + w * w, 0);
  const rows = Array.from(targets, (target, row) => ({
    target,
    scores: scores.subarray(row * classes, (row + 1) * classes),
  }));
  const total = (loss: (row: (typeof rows)[number]) => number) => rows.reduce((sum, row) => sum + loss(row), 0);
  const sign = (target: number, c: number) => (target === c ? 1 : -1);
  if (head === "svm")
    return columns.map((c) => {
      const hinge = total((row) => Math.max(0, 1 - sign(row.target, c) * row.scores[c]!) ** 2);
      return (square(c) + (bias[c]! / (options.interceptScaling ?? 1)) ** 2) / 2 + C * hinge;
    });
  const squares = columns.reduce((sum, c) => sum + square(c), 0);
  if (head === "ridge")
    return [
      (options.alpha ?? 1) * squares +
        columns.reduce((sum, c) => sum + total((r) => (sign(r.target, c) - r.scores[c]!) ** 2), 0),
    ];
  const entropy = ({ target, scores: z }: (typeof rows)[number]) =>
    Math.log(z.reduce((sum, v) => sum + Math.exp(v), 0)) - z[target]!;
  return [C * total(entropy) + squares / 2];
}
