// The sum of what several uses of one tensor contribute to its gradient.
import { concat, pad } from "../build.ts";
import { isOp, type Tensor } from "../tensor.ts";
import { plus } from "./rule.ts";

/** A piece of a gradient along one axis, zero elsewhere: what a slice of the tensor contributes. */
interface Piece {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly size: number;
  readonly value: Tensor;
}

/**
 * The sum of contributions, at least one. Slices that lie side by side (a split into queries, keys and values) are put together again by
 * one concat instead of padding and adding full-sized tensors.
 */
export function accumulate(parts: readonly Tensor[]): Tensor {
  const pieces = new Map<number, Piece[]>();
  const whole: Tensor[] = [];
  for (const part of parts) {
    const piece = pieceOf(part);
    if (piece === undefined) whole.push(part);
    else pieces.set(piece.axis, [...(pieces.get(piece.axis) ?? []), piece]);
  }
  return [...whole, ...[...pieces.values()].flatMap(joined)].reduce(plus);
}

function pieceOf(part: Tensor): Piece | undefined {
  if (!isOp(part, "pad") || part.attributes.value !== 0) return undefined;
  const { before, after } = part.attributes;
  const padded = before.flatMap((count, i) => (count > 0 || after[i]! > 0 ? [i] : []));
  const axis = padded[0];
  const size = axis === undefined ? undefined : part.shape[axis];
  if (padded.length !== 1 || axis === undefined || typeof size !== "number") return undefined;
  return { axis, start: before[axis]!, end: size - after[axis]!, size, value: part.inputs[0]! };
}

/** Neighbouring pieces of one axis, each run joined. */
function joined(pieces: readonly Piece[]): Tensor[] {
  const runs: Piece[][] = [];
  for (const piece of [...pieces].sort((a, b) => a.start - b.start)) {
    const run = runs.find((candidate) => candidate.at(-1)!.end === piece.start);
    if (run === undefined) runs.push([piece]);
    else run.push(piece);
  }
  return runs.map((run) => {
    const { axis, start, size } = run[0]!;
    const value = concat(
      run.map((piece) => piece.value),
      axis,
    );
    const none = value.shape.map(() => 0);
    return pad(value, none.with(axis, start), none.with(axis, size - run.at(-1)!.end));
  });
}
