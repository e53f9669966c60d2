// The compiled train step: forward, loss, backward, clipping, optimiser update and moving average as one graph. Parameters and optimiser state
// go in and come out; an engine that carries state keeps them, so that a step moves only the batch in and a few numbers out.
import {
  add,
  argMax,
  concat,
  div,
  equal,
  gatherElements,
  greaterOrEqual,
  minimum,
  mul,
  reduceMean,
  reduceSum,
  reshape,
  split,
  sqrt,
  sub,
  where,
} from "../graph/build.ts";
import { differentiate } from "../graph/gradients/differentiate.ts";
import { Scope } from "../graph/scope.ts";
import { Graph, type Parameter, type Tensor, widen } from "../graph/tensor.ts";
import { asSeen } from "../models/grey.ts";
import { pictureInput } from "../models/picture-input.ts";
import type { ModelDefinition } from "../models/registry.ts";
import { linear } from "../nn/linear.ts";
import { type MaskInput, Mode } from "../nn/mode.ts";
import { elementCount } from "../tensor.ts";
import { binaryCrossEntropy, distillation, featureDistillation, softCrossEntropy } from "./losses.ts";
import type { DrawnInput, Objective } from "./objective.ts";
import type { Optimizer, StepScalars } from "./optimizers/optimizer.ts";
import { type GroupRules, isFrozen, type ParameterRule, parameterRules, wakingTime } from "./parameter-groups.ts";

/** What the student learns from a teacher, besides the labels. */
export interface DistillationOptions {
  /**
   * "logits": `teacher` is (batch, classes) logits. "features": (batch, width) features. Those of another width than the student's are compared
   * with a linear map of the student's, which is learnt with it and is no part of the model.
   */
  readonly kind: "logits" | "features";
  /** Of the teacher's features. Default: the student's. */
  readonly width?: number;
  /** Share of this loss; the labels' loss has the rest. */
  readonly weight: number;
  /** For logits. */
  readonly temperature: number;
}

