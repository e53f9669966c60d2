// Vectors in eight bits, with how far each is from what it stands for: enough to say which few of a million can be among the nearest. What is
// compared are directions, so every vector is scaled to unit length first; cosines of zero vectors are 0.

/** Codes are whole numbers from -127 to 127. */
const MOST_CODE = 127;
/**
 * Query digits are from -63 to 63, stored with 64 added. Processors without instructions for eight-bit products add two of them in sixteen bits and
 * would overflow above 128 x 127 x 2.
 */
const MOST_DIGIT = 63;
export const QUERY_ZERO = 64;
/** The rows of a query in the product: its digits, and the digits of what they leave. */
export const QUERY_ROWS = 2;
/** Above all that is rounded, which is most in scales: float32 leaves them up to 6e-8 from the nearest one. */
const SLACK = 2e-7;

/**
 * Codes of some vectors. The i-th vector is near scales[i] times its codes, at most errors[i] away; the scale is the one that is nearest, so that
 * what is missed stands at a right angle to the codes.
 */
export interface Codes {
  readonly rows: number;
  /** (width, rows): as the product wants them. */
  readonly codes: Int8Array;
  readonly scales: Float32Array;
  readonly errors: Float32Array;
}

/** Vectors side by side while they are turned: runs of bytes are written, and not bytes far apart. */
const TOGETHER = 64;

/** @param vectors (n, width) */
export function encodeVectors(vectors: Float32Array, width: number): Codes {
  const rows = vectors.length / width;
  const encoded = {
    rows,
    codes: new Int8Array(vectors.length),
    scales: new Float32Array(rows),
    errors: new Float32Array(rows),
  };
  for (let first = 0; first < rows; first += TOGETHER) encodeSome(vectors, width, encoded, first);
  return encoded;
}

/** The vectors from `first` on that are turned together. */
function encodeSome(vectors: Float32Array, width: number, { codes, scales, errors, rows }: Codes, first: number): void {
  const together = Math.min(TOGETHER, rows - first);
  const steps = new Float64Array(together);
  const factors = new Float64Array(together);
  for (let i = 0; i < together; i++) {
    const { norm, largest } = measure(vectors, (first + i) * width, width);
    steps[i] = norm === 0 ? 0 : largest / norm / MOST_CODE;
    factors[i] = norm === 0 ? 0 : MOST_CODE / largest;
  }
  // Of the codes c and what rounding leaves, r: the sums of r r, r c and c c.
  const [left, mixed, squares] = [0, 0, 0].map(() => new Float64Array(together)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let d = 0; d < width; d++) {
    const column = d * rows + first;
    for (let i = 0; i < together; i++) {
      const exact = vectors[(first + i) * width + d]! * factors[i]!;
      const code = exact < 0 ? -Math.floor(0.5 - exact) : Math.floor(exact + 0.5);
      codes[column + i] = code;
      const rest = exact - code;
      left[i]! += rest * rest;
      mixed[i]! += rest * code;
      squares[i]! += code * code;
    }
  }
  for (let i = 0; i < together; i++) {
    if (steps[i] === 0) continue;
    // The scale is used as it is stored.
    const scale = Math.fround(steps[i]! * (1 + mixed[i]! / squares[i]!));
    const stretch = scale / steps[i]! - 1;
    const missed = left[i]! - 2 * stretch * mixed[i]! + stretch * stretch * squares[i]!;
    scales[first + i] = scale;
    errors[first + i] = roundedUp(Math.sqrt(Math.max(0, missed)) * steps[i]!);
  }
}

/** A float32 that is at least as large. */
const roundedUp = (value: number): number => Math.fround(value * (1 + 1e-6));

function measure(vectors: Float32Array, start: number, width: number): { norm: number; largest: number } {
  let square = 0;
  let largest = 0;
  for (let d = start; d < start + width; d++) {
    const value = vectors[d]!;
    square += value * value;
    const size = Math.abs(value);
    if (size > largest) largest = size;
  }
  return { norm: Math.sqrt(square), largest };
}

/** A query as two rows of digits: its direction is near fine[0] * (digits[0] - 64) + fine[1] * (digits[1] - 64). */
export interface QueryCodes {
  /** (QUERY_ROWS, width) */
  readonly digits: Uint8Array;
  readonly steps: readonly [number, number];
  /** Length of what the digits miss of the direction, and more than all roundings. */
  readonly missed: number;
}

export function encodeQuery(query: Float32Array): QueryCodes {
  const width = query.length;
  const { norm } = measure(query, 0, width);
  const direction = Float64Array.from(query, (value) => (norm === 0 ? 0 : value / norm));
  const digits = new Uint8Array(QUERY_ROWS * width).fill(QUERY_ZERO);
  const left = direction.slice();
  const steps = [0, 1].map((row) => {
    const step = left.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / MOST_DIGIT;
    for (let d = 0; step > 0 && d < width; d++) {
      const digit = Math.round(left[d]! / step);
      digits[row * width + d] = digit + QUERY_ZERO;
      left[d]! -= digit * step;
    }
    return step;
  }) as [number, number];
  return { digits, steps, missed: Math.hypot(...left) + SLACK };
}

/**
 * How far the cosine of a query q with a vector x can be from that of their codes, q' and x'. With e = x - x', q x - q' x' = q e + (q - q') x'. As e
 * stands at a right angle to x', only what of q does so too counts in q e: of a query that is near the vector, little.
 *
 * @param cosine of the codes
 * @param error the vector's
 */
export function reachOf(cosine: number, error: number, missed: number): number {
  const along = Math.max(0, Math.abs(cosine) - missed);
  return Math.sqrt(Math.max(0, 1 - along * along)) * error + missed;
}

/** The cosine of two vectors in float64: what results are ordered by. */
export function exactCosine(query: Float32Array, queryNorm: number, vectors: Float32Array, start: number): number {
  let dot = 0;
  let square = 0;
  for (let d = 0; d < query.length; d++) {
    const value = vectors[start + d]!;
    dot += query[d]! * value;
    square += value * value;
  }
  return dot === 0 ? 0 : dot / (queryNorm * Math.sqrt(square));
}

export const normOf = (vector: Float32Array): number => measure(vector, 0, vector.length).norm;
