// What training AdaptiveNN minimises, all at once and from labels alone (LeapLabTHU/AdaptiveNN, engine_ppo.py): the cross-entropy of every answer and of
// the focus net alone, the distance of all answers from the last one, and the losses of policy and value net. One batch is one graph: looking, rewards and
// the update. With one update a batch the policy that acts is the one that is updated; the official code makes five of every ten batches together.
import {
  add,
  concat,
  cos,
  expandDims,
  logSoftmax,
  maximum,
  minimum,
  mul,
  neg,
  reduceSum,
  reshape,
  slice,
  stopGradient,
  sub,
} from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { AdaptivennConfig } from "../../models/adaptivenn/config.ts";
import { declareAnswer, NET_SCOPES } from "../../models/adaptivenn/encoder.ts";
import { chooseAction, type Fixation, fixate, focusAlone, glance, stateValue } from "../../models/adaptivenn/model.ts";
import { distillation, softCrossEntropy } from "../losses.ts";
import type { Objective, ObjectiveInputs } from "../objective.ts";
import { actionLogProbability } from "../policy-gradients.ts";
import { type AdvantageOptions, generalisedAdvantages, ppoLoss } from "./ppo.ts";

export interface FixatingOptions extends AdvantageOptions {
  /** Weight of the focus net's own answer to the whole picture, shrunk; 0 leaves it out. */
  readonly focusWeight: number;
  /** Weight of the distance of every answer from the last one. */
  readonly agreementWeight: number;
  /** Softens answers that are compared. */
  readonly temperature: number;
  readonly clip: number;
  /** How far from the policy's choice fixations are tried, in shares of the room that a patch has: at first, and in the end; it falls along half a cosine. */
  readonly deviation: number;
  readonly lastDeviation: number;
}

/** The objective, for a model of the architecture adaptivenn. */
export function fixatingObjective(options: FixatingOptions): Objective {
  return (inputs) => {
    const { scope, image, targets, mode } = inputs;
    const config = inputs.model.config as AdaptivennConfig;
    // The glance's own last layers, which official files hold and nothing reads: kept with the others.
    declareAnswer(scope.at(NET_SCOPES.glance), config);
    declareAnswer(scope.at(NET_SCOPES.focus), config);
    const deviation = falling(inputs.progress(), options.deviation, options.lastDeviation);
    const { answers, choices } = lookAround(inputs, config, deviation);
    const last = answers.at(-1)!;
    const losses = [
      ...answers.map((logits) => softCrossEntropy(logits, targets)),
      ...answers
        .slice(0, -1)
        .map((logits) => mul(distillation(logits, last, options.temperature), options.agreementWeight)),
      ...(options.focusWeight === 0
        ? []
        : [mul(softCrossEntropy(focusAlone(scope, image, config, mode), targets), options.focusWeight)]),
      reinforcement(answers, choices, targets, deviation, options),
    ];
    return { loss: losses.reduce(add), logits: last };
  };
}

/** From one number to another along half a cosine, as rates fall. */
function falling(progress: Tensor, from: number, to: number): Tensor {
  const left = mul(add(cos(mul(progress, Math.PI)), 1), 0.5); // 1 at first, 0 in the end
  return add(mul(left, from - to), to);
}

/** Where a fixation looked, and what the nets said before it. */
interface Choice {
  /** (batch, 2): what the policy means. */
  readonly mean: Tensor;
  /** (batch, 2): where was looked; no gradient reaches it. */
  readonly action: Tensor;
  /** (batch): what the value net expected. */
  readonly value: Tensor;
}

/** The glance and all fixations, near where the policy means them. */
function lookAround({ scope, image, mode, draw }: ObjectiveInputs, config: AdaptivennConfig, deviation: Tensor) {
  const batch = image.shape[0] as number;
  const steps = config.fixations;
  const noise = draw({ name: "noise", shape: [steps, batch, 2], distribution: "normal" });
  const first = glance(scope, image, config, mode);
  const answers = [first.logits];
  const choices: Choice[] = [];
  let { state } = first;
  for (let step = 0; step < steps; step++) {
    const mean = chooseAction(scope, state, step, config);
    const value = reshape(stateValue(scope, state, step, config), [batch]);
    const near = add(stopGradient(mean), mul(reshape(slice(noise, 0, step, step + 1), [batch, 2]), deviation));
    const action = stopGradient(minimum(maximum(near, 0), 1));
    const fixation: Fixation = fixate(scope, image, state, action, step, config, mode);
    answers.push(fixation.logits);
    choices.push({ mean, action, value });
    ({ state } = fixation);
  }
  return { answers, choices };
}

/** The losses of policy and value net on one batch of fixations; what they learn from reaches nothing else. */
function reinforcement(
  answers: readonly Tensor[],
  choices: readonly Choice[],
  targets: Tensor,
  deviation: Tensor,
  options: FixatingOptions,
): Tensor {
  const errors = answers.map((logits) => neg(reduceSum(mul(targets, logSoftmax(logits)), 1))); // (batch) each
  const rewards = stack(choices.map((_, step) => sub(errors[step]!, errors[step + 1]!))); // (steps, batch)
  const [means, actions, values] = (["mean", "action", "value"] as const).map((part) =>
    stack(choices.map((choice) => choice[part])),
  ) as [Tensor, Tensor, Tensor];
  const { advantages, returns } = generalisedAdvantages(rewards, values, options);
  const logProbabilities = stopGradient(actionLogProbability(actions, means, deviation));
  return ppoLoss({ means, values, actions, logProbabilities, advantages, returns }, { ...options, deviation }).total;
}

/** Equal shapes along a new first axis. */
function stack(tensors: readonly Tensor[]): Tensor {
  return concat(
    tensors.map((tensor) => expandDims(tensor, 0)),
    0,
  );
}
