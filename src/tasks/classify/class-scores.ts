// From what a model gives for a batch to scores of classes, and from these to probabilities: the one place that knows what the numbers mean.
import { SessionError, UsageError } from "../../errors.ts";
import type { PictureModel } from "../../model-folder/compile.ts";
import type { ScoreKind } from "../../onnx/score-kind.ts";
import { type TensorData, toFloat32 } from "../../tensor.ts";
import type { Prediction, ScoreRow } from "./results.ts";

/**
 * The rows of a model's scores, checked and with a meaning.
 *
 * @param output (batch, classes), also with further dimensions of 1
 * @returns a row a picture, or why the numbers are no scores
 * @throws SessionError for another shape; UsageError where labels do not fit, or somebody must say what the scores are
 */
export function classScores(
  output: TensorData,
  batch: number,
  { card, scores, scoresSteps }: Pick<PictureModel, "card" | "scores" | "scoresSteps">,
  labels?: readonly string[],
): (ScoreRow | SessionError)[] {
  const classes = scoresSteps ? output.shape.at(-1)! : classesOf(output, batch, card.name);
  const values = toFloat32(output).slice(-batch * classes); // (batch, classes); of a model in steps, the last one's
  const { kind, isGuess } = scores;
  if (classes === 1) requireKindOfOne(card.name, kind);
  const answered = classes === 1 && labels?.length !== 1 ? 2 : classes; // yes and no
  if (labels !== undefined && labels.length !== answered)
    throw new UsageError(`${card.name} scores ${classes} classes, but there are ${labels.length} labels`);
  return Array.from({ length: batch }, (_, i) => {
    const row = { scores: values.slice(i * classes, (i + 1) * classes), kind };
    const problem = problemOf(row, card.name) ?? (isGuess ? problemOfGuess(row.scores, card.name) : undefined);
    return problem ?? (answered === classes ? row : withComplement(row));
  });
}

function classesOf({ shape }: TensorData, batch: number, name: string): number {
  // Exported for one picture, some models leave the batch out.
  const sizes = shape[0] === batch ? shape.slice(1) : batch === 1 ? shape : undefined;
  const large = sizes?.filter((size) => size !== 1);
  if (large !== undefined && large.length <= 1) return large[0] ?? 1;
  throw new SessionError(`${name} gives [${shape.join(", ")}] for ${batch} pictures, and not (${batch}, classes)`, {
    hint: "saccade inspect FILE shows its outputs; saccade run gives any of them",
    data: { shape },
  });
}

/**
 * One number for a picture says how sure the model is of one thing, if it is known how.
 *
 * @throws UsageError when it is not
 */
function requireKindOfOne(name: string, kind: ScoreKind): void {
  if (kind.startsWith("independent")) return;
  if (kind === "logits")
    throw new UsageError(
      `${name} gives one number for a picture, and does not say what it is`,
      "say it with --scores (the option scores): independent-logits (a sigmoid makes it a probability) or independent-probabilities (it is one)",
    );
  throw new UsageError(
    `${name} gives one number for a picture, and a softmax over one number is always 1`,
    "it was exported wrongly: export it with a sigmoid in place of the softmax",
  );
}

/** No and yes, as models of two classes give them. */
function withComplement(row: ScoreRow): ScoreRow {
  const [yes] = probabilitiesOf(row);
  return { scores: Float32Array.of(1 - yes!, yes!), kind: "probabilities" };
}

/** Sums of probabilities that were rounded to eight bits are this far from 1. */
const SUM_TOLERANCE = 0.1;
const VALUE_TOLERANCE = 1e-3;

/** Why numbers are no scores; undefined when they are. */
export function problemOf({ scores, kind }: ScoreRow, name: string): SessionError | undefined {
  // The logarithm of zero is a probability's too.
  const isSound = (value: number) =>
    Number.isFinite(value) || (kind === "log-probabilities" && value === Number.NEGATIVE_INFINITY);
  if (!scores.every(isSound))
    return new SessionError(`the scores of ${name} are not all finite numbers`, {
      hint: "its weights or its arithmetic are damaged: saccade inspect MODEL --check names the first place",
    });
  if (kind === "logits" || kind === "independent-logits") return undefined;
  const probabilities = probabilitiesOf({ scores, kind });
  const wrong = probabilities.find((value) => value < -VALUE_TOLERANCE || value > 1 + VALUE_TOLERANCE);
  const sum = probabilities.reduce((total, value) => total + value, 0);
  const isOne = kind === "independent-probabilities" || Math.abs(sum - 1) < SUM_TOLERANCE;
  if (wrong === undefined && isOne) return undefined;
  return new SessionError(
    wrong === undefined
      ? `the scores of ${name} are taken for ${kind}, but add up to ${sum.toPrecision(3)}`
      : `the scores of ${name} are taken for ${kind}, but ${wrong.toPrecision(3)} is none`,
    { hint: "say what they are with --scores, or the option scores" },
  );
}

