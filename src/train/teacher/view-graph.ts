// What is computed around a teacher that answers for each view, the very picture that the student sees (Beyer et al. 2022, "Knowledge
// distillation: A good teacher is patient and consistent"): before it, the student's normalisation is undone, the view resized as Pillow would
// and normalised for the teacher; after it, a linear classifier over its features gives its opinion, and that is mixed into the targets.
import { UsageError } from "../../errors.ts";
import { add, gemm, matMul, maximum, minimum, mul, softmax, sub, values } from "../../graph/build.ts";
import { trace } from "../../graph/scope.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";
import { type AugmentationOp, parseAugmentation } from "../../image/augment.ts";
import { type ResampleFilter, resampleMatrix } from "../../image/resample.ts";
import {
  parseTransform,
  pixelNormalization,
  type Transform,
  type TransformOp,
  transformOutputSize,
} from "../../image/transform.ts";
import { type Probe, probeWidth } from "./probe.ts";

/** What of a recipe says how a view becomes the teacher's input. */
export interface ViewSource {
  /** Size of the views. */
  readonly height: number;
  readonly width: number;
  /** The student's, which makes the views. */
  readonly augmentation: string;
  /** The teacher's: at most one resize, and a normalisation. */
  readonly transform: string;
}

/** How a view becomes the teacher's input. Values are a number for each of red, green and blue. */
export interface ViewPlan {
  readonly height: number;
  readonly width: number;
  readonly teacherHeight: number;
  readonly teacherWidth: number;
  readonly filter: ResampleFilter;
  /** The teacher's value is the student's times `scale` plus `offset`. */
  readonly scale: readonly number[];
  readonly offset: readonly number[];
  /** The least and the greatest value that a picture has for the teacher. */
  readonly least: readonly number[];
  readonly greatest: readonly number[];
}

/** Inputs and outputs around the teacher. */
export const VIEW_INPUT = "student/view";
export const TARGETS_INPUT = "student/targets";
export const TAUGHT_OUTPUT = "student/taught";
export const CENTRED_OUTPUT = "student/features";

/**
 * Reads how a view becomes the teacher's input.
 *
 * @throws UsageError for a transform that does more than one resize and a normalisation
 */
export function planView({ height, width, augmentation, transform }: ViewSource): ViewPlan {
  const ops = parseTransform(transform);
  const resizes = ops.filter(isResize);
  const wrong = ops.find((op) => !isResize(op) && !isValues(op)) ?? resizes[1];
  if (wrong !== undefined)
    throw new UsageError(
      `a teacher that sees views can only resize and normalize them, once each, and not ${wrong.op}`,
      "resize(224,224,bicubic)|normalize(imagenet)",
    );
  const size = transformOutputSize(resizes, width, height);
  const student = normalizationOf(parseAugmentation(augmentation).filter(isValues));
  const teacher = normalizationOf(ops);
  const perChannel = (compute: (channel: number) => number) => [0, 1, 2].map(compute);
  const black = perChannel((c) => -teacher.mean[c]! / teacher.std[c]!);
  const white = perChannel((c) => (1 - teacher.mean[c]!) / teacher.std[c]!);
  return {
    height,
    width,
    teacherHeight: size.height,
    teacherWidth: size.width,
    filter: resizes[0]?.filter ?? "bilinear",
    scale: perChannel((c) => student.std[c]! / teacher.std[c]!),
    offset: perChannel((c) => (student.mean[c]! - teacher.mean[c]!) / teacher.std[c]!),
    least: perChannel((c) => Math.min(black[c]!, white[c]!)),
    greatest: perChannel((c) => Math.max(black[c]!, white[c]!)),
  };
}

const isResize = (op: TransformOp): op is Extract<TransformOp, { filter: ResampleFilter }> => "filter" in op;
const isValues = (op: AugmentationOp): op is TransformOp => op.op === "normalize" || op.op === "value_range";

function normalizationOf(ops: Transform): { readonly mean: readonly number[]; readonly std: readonly number[] } {
  const normalization = pixelNormalization(ops);
  if (normalization !== undefined) return normalization;
  throw new UsageError("black and white get the same value", "a value_range has two ends");
}

/**
 * What comes before the teacher: VIEW_INPUT (batch, 3, height, width) -> `input` (batch, 3, teacherHeight, teacherWidth).
 *
 * @param input name of the teacher's input
 */
export function beforeTeacher(plan: ViewPlan, batch: number, input: string): Graph {
  return trace(({ graph }) => {
    const view = graph.input(VIEW_INPUT, [batch, 3, plan.height, plan.width]);
    const channels = (numbers: readonly number[]) => values(graph, [1, 3, 1, 1], numbers);
    // A row of a resampling matrix sums to 1, so values can be changed where there are few of them, before resizing.
    const changed = add(mul(view, channels(plan.scale)), channels(plan.offset));
    const resized = resizeView(changed, plan); // (batch, 3, teacherHeight, teacherWidth)
    // As when a picture's pixels are resized, nothing is darker than black or brighter than white.
    return { [input]: minimum(maximum(resized, channels(plan.least)), channels(plan.greatest)) };
  });
}

function resizeView(view: Tensor, { height, width, teacherHeight, teacherWidth, filter }: ViewPlan): Tensor {
  const matrix = (size: number, newSize: number) =>
    values(view.graph, [newSize, size], resampleMatrix(size, newSize, filter));
  const tall = height === teacherHeight ? view : matMul(matrix(height, teacherHeight), view); // (batch, 3, teacherHeight, width)
  if (width === teacherWidth) return tall;
  const columns = values(
    view.graph,
    [width, teacherWidth],
    transposed(resampleMatrix(width, teacherWidth, filter), width),
  );
  return matMul(tall, columns);
}

/** (rows, columns) to (columns, rows). */
function transposed(matrix: Float32Array, columns: number): Float32Array {
  const rows = matrix.length / columns;
  return matrix.map((_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)]!);
}

/** How much a student believes its teacher. */
export interface Teaching {
  /** Share of each target that is the teacher's opinion; the label has the rest. */
  readonly weight: number;
  /** Softens the teacher's opinion. */
  readonly temperature: number;
}

/**
 * What comes after the teacher: features (batch, width) and TARGETS_INPUT (batch, classes) -> TAUGHT_OUTPUT (batch, classes), and with `mean`
 * (width) also CENTRED_OUTPUT (batch, width), how far the features are from it: what a network's pictures have in common would else be most of any
 * direction.
 */
export function afterTeacher(
  probe: Probe,
  batch: number,
  { weight, temperature }: Teaching,
  mean?: Float32Array,
): Graph {
  const classes = probe.bias.length;
  const width = probeWidth(probe);
  return trace(({ graph }) => {
    const features = graph.input("features", [batch, width]);
    const targets = graph.input(TARGETS_INPUT, [batch, classes]);
    const logits = gemm(features, values(graph, [classes, width], probe.weight), values(graph, [classes], probe.bias), {
      transposeB: true,
    });
    const opinion = softmax(mul(logits, 1 / temperature));
    const taught = { [TAUGHT_OUTPUT]: add(mul(opinion, weight), mul(targets, 1 - weight)) };
    return mean === undefined
      ? taught
      : { ...taught, [CENTRED_OUTPUT]: sub(features, values(graph, [1, width], mean)) };
  });
}
