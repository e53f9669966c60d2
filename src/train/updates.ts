// What a train step does with gradients: clipping, the optimiser's updates, moving averages, gradients of several batches together. Everything is a part of the
// step's one graph, and what the next step needs is carried to it.
import { add, concat, div, equal, minimum, mul, reduceSum, reshape, split, sqrt, sub, where } from "../graph/build.ts";
import { type Graph, type Parameter, type Tensor, widen } from "../graph/tensor.ts";
import { elementCount } from "../tensor.ts";
import type { Optimizer, StepScalars } from "./optimizers/optimizer.ts";
import type { ParameterRule } from "./parameter-groups.ts";

/** How parameters are moved. */
export interface UpdateOptions {
  readonly optimizer: Optimizer;
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

/** A parameter's rule, and whether it is trained by now: a scalar, undefined where it always is. */
export interface Rule extends ParameterRule {
  readonly awake: Tensor | undefined;
}

/**
 * Squared norms of all gradients (trained), their norm together, and by what clipping multiplies them, if there is any. What is not trained yet counts as
 * zero: products, so that what is no number stays visible.
 */
export function globalNorm(
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
export interface Member {
  readonly parameter: Parameter;
  readonly gradient: Tensor;
}

/** Elements up to which copying a parameter together with others takes less time than the many ops of an update of its own. */
const SMALL = 4096;

/**
 * Groups to be updated as one vector: small parameters (biases, norms) of the model with the same rule. All others are on their own, and those whose norm
 * the optimiser reads.
 */
export function sideBySide(
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
export class Updates {
  readonly state: StateTensor[] = [];
  /** In the order in which they are fed. */
  readonly scalars: readonly string[];
  readonly #graph: Graph;
  readonly #optimizer: Optimizer;
  readonly #rates: StepScalars;
  readonly #emaDecay: Tensor | undefined;
  readonly #accumulation: Accumulation | undefined;
  readonly #auxiliary: ReadonlySet<string>;

  constructor(graph: Graph, { optimizer, ema, accumulate = 1 }: UpdateOptions, auxiliary: readonly string[] = []) {
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

function axesOf(x: Tensor): number[] {
  return x.shape.map((_, axis) => axis);
}
