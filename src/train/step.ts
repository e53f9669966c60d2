// The compiled train step: forward, loss, backward, clipping, optimiser update and moving average as one graph. Parameters and optimiser state
// go in and come out; an engine that carries state keeps them, so that a step moves only the batch in and a few numbers out.
import type { AnnotationShape } from "../data/annotations.ts";
import { argMax, gatherElements, greaterOrEqual, reduceMean } from "../graph/build.ts";
import { differentiate } from "../graph/gradients/differentiate.ts";
import { Scope } from "../graph/scope.ts";
import { Graph, type Parameter, type Tensor } from "../graph/tensor.ts";
import { asSeen } from "../models/grey.ts";
import { pictureInput } from "../models/picture-input.ts";
import type { ModelDefinition } from "../models/registry.ts";
import { type MaskInput, Mode } from "../nn/mode.ts";
import { AnnotationInputs } from "./annotation-inputs.ts";
import { type ClassificationOptions, classification } from "./classification.ts";
import { declareHostWork, type HostWork } from "./host-work.ts";
import type { DrawnInput, Objective } from "./objective.ts";
import { type GroupRules, isFrozen, type ParameterRule, parameterRules, wakingTime } from "./parameter-groups.ts";
import { globalNorm, type Rule, type StateTensor, sideBySide, type UpdateOptions, Updates } from "./updates.ts";

export interface StepOptions extends ClassificationOptions, UpdateOptions {
  readonly model: ModelDefinition;
  readonly batch: number;
  /** Of clips; absent for pictures. */
  readonly frames?: number;
  /** How often each picture comes in a batch, differently augmented: the image's rows are all pictures once, then all of them again. Default 1. */
  readonly views?: number;
  readonly height: number;
  readonly width: number;
  readonly classes: number;
  /** How much is known of annotated pictures, which have no `targets`. Absent for labelled ones. */
  readonly annotations?: AnnotationShape;
  readonly groups: GroupRules;
  /** What is minimised. Default: `loss`, `distillation` and `exitWeight` of the model's answers. */
  readonly objective?: Objective;
  /** Largest global norm of the gradients. */
  readonly clipNorm?: number;
}

export interface TrainStep {
  readonly graph: Graph;
  readonly state: readonly StateTensor[];
  readonly masks: readonly MaskInput[];
  /** Random numbers that the objective wants. */
  readonly draws: readonly DrawnInput[];
  /** What the host does between a forward pass and the step; its reads are outputs of the graph that the step's model has not (host-work.ts). */
  readonly hostWork: readonly HostWork[];
  /** Names of the scalars to feed, besides `image` and `targets` (or annotations) [and `teacher`]. */
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
  const labelled = options.annotations === undefined;
  if (labelled) graph.input("targets", [batch, classes]);
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
  const hostWork: HostWork[] = [];
  const objective = options.objective ?? classification(options);
  const scope = new Scope(graph);
  const inputs = {
    scope,
    model,
    image,
    get targets() {
      return graph.input("targets", [batch, classes]);
    },
    annotations: () => new AnnotationInputs(graph, batch, options.annotations),
    mode,
    draw,
    onHost(work: HostWork) {
      hostWork.push(work);
      return declareHostWork(graph, work);
    },
    progress,
  };
  const answer = objective(inputs);
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
  if (logits !== undefined) graph.output("accuracy", softAccuracy(logits, answer.targets ?? inputs.targets));
  graph.output("gradient_norm", norm);
  graph.output("gradient_squares", squares);
  return {
    graph,
    state: updates.state,
    masks: mode.masks,
    draws,
    hostWork,
    scalars: [...updates.scalars, ...(graph.inputs.has(PROGRESS) ? [PROGRESS] : [])],
    trained: trained.map(({ name }) => name),
    rules,
  };
}

/** The targets' share of the class that was predicted: ordinary accuracy for hard labels, its expectation for mixed ones. */
function softAccuracy(logits: Tensor, targets: Tensor): Tensor {
  const predicted = argMax(logits, 1, { keepDims: true }); // (batch, 1)
  return reduceMean(gatherElements(targets, predicted, 1), [0, 1]);
}
