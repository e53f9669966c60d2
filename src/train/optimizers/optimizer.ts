// What an optimiser is: how many state tensors a parameter needs, and one update as graph ops. Step-dependent numbers are computed by the host
// and fed as scalars, so the compiled step never changes.
import { mul } from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";

/** Scalars a step feeds. */
export interface StepScalars {
  /** Learning rate of this step, before the parameter's own multiplier. */
  readonly learningRate: Tensor;
  /** What the gradients are still to be multiplied by: clipping's share of their norm. Default 1. */
  readonly gradientScale?: Tensor | undefined;
  /** Numbers named by `Optimizer.scalars`. */
  readonly extra: Readonly<Record<string, Tensor>>;
}

export interface Update {
  readonly parameter: Tensor;
  /** New states, in the order of `stateNames`. */
  readonly states: readonly Tensor[];
}

export interface Optimizer {
  readonly name: string;
  /** State tensors, each of the parameter's shape and starting at zero. */
  readonly stateNames: readonly string[];
  /** Whether an update reads norms of whole tensors that decay: these are then handed over one by one, others side by side. Default false. */
  readonly normsTensors?: boolean;
  /** Further scalars of step `t` (1, 2, …). */
  scalars(t: number): Readonly<Record<string, number>>;
  /** `weightDecay` is 0 for parameters that do not decay; `rateScale` multiplies the learning rate (layer-wise decay). */
  update(
    parameter: Tensor,
    gradient: Tensor,
    states: readonly Tensor[],
    scalars: StepScalars,
    options: { readonly weightDecay: number; readonly rateScale: number },
  ): Update;
}

/** The gradient that clipping leaves. */
export function clipped(gradient: Tensor, { gradientScale }: StepScalars): Tensor {
  return gradientScale === undefined ? gradient : mul(gradient, gradientScale);
}