export interface StepOptions {
  readonly model: ModelDefinition;
  readonly batch: number;
  /** Of clips; absent for pictures. */
  readonly frames?: number;
  /** How often each picture comes in a batch, differently augmented: the image's rows are all pictures once, then all of them again. Default 1. */
  readonly views?: number;
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
  /**
   * "buffer": not trained, but moved by the forward pass (running statistics). "ema": the average of a parameter or of a buffer. "auxiliary": a
   * parameter or buffer that only the loss has, and not the model. "copy": what the parameter was when the run began.
   */
  readonly role: "parameter" | "buffer" | "auxiliary" | "copy" | "optimizer" | "ema" | "accumulator";
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

/** The scalar of `ObjectiveInputs.progress`. */
const PROGRESS = "progress";

/** Names of the outputs that are not state; `accuracy` is there where the objective has an answer. */
export const STEP_OUTPUTS = ["loss", "accuracy", "gradient_norm", "gradient_squares"] as const;

/** Builds the step. Shapes are fixed: one graph a configuration. */
export function buildTrainStep(options: StepOptions): TrainStep {
  const graph = new Graph();
  const { batch, frames, classes, model, views = 1 } = options;
  const time = frames === undefined ? [] : [frames];
  const colours = graph.input("image", [views * batch, 3, ...time, options.height, options.width]);
  const image = asSeen(colours, pictureInput(model));
  const targets = graph.input("targets", [batch, classes]);
  const progress = () => graph.input(PROGRESS, []);
  /** Whether something is trained by now that begins with a share of the run; undefined where it always is. */
  const isAwake = (time: number) => (time === 0 ? undefined : greaterOrEqual(progress(), time));
  const mode = Mode.training({
    keepsStatistics: isFrozen(options.groups),
    movesStatistics: (buffer) => isAwake(wakingTime(options.groups, buffer)),
  });
  const draws: DrawnInput[] = [];
  const draw = (input: DrawnInput) => {
    draws.push(input);
    return graph.input(input.name, input.shape);
  };
  const objective = options.objective ?? classification(options);
  const scope = new Scope(graph);
  const answer = objective({ scope, model, image, targets, mode, draw, progress });
  const { loss, logits, auxiliary, copies, untouched = [] } = answer;
  const parameters = [...graph.parameters.values()].filter(({ name }) => copies?.has(name) !== true);
  const rules = parameterRules(parameters, options.groups);
  const trained = parameters.filter(({ name }) => rules.get(name)!.trains && !untouched.includes(name));
  const updates = new Updates(graph, options, auxiliary);
  const gradients = differentiate(
    loss,
    trained.map(({ tensor }) => tensor as unknown as Tensor),
  ).map((gradient, i) => updates.collected(trained[i]!, gradient));
  const ruleOf = ({ name }: Parameter): Rule => {
    const rule = rules.get(name)!;
    return { ...rule, awake: isAwake(rule.wakesAt) };
  };
  const awake = trained.map((parameter) => ruleOf(parameter).awake);
  const { squares, norm, shrink } = globalNorm(gradients, awake, options.clipNorm);
  const members = trained.map((parameter, i) => ({ parameter, gradient: gradients[i]! }));
  for (const group of sideBySide(members, rules, options.optimizer, auxiliary))
    updates.ofParameters(group, ruleOf(group[0]!.parameter), shrink);
  for (const [name, original] of copies ?? []) updates.ofCopy(graph.parameters.get(name)!, original);
  for (const [name, next] of mode.bufferUpdates) {
    const buffer = graph.parameters.get(name)!;
    updates.ofBuffer(buffer, next, ruleOf(buffer).awake);
  }

  graph.output("loss", loss);
  if (logits !== undefined) graph.output("accuracy", softAccuracy(logits, answer.targets ?? targets));
  graph.output("gradient_norm", norm);
  graph.output("gradient_squares", squares);
  return {
    graph,
    state: updates.state,
    masks: mode.masks,
    draws,
    scalars: [...updates.scalars, ...(graph.inputs.has(PROGRESS) ? [PROGRESS] : [])],
    trained: trained.map(({ name }) => name),
    rules,
  };
}

/** A parameter's rule, and whether it is trained by now: a scalar, undefined where it always is. */
interface Rule extends ParameterRule {
  readonly awake: Tensor | undefined;
}

/**
 * Squared norms of all gradients (trained), their norm together, and by what clipping multiplies them, if there is any. What is not trained yet counts as
 * zero: products, so that what is no number stays visible.
 */
function globalNorm(
  gradients: readonly Tensor[],
  awake: readonly (Tensor | undefined)[],
  clipNorm: number | undefined,
) {
  const squareOf = (gradient: Tensor, i: number) => {
    const square = reshape(reduceSum(mul(gradient, gradient), axesOf(gradient)), [1]);
    const now = awake[i];
    return now === undefined ? square : mul(square, where(now, 1, 0));
  };
  const squares = concat(gradients.map(squareOf), 0);
  const norm = sqrt(reduceSum(squares, 0));
  return { squares, norm, shrink: clipNorm === undefined ? undefined : minimum(div(clipNorm, add(norm, 1e-6)), 1) };
}

/** A parameter and its gradient as it was collected. */
interface Member {
  readonly parameter: Parameter;
  readonly gradient: Tensor;
}

/** Elements up to which copying a parameter together with others takes less time than the many ops of an update of its own. */
const SMALL = 4096;

/**
 * Groups to be updated as one vector: small parameters (biases, norms) of the model with the same rule. All others are on their own, and those whose norm
 * the optimiser reads.
 */
function sideBySide(
  members: readonly Member[],
  rules: ReadonlyMap<string, ParameterRule>,
  { normsTensors = false }: Optimizer,
  auxiliary: readonly string[] = [],
): readonly Member[][] {
  const groups = new Map<string, Member[]>();
  for (const member of members) {
    const { name, shape } = member.parameter;
    const { weightDecay, rateScale, wakesAt } = rules.get(name)!;
    const isAlone = elementCount(shape) > SMALL || auxiliary.includes(name) || (normsTensors && weightDecay !== 0);
    const key = isAlone ? name : `${weightDecay} ${rateScale} ${wakesAt}`;
    groups.set(key, [...(groups.get(key) ?? []), member]);
  }
  return [...groups.values()];
}

/** The part of a step that moves parameters and buffers, and what it carries to the next step. */
class Updates {
  readonly state: StateTensor[] = [];
  /** In the order in which they are fed. */
  readonly scalars: readonly string[];
  readonly #graph: Graph;
  readonly #optimizer: Optimizer;
  readonly #rates: StepScalars;
  readonly #emaDecay: Tensor | undefined;
  readonly #accumulation: Accumulation | undefined;
  readonly #auxiliary: ReadonlySet<string>;

