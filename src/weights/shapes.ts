// Shapes that come from files: checked before anything multiplies or allocates with them.
import { FormatError } from "../errors.ts";

// NumPy stops at 64 dimensions and PyTorch's kernels at fewer; no weight has more.
const MAX_DIMENSIONS = 64;

/** True for a number that can be a dimension, a stride or an offset. */
export function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
}

/**
 * The element count of a shape from a file.
 * @throws FormatError when a dimension is no size, there are too many, or the product is beyond 2^53.
 */
export function checkedElementCount(shape: readonly unknown[], format: string, name: string): number {
  if (shape.length > MAX_DIMENSIONS)
    throw new FormatError(format, `${name} has ${shape.length} dimensions, at most ${MAX_DIMENSIONS} make sense`);
  if (!shape.every(isSize)) throw new FormatError(format, `${name} has a shape that is not made of sizes`);
  if (shape.includes(0)) return 0;
  const count = shape.reduce<number>((product, dim) => product * (dim as number), 1);
  if (!Number.isSafeInteger(count))
    throw new FormatError(format, `${name} has the shape [${shape.join(", ")}], which overflows`);
  return count;
}
