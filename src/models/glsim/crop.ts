// Where GLSim looks a second time: a box around the patches that are most like the picture as a whole, enlarged to the picture's size. Nothing is learnt in it, and no
// gradient goes through it. Reproduces arkel23/GLSim, glsim/model_utils/glsim.py.
import {
  abs,
  add,
  cast,
  concat,
  div,
  expandDims,
  floor,
  iota,
  matMul,
  maximum,
  minimum,
  mul,
  neg,
  reduceMax,
  reduceSum,
  relu,
  reshape,
  slice,
  sqrt,
  stopGradient,
  sub,
  topK,
} from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { GlsimConfig } from "./config.ts";

/** Below this a length counts as this in a cosine, as in PyTorch. */
const SHORTEST = 1e-8;

/** tokens (N, 1 + patches, width), the class token first -> (N, patches): its cosine with each patch. */
export function similarity(tokens: Tensor): Tensor {
  const whole = unit(slice(tokens, 1, 0, 1)); // (N, 1, width)
  const parts = unit(slice(tokens, 1, 1)); // (N, patches, width)
  return reshape(matMul(parts, whole, { transposeB: true }), parts.shape.slice(0, 2));
}

function unit(x: Tensor): Tensor {
  return div(x, maximum(sqrt(reduceSum(mul(x, x), [-1], { keepDims: true })), SHORTEST));
}

/** Rows and columns of pixels from `first` up to, but without, `end`; whole numbers, (N, 1) each. */
export interface Box {
  readonly rows: Span;
  readonly columns: Span;
}

interface Span {
  readonly first: Tensor;
  readonly end: Tensor;
}

/**
 * alike (N, patches) -> the box of the `dynamic_top` largest. It ends where the last patch begins, so that patch is only in it where it is the first one too: the
 * released models were trained so.
 */
export function boxOf(alike: Tensor, { dynamic_top, image_size, patch_size }: GlsimConfig): Box {
  const side = image_size / patch_size;
  const places = cast(topK(stopGradient(alike), dynamic_top), "float32"); // (N, top)
  const row = floor(mul(add(places, 0.5), 1 / side)); // halves: no quotient is near a whole number
  const column = sub(places, mul(row, side));
  const span = (cells: Tensor): Span => {
    const first = mul(neg(reduceMax(neg(cells), [1], { keepDims: true })), patch_size); // (N, 1)
    const last = mul(reduceMax(cells, [1], { keepDims: true }), patch_size);
    return { first, end: minimum(maximum(last, add(first, patch_size)), image_size) };
  };
  return { rows: span(row), columns: span(column) };
}

/** image (N, 3, H, W), square -> its part in the box, bilinearly enlarged to the same shape, corners on corners. */
export function enlarge(image: Tensor, { rows, columns }: Box, size: number): Tensor {
  const down = matMul(expandDims(shares(rows, size), 1), image); // (N, 3, H, W)
  return matMul(down, expandDims(shares(columns, size), 1), { transposeB: true });
}

/** (N, size, size): how much of each old pixel each new one is; the nearer of two neighbours has more. */
function shares({ first, end }: Span, size: number): Tensor {
  const { graph } = first;
  const cells = reshape(iota(graph, size), [1, size]);
  const step = mul(sub(sub(end, first), 1), 1 / Math.max(1, size - 1)); // (N, 1)
  const places = add(first, mul(cells, step)); // (N, size)
  return relu(sub(1, abs(sub(expandDims(places, 2), reshape(cells, [1, 1, size])))));
}

/** (N, 4): x1, y1, x2, y2 in 0..1 of the picture. */
export function regionOf({ rows, columns }: Box, size: number): Tensor {
  return mul(concat([columns.first, rows.first, columns.end, rows.end], 1), 1 / size);
}