  constructor(graph: Graph, { optimizer, ema, accumulate = 1 }: StepOptions, auxiliary: readonly string[] = []) {
    this.#graph = graph;
    this.#auxiliary = new Set(auxiliary);
    this.#optimizer = optimizer;
    const scalar = (name: string) => graph.input(name, []);
    const extraNames = Object.keys(optimizer.scalars(1));
    this.#rates = {
      learningRate: scalar("learning_rate"),
      extra: Object.fromEntries(extraNames.map((name) => [name, scalar(name)])),
    };
    this.#emaDecay = ema ? scalar("ema_decay") : undefined;
    this.#accumulation = accumulate > 1 ? new Accumulation(graph, accumulate) : undefined;
    this.scalars = [
      "learning_rate",
      ...extraNames,
      ...(ema ? ["ema_decay"] : []),
      ...(accumulate > 1 ? ["apply"] : []),
    ];
  }

  /** A batch's gradient, or with accumulation what has been collected so far. */
  collected(parameter: Parameter, gradient: Tensor): Tensor {
    return this.#accumulation?.add(parameter, gradient) ?? gradient;
  }

  /**
   * Parameters with one rule, updated side by side as one vector; `shrink` multiplies their gradients. What is not trained yet stays to the bit, and its
   * average; the optimiser's state follows its gradients all the same, so that its first steps are no larger than others.
   */
  ofParameters(members: readonly Member[], rule: Rule, shrink: Tensor | undefined): void {
    const optimizer = this.#optimizer;
    const parameters = members.map(({ parameter }) => parameter);
    const current = parameters.map(({ tensor }) => tensor as unknown as Tensor);
    const states = optimizer.stateNames.map((name) => this.#inputs(`${optimizer.name}.${name}`, parameters));
    const update = optimizer.update(
      joined(current),
      joined(members.map(({ gradient }) => gradient)),
      states.map(joined),
      { ...this.#rates, gradientScale: shrink },
      rule,
    );
    const before = joined(current);
    const next = whenAwake(rule.awake, this.#applied(update.parameter, before), before);
    const isAuxiliary = this.#auxiliary.has(parameters[0]!.name);
    this.#carry("", parameters, isAuxiliary ? "auxiliary" : "parameter", next);
    for (const [i, name] of optimizer.stateNames.entries())
      this.#carry(
        `${optimizer.name}.${name}.`,
        parameters,
        "optimizer",
        this.#applied(update.states[i]!, joined(states[i]!)),
      );
    // What is not kept at the end has no use for an average.
    if (!isAuxiliary) this.#average(parameters, next, rule.awake);
    const accumulation = this.#accumulation;
    if (accumulation === undefined) return;
    for (const { parameter, gradient } of members)
      this.#carry(accumulation.prefix, [parameter], "accumulator", accumulation.remainder(gradient));
  }

  /**
   * Buffers move with every batch, also while gradients are collected (as in PyTorch), and have moving averages as parameters do (as in timm's
   * ModelEmaV2): averaged weights want the statistics of averaged features.
   */
  ofBuffer(buffer: Parameter, next: Tensor, awake: Tensor | undefined): void {
    const isAuxiliary = this.#auxiliary.has(buffer.name);
    this.#carry("", [buffer], isAuxiliary ? "auxiliary" : "buffer", next);
    if (!isAuxiliary) this.#average([buffer], next, awake);
  }

  /** What stays as it was: the engine keeps it from step to step, so that it travels once. */
  ofCopy({ name, shape, tensor }: Parameter, original: string): void {
    const output = `next.${name}`;
    this.#graph.output(output, widen(tensor));
    this.state.push({ input: name, output, shape, parameter: original, role: "copy" });
  }

  #average(parameters: readonly Parameter[], next: Tensor, awake: Tensor | undefined): void {
    const decay = this.#emaDecay;
    if (decay === undefined) return;
    const average = joined(this.#inputs("ema", parameters));
    const moved = add(mul(average, decay), mul(next, sub(1, decay)));
    this.#carry("ema.", parameters, "ema", whenAwake(awake, this.#applied(moved, average), average));
  }

  #inputs(kind: string, parameters: readonly Parameter[]): Tensor[] {
    return parameters.map(({ name, shape }) => this.#graph.input(`${kind}.${name}`, shape));
  }

  #applied(next: Tensor, before: Tensor): Tensor {
    return this.#accumulation?.whenApplied(next, before) ?? next;
  }

  /** Hands on what belongs to some parameters, side by side in `next`. */
  #carry(prefix: string, parameters: readonly Parameter[], role: StateTensor["role"], next: Tensor): void {
    for (const [i, value] of apart(next, parameters).entries()) {
      const { name, shape } = parameters[i]!;
      const input = `${prefix}${name}`;
      const output = `next.${input}`;
      this.#graph.output(output, value);
      this.state.push({ input, output, shape, parameter: name, role });
    }
  }
}

