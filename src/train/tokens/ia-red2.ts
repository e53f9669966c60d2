// Training IA-RED2 (Pan et al., NeurIPS 2021; of the training no code was released, so this is what the paper says). First the interpreters, group by
// group, by reinforcement: tokens are kept by chance, with the probabilities that the interpreter gives, and choices that earn more than the greedy one become
// likelier; interpreters before it choose greedily, those after it are left out, and the model stays as it is. Then the model, by its labels, with what
// the interpreters leave of the tokens.
import { cast, less, mul, where } from "../../graph/build.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { tokenModel, type VitConfig } from "../../models/vit/config.ts";
import { answer, vitTokens } from "../../models/vit/model.ts";
import { Mode } from "../../nn/mode.ts";
import { greedyPolicy, iaRed2Blocks, interpreterPath, maskedIaRed2, sampledPolicy } from "../../nn/tokens/ia-red2.ts";
import type { ReductionText } from "../../nn/tokens/language.ts";
import { softCrossEntropy } from "../losses.ts";
import type { Objective } from "../objective.ts";
import { policyLogProbability, policyReward, type Rightness, selfCriticalLoss } from "./losses.ts";

export interface InterpreterOptions {
  /** Whose interpreter learns, from 0. */
  readonly group: number;
  /** What a wrong answer costs. */
  readonly penalty: number;
  /** How right an answer is. */
  readonly rightness: Rightness;
  /** Share of the tokens, drawn anew for each picture, that chance decides on; for the others the greedy choice stands. */
  readonly explored: number;
}

/** Name patterns of the parameters that a group's stage trains. */
export const interpreterParameters = (group: number): string[] => [`${interpreterPath(group)}.*`];

/** A choice of tokens, and what it was made from. */
interface Choice {
  /** (batch, tokens): probabilities to stay. */
  readonly scores: Tensor;
  /** (batch, tokens) of 0 and 1: which were left. */
  readonly before: Tensor | undefined;
  readonly policy: Tensor;
  readonly special: number;
}

/** The objective of an interpreter's stage, for a ViT whose tokens are reduced by `text`. */
export function interpreterObjective(
  text: ReductionText,
  { group, penalty, rightness, explored }: InterpreterOptions,
): Objective {
  return ({ scope, model, image, targets, draw }) => {
    const config = model.config as VitConfig;
    const blocks = iaRed2Blocks(text, tokenModel(config)).slice(0, group + 1);
    const still = Mode.inference();
    const episode = (choose: (scores: Tensor, special: number) => Tensor) => {
      let choice: Choice | undefined;
      const reduction = maskedIaRed2(blocks, config.num_heads, (scores, { special, keep: before }, at) => {
        if (at < group) return greedyPolicy(scores, special);
        const policy = choose(scores, special);
        choice = { scores, before, policy, special };
        return policy;
      });
      const { logits } = answer(scope, vitTokens(scope, image, config, still, reduction), config, still);
      return { ...choice!, logits, reward: policyReward(rightness(logits, targets), choice!.policy, penalty) };
    };
    const greedy = episode(greedyPolicy);
    const uniform = (name: string) => draw({ name, shape: greedy.scores.shape as number[], distribution: "uniform" });
    const isExplored = explored === 1 ? undefined : less(uniform("explored"), explored); // (batch, tokens)
    const sampled = episode((scores, special) => {
      const chance = sampledPolicy(scores, uniform("stays"), special);
      return isExplored === undefined ? chance : where(isExplored, chance, greedy.policy);
    });
    const { policy, scores, before, special } = sampled;
    const open = isExplored === undefined ? before : mul(cast(isExplored, "float32"), before ?? 1);
    const probability = policyLogProbability(policy, scores, open, special);
    return { loss: selfCriticalLoss(probability, sampled.reward, greedy.reward), logits: greedy.logits };
  };
}

/** The objective of the last stage: labels, through the tokens that the interpreters leave. They learn nothing: no gradient passes a choice. */
export function interpretedObjective(text: ReductionText): Objective {
  return ({ scope, model, image, targets, mode }) => {
    const config = model.config as VitConfig;
    const blocks = iaRed2Blocks(text, tokenModel(config));
    const reduction = maskedIaRed2(blocks, config.num_heads, (scores, { special }) => greedyPolicy(scores, special));
    const { logits } = answer(scope, vitTokens(scope, image, config, mode, reduction), config, mode);
    return { loss: softCrossEntropy(logits, targets), logits };
  };
}
