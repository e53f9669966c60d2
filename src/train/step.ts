// The compiled train step: forward, loss, backward, clipping, optimiser update and moving average as one graph. Parameters and optimiser state
// go in and come out; an engine that carries state keeps them, so that a step moves only the batch in and a few numbers out.
import {
  add,
  argMax,
  concat,
  div,
  equal,
  gatherElements,
  minimum,
  mul,
  reduceMean,
  reduceSum,
  reshape,
  sqrt,
  sub,
  where,
} from "../graph/build.ts";
import { differentiate } from "../graph/gradients/differentiate.ts";
import { Scope } from "../graph/scope.ts";
import { Graph, type Parameter, type Tensor } from "../graph/tensor.ts";
import type { ModelDefinition } from "../models/registry.ts";
import { type MaskInput, Mode } from "../nn/mode.ts";
import { binaryCrossEntropy, distillation, featureDistillation, softCrossEntropy } from "./losses.ts";
import type { DrawnInput, Objective } from "./objective.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import { type GroupRules, namePattern, type ParameterRule, parameterRules } from "./parameter-groups.ts";

/** What the student learns from a teacher, besides the labels. */
export interface DistillationOptions {
  /** "logits": `teacher` is (batch, classes) logits. "features": (batch, width) features of the student's width. */
  readonly kind: "logits" | "features";
  /** Share of this loss; the labels' loss has the rest. */
  readonly weight: number;
  /** For logits. */
  readonly temperature: number;
}

export interface StepOptions {
  readonly model: ModelDefinition;
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly classes: number;
  readonly optimizer: Optimizer;
  readonly groups: GroupRules;
  readonly loss: "cross_entropy" | "binary_cross_entropy";
  readonly distillation?: DistillationOptions;
  /** Share of the loss that early answers (outputs `exit.N.logits`) have in equal parts; the last answer has the rest. Default 0. */
  readonly exitWeight?: number;
  /** What is minimised. Default: `loss`, `distillation` and `exitWeight` of the model's answers. */
  readonly objective?: Objective;
  /** Largest global norm of the gradients. */
  readonly clipNorm?: number;
  /** Keep a moving average of the parameters; its decay is fed at every step. */
  readonly ema: boolean;
  /** Batches whose gradients are averaged for one update. Default 1. */
  readonly accumulate?: number;
}

/** A tensor that one step hands to the next: fed as `input`, given back as `output`. */
export interface StateTensor {
  readonly input: string;
  readonly output: string;
  readonly shape: readonly number[];
  /** The parameter or buffer it belongs to. */
  readonly parameter: string;
  /** "buffer": not trained, but moved by the forward pass (running statistics). "ema": the average of a parameter or of a buffer. */
  readonly role: "parameter" | "buffer" | "optimizer" | "ema" | "accumulator";
}

export interface TrainStep {
  readonly graph: Graph;
  readonly state: readonly StateTensor[];
  readonly masks: readonly MaskInput[];
  /** Random numbers that the objective wants. */
  readonly draws: readonly DrawnInput[];
  /** Names of the scalars to feed, besides `image` and `targets` [and `teacher`]. */
  readonly scalars: readonly string[];
  /** The trained parameters, in the order of the output `gradient_squares`. */
  readonly trained: readonly string[];
  readonly rules: ReadonlyMap<string, ParameterRule>;
}

/** Names of the outputs that are not state. */
export const STEP_OUTPUTS = ["loss", "accuracy", "gradient_norm", "gradient_squares"] as const;