/** Rounding of float32, and no more: two logits add up to nearly 1 now and then. */
const GUESS_TOLERANCE = 1e-5;

/**
 * Why numbers that are taken for logits because nothing says what they are must not be: they are shares of 1 or of 100, as no logits are. An
 * average of several softmaxes is such an output, or one in percent; another softmax would make 40 % of its 100 %.
 */
function problemOfGuess(scores: Float32Array, name: string): SessionError | undefined {
  if (scores.length < 2 || scores.some((value) => value < 0)) return undefined;
  const sum = scores.reduce((total, value) => total + value, 0);
  const whole = [1, 100].find((one) => Math.abs(sum / one - 1) < GUESS_TOLERANCE);
  if (whole === undefined) return undefined;
  return new SessionError(
    `nothing in ${name} says what its scores are, and they look like probabilities: they add up to ${whole}`,
    {
      hint:
        whole === 1
          ? "say what they are with --scores (the option scores): probabilities, or logits"
          : "export the model again without the factor of 100; if they are no percentages, say --scores logits (the option scores)",
    },
  );
}

/** How likely each class is. */
export function probabilitiesOf({ scores, kind }: ScoreRow): Float64Array {
  switch (kind) {
    case "logits":
      return softmax(scores);
    case "independent-logits":
      return Float64Array.from(scores, (value) => 1 / (1 + Math.exp(-value)));
    case "log-probabilities":
      return Float64Array.from(scores, Math.exp);
    case "probabilities":
    case "independent-probabilities":
      return Float64Array.from(scores);
  }
}

/**
 * One row from those of several views of a picture: the mean of their probabilities, because scores of different views have no common scale. The
 * row of a single view stays as it is.
 *
 * @param rows at least one
 */
export function meanScores(rows: readonly ScoreRow[]): ScoreRow {
  const [first] = rows as readonly [ScoreRow, ...ScoreRow[]];
  if (rows.length === 1) return first;
  const views = rows.map(probabilitiesOf);
  const scores = first.scores.map((_, i) => views.reduce((sum, view) => sum + view[i]!, 0) / views.length);
  return { scores, kind: first.kind.startsWith("independent") ? "independent-probabilities" : "probabilities" };
}

/** The mean of `count` rows, which is known, and one more: for rows that are too many to be kept. */
export function meanWith(mean: ScoreRow, count: number, next: ScoreRow): ScoreRow {
  const [known, added] = [probabilitiesOf(mean), probabilitiesOf(next)];
  const scores = Float32Array.from(known, (value, i) => (count * value + added[i]!) / (count + 1));
  return { scores, kind: mean.kind.startsWith("independent") ? "independent-probabilities" : "probabilities" };
}

/** The least probability that float32 can hold, in place of zero, whose logarithm is infinite. */
const LEAST = 2 ** -149;

/** -log of a class's probability, from the scores: a probability may be too small for its logarithm. */
export function crossEntropy({ scores, kind }: ScoreRow, target: number): number {
  const own = scores[target]!;
  switch (kind) {
    case "logits": {
      const largest = scores.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
      let sum = 0;
      for (const value of scores) sum += Math.exp(value - largest);
      return Math.log(sum) + largest - own;
    }
    case "independent-logits":
      return Math.max(0, -own) + Math.log1p(Math.exp(-Math.abs(own)));
    case "log-probabilities":
      return -Math.max(own, Math.log(LEAST));
    case "probabilities":
    case "independent-probabilities":
      return -Math.log(Math.max(own, LEAST));
  }
}

/** Logits to probabilities, in double precision. */
export function softmax(logits: Float32Array): Float64Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of logits) if (value > largest) largest = value;
  const exponentials = Float64Array.from(logits, (value) => Math.exp(value - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

/** How far the likeliest class is from being as sure as it must be: above 0, the picture is called none of the classes. */
export const doubtOf = (row: ScoreRow, unknownBelow: number): number =>
  unknownBelow - probabilitiesOf(row).reduce((most, value) => Math.max(most, value), 0);

/** Throws UsageError for what is no number of predictions. */
export function requireTopK(topK: number): void {
  if (!Number.isInteger(topK) || topK < 1) throw new UsageError(`topK must be a positive integer, got ${topK}`);
}

/** The likeliest classes, best first; equal scores keep the order of their indices. */
export function topPredictions(row: ScoreRow, topK: number, labels?: readonly string[]): Prediction[] {
  const probabilities = probabilitiesOf(row);
  const { scores } = row;
  return Array.from(scores.keys())
    .sort((a, b) => scores[b]! - scores[a]! || a - b)
    .slice(0, topK)
    .map((index) => ({ label: labels?.[index] ?? `class ${index}`, index, score: probabilities[index]! }));
}