function whenAwake(awake: Tensor | undefined, next: Tensor, before: Tensor): Tensor {
  return awake === undefined ? next : where(awake, next, before);
}

/** Tensors side by side as one vector; a single one as it is. */
function joined(tensors: readonly Tensor[]): Tensor {
  if (tensors.length === 1) return tensors[0]!;
  const vectors = tensors.map((tensor) => reshape(tensor, [-1]));
  return concat(vectors, 0);
}

/** What `joined` put side by side. */
function apart(vector: Tensor, parameters: readonly Parameter[]): readonly Tensor[] {
  if (parameters.length === 1) return [vector];
  const sizes = parameters.map(({ shape }) => elementCount(shape));
  return split(vector, 0, sizes).map((piece, i) => reshape(piece, parameters[i]!.shape));
}

/** Averages gradients over several batches inside the one compiled step: the scalar `apply` says when the update happens. */
class Accumulation {
  /** Of the names of what is collected, before the parameter's. */
  readonly prefix = "gradient.";
  readonly #apply: Tensor;

  constructor(
    readonly graph: Graph,
    readonly count: number,
  ) {
    this.#apply = equal(graph.input("apply", []), 1);
  }

  /** What has been collected so far, with this batch's share. */
  add(parameter: Parameter, gradient: Tensor): Tensor {
    return add(this.graph.input(this.prefix + parameter.name, parameter.shape), mul(gradient, 1 / this.count));
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
    const { graph } = scope;
    const outputs = model.architecture.build(scope, image, model.config, mode);
    const logits = outputs.logits!;
    const taught = taughtLoss(options, outputs, scope.at(PROJECTION));
    const answerLoss = (answer: Tensor) => {
      const labelLoss = (options.loss === "cross_entropy" ? softCrossEntropy : binaryCrossEntropy)(answer, targets);
      const weight = options.distillation?.weight ?? 0;
      return taught === undefined ? labelLoss : add(mul(labelLoss, 1 - weight), mul(taught(answer), weight));
    };
    const exitWeight = options.exitWeight ?? 0;
    const exits = Object.keys(outputs).filter((name) => /^exit\.\d+\.logits$/.test(name));
    const answers = {
      logits,
      auxiliary: [...graph.parameters.keys()].filter((name) => name.startsWith(`${PROJECTION}.`)),
    };
    if (exitWeight === 0 || exits.length === 0) return { ...answers, loss: answerLoss(logits) };
    const early = exits.map((name) => answerLoss(outputs[name]!)).reduce((sum, loss) => add(sum, loss));
    return { ...answers, loss: add(mul(answerLoss(logits), 1 - exitWeight), mul(early, exitWeight / exits.length)) };
  };
}

/** Of the linear map from the student's features to the teacher's. */
const PROJECTION = "distillation.projection";

/** How far an answer is from the teacher's; a teacher of features judges all answers by the features. */
function taughtLoss(
  { distillation: teaching }: ClassificationOptions,
  outputs: Readonly<Record<string, Tensor>>,
  projection: Scope,
) {
  if (teaching === undefined) return undefined;
  if (teaching.kind === "logits") {
    const teacher = projection.graph.input("teacher", outputs.logits!.shape);
    return (answer: Tensor) => distillation(answer, teacher, teaching.temperature);
  }
  const features = outputs.features!; // (batch, student's width)
  const [batch, own] = features.shape;
  const width = teaching.width ?? own!;
  const student = width === own ? features : linear(projection, features, Number(width));
  const loss = featureDistillation(student, projection.graph.input("teacher", [batch!, width]));
  return () => loss;
}

/** The targets' share of the class that was predicted: ordinary accuracy for hard labels, its expectation for mixed ones. */
function softAccuracy(logits: Tensor, targets: Tensor): Tensor {
  const predicted = argMax(logits, 1, { keepDims: true }); // (batch, 1)
  return reduceMean(gatherElements(targets, predicted, 1), [0, 1]);
}

function axesOf(x: Tensor): number[] {
  return x.shape.map((_, axis) => axis);
}
