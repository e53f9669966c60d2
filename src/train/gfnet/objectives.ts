// What the three official stages of GFNet's training minimise (blackfeather-wang/GFNet-Pytorch, train.py): first the encoders and the
// classifier on patches at random places, then the policy alone, by reinforcement, then encoders and classifier on the patches it chooses.
import {
  add,
  concat,
  expandDims,
  maximum,
  minimum,
  mul,
  reduceSum,
  reshape,
  slice,
  softmax,
  stopGradient,
  sub,
} from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { answer } from "../../models/gfnet/classifier.ts";
import type { GfnetConfig } from "../../models/gfnet/config.ts";
import { glance, type Look, type LookState, lookAt, PARTS } from "../../models/gfnet/model.ts";
import { policyStep } from "../../models/gfnet/policy.ts";
import { Mode } from "../../nn/mode.ts";
import { softCrossEntropy } from "../losses.ts";
import type { Objective, ObjectiveInputs } from "../objective.ts";
import { actionLogProbability } from "../policy-gradients.ts";
import { PPO_DEFAULTS, type PpoOptions, ppoLoss } from "./ppo.ts";

/** What distinguishes a stage from ordinary training. */
export interface LookingOptions {
  readonly stage: 1 | 2 | 3;
  /** Weight of what the encoders' own last layers say of each look ("dsn_ratio", lambda). */
  readonly encoderLossWeight: number;
  /** Whether the glance's encoder trains; where it does not, it also runs as at inference. */
  readonly trainsGlance: boolean;
  readonly ppo?: PpoOptions;
}

/** Name patterns of the parameters that a stage leaves as they are. */
export function frozenParts({ stage, trainsGlance }: Pick<LookingOptions, "stage" | "trainsGlance">): string[] {
  if (stage === 2) return [`${PARTS.glance}.*`, `${PARTS.patch}.*`, `${PARTS.classifier}.*`];
  return [...(trainsGlance ? [] : [`${PARTS.glance}.*`]), ...(stage === 3 ? [`${PARTS.policy}.*`] : [])];
}

/** What a backbone alone calls a parameter that one of the two encoders has; other parameters keep their names. */
export function nameInEncoder(parameter: string): string {
  const prefix = [PARTS.glance, PARTS.patch].find((part) => parameter.startsWith(`${part}.`));
  return prefix === undefined ? parameter : parameter.slice(prefix.length + 1);
}

/** The objective of a stage, for a model of the architecture gfnet. */
export function lookingObjective(options: LookingOptions): Objective {
  const ppo = { ...PPO_DEFAULTS, ...options.ppo };
  return (inputs) => {
    if (options.stage === 2) return policyObjective(inputs, ppo);
    const choice = options.stage === 1 ? anywhere(inputs) : byPolicy(inputs, ppo.deviation);
    const { looks } = lookAround(inputs, choice, options.trainsGlance ? inputs.mode : Mode.inference(), inputs.mode);
    const loss = classificationLoss(looks, inputs.targets, options.encoderLossWeight);
    return { loss, logits: looks.at(-1)!.logits };
  };
}

/** A patch's place, and the state of the policy that chose it. */
interface Choice {
  /** (batch, 2) */
  readonly action: Tensor;
  /** (batch, 2): what the policy meant, before chance came in. */
  readonly mean?: Tensor;
  readonly policyHidden?: Tensor;
}

/** Where to look next: `step` counts patches from 0. */
type Choose = (step: number, state: LookState) => Choice;

interface Episode {
  /** T of them, the glance first. */
  readonly looks: readonly Look[];
  /** T - 1 of them. */
  readonly choices: readonly Choice[];
}

