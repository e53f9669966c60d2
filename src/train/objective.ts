// What a train step minimises, apart from how: a function over symbolic tensors from a batch to a loss. Classification is one (classification.ts),
// the stages of glance and focus are others (gfnet/).
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { ModelDefinition } from "../models/registry.ts";
import type { Mode } from "../nn/mode.ts";
import type { AnnotationInputs } from "./annotation-inputs.ts";
import type { HostWork } from "./host-work.ts";

/** Numbers that a step wants from the host: drawn for every batch from the run's seed, so that a run repeats exactly. */
export interface DrawnInput {
  readonly name: string;
  readonly shape: readonly number[];
  /** "uniform" in [0, 1), or standard "normal". */
  readonly distribution: "uniform" | "normal";
}

export interface ObjectiveInputs {
  /** The model's. */
  readonly scope: Scope;
  readonly model: ModelDefinition;
  /** (batch, 3, [frames,] height, width), or with views (views x batch, …); one channel where the model sees grey */
  readonly image: Tensor;
  /** (batch, classes), rows sum to 1. Of labelled pictures only. */
  readonly targets: Tensor;
  /** Boxes, masks, classes of pixels: of annotated pictures only. */
  annotations(): AnnotationInputs;
  /** For training; what is frozen normalises with running statistics. */
  readonly mode: Mode;
  /** Declares random numbers. */
  draw(input: DrawnInput): Tensor;
  /**
   * A tensor that the host makes, between a forward pass and the step, of what the step's own parameters say of the batch. The same random numbers
   * go into both, and no gradient goes through.
   */
  onHost(work: HostWork): Tensor;
  /** A scalar: the share of the run's updates that are done, 0 for the first. */
  progress(): Tensor;
}

export interface ObjectiveOutputs {
  /** A scalar. */
  readonly loss: Tensor;
  /** (rows, classes): the answer whose accuracy is shown while training. Absent where an objective asks nothing that has one. */
  readonly logits?: Tensor;
  /** (rows, classes), rows sum to 1: what `logits` should say. Default: the batch's targets. */
  readonly targets?: Tensor;
  /** Names of parameters and buffers that only the loss has: they are trained, and are no part of the model. */
  readonly auxiliary?: readonly string[];
  /** Parameters that the loss does not see: they stay as they are, decay included. Default: they are taken for trained. */
  readonly untouched?: readonly string[];
  /**
   * Parameters that stay what one of the model's was when the run began, by name: those of a teacher that is the model as it was. They are no part of
   * the model, and checkpoints keep them.
   */
  readonly copies?: ReadonlyMap<string, string>;
}

/** What a step minimises. */
export type Objective = (inputs: ObjectiveInputs) => ObjectiveOutputs;
