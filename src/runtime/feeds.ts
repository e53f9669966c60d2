// What goes into a run is checked against what the model declares before anything reaches the engine, so that a mistake is named in the
// caller's words (input, expected, actual) and in the same words on every engine.
import { SessionError } from "../errors.ts";
import { allocate, elementCount, type TensorData } from "../tensor.ts";
import type { ValueInfo } from "./session.ts";

/** `image: float32[batch, 3, 224, 224]` */
export function describeValue(value: {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly (number | string)[];
}): string {
  return `${value.name}: ${value.dtype}[${value.shape.join(", ")}]`;
}

/**
 * Checks names, dtypes, ranks, fixed sizes and data lengths. Free dimensions take any size. A declared shape of [] is not checked, because
 * ONNX Runtime reports a scalar and an unknown rank alike.
 *
 * @param held state inputs that the engine has already; they may be left out
 * @throws SessionError with `data.input`, `data.expected` and `data.actual`
 */
export function checkFeeds(
  inputs: readonly ValueInfo[],
  feeds: Readonly<Record<string, TensorData>>,
  held: ReadonlySet<string> = new Set(),
): void {
  const declared = inputs.map(describeValue).join("; ");
  for (const name of Object.keys(feeds))
    if (!inputs.some((input) => input.name === name))
      throw new SessionError(`the model has no input "${name}"`, {
        hint: `its inputs are ${declared}`,
        data: { input: name, expected: inputs.map((input) => input.name) },
      });
  for (const input of inputs) {
    const feed = feeds[input.name];
    if (feed === undefined && held.has(input.name)) continue;
    if (feed === undefined)
      throw new SessionError(`input "${input.name}" is missing`, {
        hint: `feed ${describeValue(input)}`,
        data: { input: input.name, expected: describeValue(input), given: Object.keys(feeds) },
      });
    checkFeed(input, feed);
  }
}

function checkFeed(input: ValueInfo, feed: TensorData): void {
  const fail = (problem: string, hint?: string): never => {
    throw new SessionError(`input "${input.name}": ${problem}`, {
      ...(hint === undefined ? {} : { hint }),
      data: {
        input: input.name,
        expected: { dtype: input.dtype, shape: input.shape },
        actual: { dtype: feed.dtype, shape: feed.shape, elements: feed.data.length },
      },
    });
  };
  if (feed.dtype !== input.dtype) fail(`expected ${input.dtype}, got ${feed.dtype}`, "convert the tensor first");
  const arrayName = allocate(feed.dtype, 0)[Symbol.toStringTag];
  if (feed.data[Symbol.toStringTag] !== arrayName)
    fail(`${feed.dtype} data must be a ${arrayName}, got ${feed.data[Symbol.toStringTag]}`);
  const expected = `[${input.shape.join(", ")}]`;
  const actual = `[${feed.shape.join(", ")}]`;
  if (feed.shape.some((size) => !Number.isInteger(size) || size < 0))
    fail(`the shape ${actual} must be whole numbers of at least 0`);
  if (input.shape.length > 0) {
    if (feed.shape.length !== input.shape.length)
      fail(`expected ${input.shape.length} dimensions ${expected}, got ${feed.shape.length} ${actual}`);
    for (const [axis, size] of input.shape.entries())
      if (typeof size === "number" && size !== feed.shape[axis])
        fail(`expected shape ${expected}, got ${actual}: dimension ${axis} must be ${size}`);
  }
  const elements = elementCount(feed.shape);
  if (feed.data.length !== elements)
    fail(
      `the shape ${actual} needs ${elements} elements, the data has ${feed.data.length}`,
      feed.data.length === 0 ? "a buffer that was transferred to a worker or an earlier run is empty" : undefined,
    );
}

/**
 * The names to compute, in the caller's order: all outputs by default.
 *
 * @throws SessionError for names that the model does not have, and for an empty list
 */
export function checkOutputNames(outputs: readonly ValueInfo[], wanted?: readonly string[]): readonly string[] {
  const names = outputs.map((output) => output.name);
  if (wanted === undefined) return names;
  for (const name of wanted)
    if (!names.includes(name))
      throw new SessionError(`the model has no output "${name}"`, {
        hint: `its outputs are ${outputs.map(describeValue).join("; ")}`,
        data: { output: name, expected: names },
      });
  if (wanted.length === 0) throw new SessionError("a run needs at least one output", { data: { expected: names } });
  return [...new Set(wanted)];
}
