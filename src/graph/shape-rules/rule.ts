// What a shape rule is, and the checks that rules share.
import { ShapeError } from "../../errors.ts";
import { type Dim, printShape, type Shape } from "../dimensions.ts";
import type { GraphDType, Op, OpAttributes } from "../ops.ts";
import type { Inferred, Tensor } from "../tensor.ts";

/** Where a rule runs, for its error messages. */
export interface Where {
  readonly op: Op;
  readonly path: string;
}

/** Shape and dtype of an op's output; throws ShapeError when the inputs do not go together. */
export type ShapeRule<O extends Op> = (
  inputs: readonly Tensor[],
  attributes: OpAttributes[O],
  where: Where,
) => Inferred;

export type ShapeRules<Ops extends Op> = { readonly [O in Ops]: ShapeRule<O> };

export function refuse(where: Where, problem: string, inputs: readonly Tensor[]): never {
  throw new ShapeError(
    where.op,
    problem,
    inputs.map((input) => `${input.dtype}${printShape(input.shape)}`),
    where.path,
  );
}

export function requireCount(where: Where, inputs: readonly Tensor[], least: number, most = least): void {
  if (inputs.length < least || inputs.length > most)
    refuse(where, `needs ${least === most ? least : `${least} to ${most}`} inputs, got ${inputs.length}`, inputs);
}

export function requireRank(where: Where, inputs: readonly Tensor[], index: number, rank: number): void {
  if (inputs[index]!.shape.length !== rank) refuse(where, `input ${index} must have ${rank} dimensions`, inputs);
}

export function requireDType(where: Where, inputs: readonly Tensor[], allowed: readonly GraphDType[]): void {
  for (const input of inputs)
    if (!allowed.includes(input.dtype)) refuse(where, `takes ${allowed.join(" or ")}, not ${input.dtype}`, inputs);
}

export function requireSameDType(where: Where, inputs: readonly Tensor[]): GraphDType {
  const first = inputs[0]!.dtype;
  if (inputs.some((input) => input.dtype !== first)) refuse(where, "the dtypes differ (cast first)", inputs);
  return first;
}

/** An axis counted from the front; negative ones count from the back. */
export function normalizeAxis(where: Where, inputs: readonly Tensor[], axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(normal) || normal < 0 || normal >= rank)
    refuse(where, `axis ${axis} is outside rank ${rank}`, inputs);
  return normal;
}

/** NumPy broadcasting. Symbolic sizes must be equal as expressions, or one of the two must be 1. */
export function broadcast(where: Where, inputs: readonly Tensor[], shapes: readonly Shape[]): Shape {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    let size: Dim = 1;
    for (const shape of shapes) {
      const at = i - (rank - shape.length);
      const next = at < 0 ? 1 : shape[at]!;
      if (next === 1 || next === size) continue;
      if (size !== 1) refuse(where, `sizes ${size} and ${next} in dimension ${i} do not broadcast`, inputs);
      size = next;
    }
    result.push(size);
  }
  return result;
}