/** The glance and T - 1 patches, with the classifier's answers. */
function lookAround(
  { scope, model, image }: ObjectiveInputs,
  choose: Choose,
  glanceMode: Mode,
  patchMode: Mode,
): Episode {
  const config = model.config as GfnetConfig;
  const first = glance(scope, image, config, glanceMode);
  // In training the recurrent classifier answers to the glance too, also where another head does at inference (RegNet).
  const logits = config.fc_rnn ? answer(scope.at(PARTS.classifier), first.state.seen, config) : first.logits;
  const looks: Look[] = [{ ...first, logits }];
  const choices: Choice[] = [];
  for (let step = 0; step < config.T - 1; step++) {
    const { state } = looks.at(-1)!;
    const choice = choose(step, state);
    const before = { seen: state.seen, policyHidden: choice.policyHidden };
    looks.push(lookAt(scope, image, choice.action, before, config, patchMode));
    choices.push(choice);
  }
  return { looks, choices };
}

/** Patches anywhere, all places equally likely. */
function anywhere({ image, model, draw }: ObjectiveInputs): Choose {
  const batch = image.shape[0] as number;
  const { T } = model.config as GfnetConfig;
  const places = draw({ name: "places", shape: [T - 1, batch, 2], distribution: "uniform" });
  return (step) => ({ action: ofStep(places, step) });
}

/** Patches near those that the policy means, none of which learns from how they turn out. */
function byPolicy({ scope, image, model, draw }: ObjectiveInputs, deviation: number): Choose {
  const config = model.config as GfnetConfig;
  const batch = image.shape[0] as number;
  const noise = draw({ name: "noise", shape: [config.T - 1, batch, 2], distribution: "normal" });
  return (step, { map, policyHidden }) => {
    const chosen = policyStep(scope.at(PARTS.policy), stopGradient(map), policyHidden, config);
    const mean = stopGradient(chosen.action);
    const action = minimum(maximum(add(mean, mul(ofStep(noise, step), deviation)), 0), 1);
    return { action, mean, policyHidden: chosen.hidden };
  };
}

/** x (steps, batch, 2) -> (batch, 2) */
function ofStep(x: Tensor, step: number): Tensor {
  return reshape(slice(x, 0, step, step + 1), x.shape.slice(1));
}

/** Mean over the looks of the cross-entropies of the classifier and, weighted, of the encoders alone. */
function classificationLoss(looks: readonly Look[], targets: Tensor, encoderLossWeight: number): Tensor {
  const losses = looks.map(({ logits, ownLogits }) =>
    add(softCrossEntropy(logits, targets), mul(softCrossEntropy(ownLogits, targets), encoderLossWeight)),
  );
  return mul(losses.reduce(add), 1 / looks.length);
}

/**
 * One episode and the policy's loss on it, in one graph: with one update a batch, the policy that acted is the one that is updated, so the
 * probabilities of the actions are known without a copy of the older policy.
 */
function policyObjective(inputs: ObjectiveInputs, ppo: Required<PpoOptions>) {
  const { scope, model, targets } = inputs;
  const config = model.config as GfnetConfig;
  const still = Mode.inference();
  const { looks, choices } = lookAround(inputs, byPolicy(inputs, ppo.deviation), still, still);
  const stacked = (tensors: readonly Tensor[]) =>
    stopGradient(
      concat(
        tensors.map((x) => expandDims(x, 0)),
        0,
      ),
    );
  const episodes = {
    maps: stacked(looks.slice(0, -1).map(({ state }) => state.map)), // (T - 1, batch, channels, h, w)
    actions: stacked(choices.map(({ action }) => action)), // (T - 1, batch, 2)
    logProbabilities: stacked(choices.map(({ action, mean }) => actionLogProbability(action, mean!, ppo.deviation))), // (T - 1, batch)
    rewards: stacked(confidenceRises(looks, targets)), // (T - 1, batch)
  };
  return { loss: ppoLoss(scope.at(PARTS.policy), episodes, config, ppo), logits: looks.at(-1)!.logits };
}

/** For each patch (batch): how much more probable it made the true class. */
function confidenceRises(looks: readonly Look[], targets: Tensor): Tensor[] {
  const confidences = looks.map(({ logits }) => reduceSum(mul(softmax(logits), targets), 1)); // (batch) each
  return confidences.slice(1).map((confidence, i) => sub(confidence, confidences[i]!));
}