/** Builds the step. Shapes are fixed: one graph a configuration. */
export function buildTrainStep(options: StepOptions): TrainStep {
  const graph = new Graph();
  const scope = new Scope(graph);
  const { batch, classes, model, optimizer } = options;
  const image = graph.input("image", [batch, 3, options.height, options.width]);
  const targets = graph.input("targets", [batch, classes]);
  const keeps = namePattern(options.groups.freeze ?? []);
  const mode = Mode.training({ keepsStatistics: keeps });
  const draws: DrawnInput[] = [];
  const draw = (input: DrawnInput) => {
    draws.push(input);
    return graph.input(input.name, input.shape);
  };
  const objective = options.objective ?? classification(options);
  const { loss, logits } = objective({ scope, model, image, targets, mode, draw });

  const parameters = [...graph.parameters.values()];
  const rules = parameterRules(parameters, options.groups);
  const trained = parameters.filter(({ name }) => rules.get(name)!.trains);
  const gradients = differentiate(
    loss,
    trained.map(({ tensor }) => tensor as unknown as Tensor),
  );

  const scalar = (name: string) => graph.input(name, []);
  const learningRate = scalar("learning_rate");
  const extraNames = Object.keys(optimizer.scalars(1));
  const extra = Object.fromEntries(extraNames.map((name) => [name, scalar(name)]));
  const emaDecay = options.ema ? scalar("ema_decay") : undefined;
  const accumulation =
    options.accumulate !== undefined && options.accumulate > 1
      ? new Accumulation(graph, options.accumulate)
      : undefined;

  const averaged = gradients.map((gradient, i) =>
    accumulation === undefined ? gradient : accumulation.add(trained[i]!, gradient),
  );
  const squares = averaged.map((gradient) => reshape(reduceSum(mul(gradient, gradient), axesOf(gradient)), [1]));
  const squaresVector = concat(squares, 0); // (trained)
  const norm = sqrt(reduceSum(squaresVector, 0));
  const shrink = options.clipNorm === undefined ? undefined : minimum(div(options.clipNorm, add(norm, 1e-6)), 1);

  const state: StateTensor[] = [];
  const carry = (name: string, parameter: Parameter, role: StateTensor["role"], next: Tensor) => {
    graph.output(`next.${name}`, next);
    state.push({ input: name, output: `next.${name}`, shape: parameter.shape, parameter: parameter.name, role });
  };
  const applied = (next: Tensor, before: Tensor) => accumulation?.whenApplied(next, before) ?? next;
  const carryAverage = (parameter: Parameter, next: Tensor) => {
    if (emaDecay === undefined) return;
    const average = graph.input(`ema.${parameter.name}`, parameter.shape);
    const moved = add(mul(average, emaDecay), mul(next, sub(1, emaDecay)));
    carry(`ema.${parameter.name}`, parameter, "ema", applied(moved, average));
  };
  trained.forEach((parameter, i) => {
    const rule = rules.get(parameter.name)!;
    const current = parameter.tensor as unknown as Tensor;
    const stateNames = optimizer.stateNames.map((name) => `${optimizer.name}.${name}.${parameter.name}`);
    const states = stateNames.map((name) => graph.input(name, parameter.shape));
    const gradient = shrink === undefined ? averaged[i]! : mul(averaged[i]!, shrink);
    const update = optimizer.update(current, gradient, states, { learningRate, extra }, rule);
    const nextParameter = applied(update.parameter, current);
    carry(parameter.name, parameter, "parameter", nextParameter);
    for (const [s, name] of stateNames.entries())
      carry(name, parameter, "optimizer", applied(update.states[s]!, states[s]!));
    carryAverage(parameter, nextParameter);
    if (accumulation !== undefined)
      carry(accumulation.name(parameter), parameter, "accumulator", accumulation.remainder(averaged[i]!));
  });

  // Buffers move with every batch, also while gradients are collected (as in PyTorch), and have moving averages as parameters do (as in timm's
  // ModelEmaV2): averaged weights want the statistics of averaged features.
  for (const [name, next] of mode.bufferUpdates) {
    const buffer = graph.parameters.get(name)!;
    carry(name, buffer, "buffer", next);
    carryAverage(buffer, next);
  }

  graph.output("loss", loss);
  graph.output("accuracy", softAccuracy(logits, targets));
  graph.output("gradient_norm", norm);
  graph.output("gradient_squares", squaresVector);
  return {
    graph,
    state,
    masks: mode.masks,
    draws,
    scalars: [
      "learning_rate",
      ...extraNames,
      ...(options.ema ? ["ema_decay"] : []),
      ...(accumulation === undefined ? [] : ["apply"]),
    ],
    trained: trained.map(({ name }) => name),
    rules,
  };
}

/** Averages gradients over several batches inside the one compiled step: the scalar `apply` says when the update happens. */
class Accumulation {
  readonly #apply: Tensor;

  constructor(
    readonly graph: Graph,
    readonly count: number,
  ) {
    this.#apply = equal(graph.input("apply", []), 1);
  }

  name(parameter: Parameter): string {
    return `gradient.${parameter.name}`;
  }

  /** What has been collected so far, with this batch's share. */
  add(parameter: Parameter, gradient: Tensor): Tensor {
    return add(this.graph.input(this.name(parameter), parameter.shape), mul(gradient, 1 / this.count));
  }

  whenApplied(next: Tensor, before: Tensor): Tensor {
    return where(this.#apply, next, before);
  }

  remainder(collected: Tensor): Tensor {
    return where(this.#apply, 0, collected);
  }
}

type ClassificationOptions = Pick<StepOptions, "loss" | "distillation" | "exitWeight">;

/** The model's logits against the targets, and perhaps against a teacher; early answers against the same. */
function classification(options: ClassificationOptions): Objective {
  return ({ scope, model, image, targets, mode }) => {
    const outputs = model.architecture.build(scope, image, model.config, mode);
    const logits = outputs.logits!;
    const taught = taughtLoss(options, outputs);
    const answerLoss = (answer: Tensor) => {
      const labelLoss = (options.loss === "cross_entropy" ? softCrossEntropy : binaryCrossEntropy)(answer, targets);
      const weight = options.distillation?.weight ?? 0;
      return taught === undefined ? labelLoss : add(mul(labelLoss, 1 - weight), mul(taught(answer), weight));
    };
    const exitWeight = options.exitWeight ?? 0;
    const exits = Object.keys(outputs).filter((name) => /^exit\.\d+\.logits$/.test(name));
    if (exitWeight === 0 || exits.length === 0) return { loss: answerLoss(logits), logits };
    const early = exits.map((name) => answerLoss(outputs[name]!)).reduce((sum, loss) => add(sum, loss));
    return { loss: add(mul(answerLoss(logits), 1 - exitWeight), mul(early, exitWeight / exits.length)), logits };
  };
}

/** How far an answer is from the teacher's; a teacher of features judges all answers by the features. */
function taughtLoss({ distillation: teaching }: ClassificationOptions, outputs: Readonly<Record<string, Tensor>>) {
  if (teaching === undefined) return undefined;
  const student = teaching.kind === "logits" ? outputs.logits! : outputs.features!;
  const teacher = student.graph.input("teacher", student.shape);
  return (answer: Tensor) =>
    teaching.kind === "logits"
      ? distillation(answer, teacher, teaching.temperature)
      : featureDistillation(student, teacher);
}

/** The targets' share of the class that was predicted: ordinary accuracy for hard labels, its expectation for mixed ones. */
function softAccuracy(logits: Tensor, targets: Tensor): Tensor {
  const predicted = argMax(logits, 1, { keepDims: true }); // (batch, 1)
  return reduceMean(gatherElements(targets, predicted, 1), [0, 1]);
}

function axesOf(x: Tensor): number[] {
  return x.shape.map((_, axis) => axis);
}
