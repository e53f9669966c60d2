// Shapes that come from files: checked before anything multiplies or allocates with them.
import { FormatError } from "../errors.ts";

// NumPy stops at 64 dimensions and PyTorch's kernels at fewer; no weight has more.
const MAX_DIMENSIONS = 64;
// A tensor without elements costs nothing to store, whatever its other dimensions say; whoever walks through them must come to an end.
const MAX_EMPTY_EXTENT = 2 ** 20;

/** True for a number that can be a dimension, a stride or an offset. */
export function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
}

/**
 * The element count of a shape from a file.
 * @throws FormatError when a dimension is no size, there are too many, the product is beyond 2^53, or a shape without elements has endless others.
 */
export function checkedElementCount(shape: readonly unknown[], format: string, name: string): number {
  if (shape.length > MAX_DIMENSIONS)
    throw new FormatError(format, `${name} has ${shape.length} dimensions, at most ${MAX_DIMENSIONS} make sense`);
  if (!shape.every(isSize)) throw new FormatError(format, `${name} has a shape that is not made of sizes`);
  const extent = shape.reduce<number>((product, dim) => product * Math.max(1, dim as number), 1);
  if (!Number.isSafeInteger(extent))
    throw new FormatError(format, `${name} has the shape [${shape.join(", ")}], which overflows`);
  if (!shape.includes(0)) return extent;
  if (extent > MAX_EMPTY_EXTENT)
    throw new FormatError(format, `${name} has the shape [${shape.join(", ")}]: so large, and without an element`);
  return 0;
}
