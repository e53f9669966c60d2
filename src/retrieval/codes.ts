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
/** Above all that float64 rounds. */
const SLACK = 1e-9;

/** Codes of some vectors. The i-th vector is near scales[i] times its codes, at most errors[i] away. */
export interface Codes {
  readonly rows: number;
  /** (width, rows): as the product wants them. */
  readonly codes: Int8Array;
  readonly scales: Float32Array;
  readonly errors: Float32Array;
}

/** Codes for `rows` vectors, to be filled. */
export function allocateCodes(rows: number, width: number): Codes {
  return {
    rows,
    codes: new Int8Array(rows * width),
    scales: new Float32Array(rows),
    errors: new Float32Array(rows),
  };
}

/** Vectors side by side while they are turned: runs of bytes are written, and not bytes far apart. */
const TOGETHER = 64;

/**
 * Encodes vectors into the columns from `at` on.
 *
 * @param vectors (n, width)
 */
export function encodeVectors(
  vectors: Float32Array,
  width: number,
  { codes, scales, errors, rows }: Codes,
  at: number,
) {
  const count = vectors.length / width;
  const factors = new Float64Array(TOGETHER);
  for (let first = 0; first < count; first += TOGETHER) {
    const together = Math.min(TOGETHER, count - first);
    for (let i = 0; i < together; i++) {
      const start = (first + i) * width;
      const { norm, largest } = measure(vectors, start, width);
      // The scale is used as it is stored.
      const scale = norm === 0 ? 0 : Math.fround(largest / norm / MOST_CODE);
      scales[at + first + i] = scale;
      factors[i] = scale === 0 ? 0 : 1 / norm / scale;
    }
    const squares = new Float64Array(together);
    for (let d = 0; d < width; d++) {
      const column = d * rows + at + first;
      for (let i = 0; i < together; i++) {
        const exact = vectors[(first + i) * width + d]! * factors[i]!;
        const code = exact < 0 ? -Math.floor(0.5 - exact) : Math.floor(exact + 0.5);
        codes[column + i] = code;
        squares[i]! += (exact - code) ** 2;
      }
    }
    for (let i = 0; i < together; i++)
      errors[at + first + i] = roundedUp(Math.sqrt(squares[i]!) * scales[at + first + i]!);
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
  /** What times a vector's error bounds the cosine's, and what is added to that. */
  readonly slope: number;
  readonly offset: number;
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
  const missed = Math.hypot(...left);
  // |q.x - q'.x'| <= |q'| |x - x'| + |q - q'| |x|, and |q'| <= |q| + |q - q'|.
  return { digits, steps, slope: 1 + missed + SLACK, offset: missed + SLACK };
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
