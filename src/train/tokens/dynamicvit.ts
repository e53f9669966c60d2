// What training DynamicViT minimises (Rao et al., NeurIPS 2021; raoyongming/DynamicViT, losses.py DistillDiffPruningLoss_dynamic as main.py uses it for DeiT): labels,
// the shares that predictors keep, and what the dense model that training began with says of the picture and of the tokens that are kept.
import { add, mul, slice } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { tokenModel, type VitConfig } from "../../models/vit/config.ts";
import { answer, vitTokens } from "../../models/vit/model.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { Mode } from "../../nn/mode.ts";
import { drawnDecisions, dynamicvitPlan, maskedDynamicvit } from "../../nn/tokens/dynamicvit.ts";
import type { ReductionText } from "../../nn/tokens/language.ts";
import { DENSE, type Reduction } from "../../nn/tokens/reduction.ts";
import type { TokenState } from "../../nn/tokens/state.ts";
import { distillation, softCrossEntropy } from "../losses.ts";
import type { Objective } from "../objective.ts";
import { keptTokenLoss, shareLoss } from "./losses.ts";

/** Weights of what is learnt besides the labels. */
export interface ThinningWeights {
  readonly share: number;
  readonly answer: number;
  readonly token: number;
}

/** The official ones, of DeiT-S. */
export const THINNING_WEIGHTS: ThinningWeights = { share: 2, answer: 0.5, token: 0.5 };

/** Of the names of the dense model's parameters, which stay as they were when training began. */
const TEACHER = "teacher";

/** The objective, for a ViT whose tokens are reduced by `text`. */
export function thinningObjective(text: ReductionText, weights: ThinningWeights = THINNING_WEIGHTS): Objective {
  return ({ scope, model, image, targets, mode, draw }) => {
    const config = model.config as VitConfig;
    const { blocks, shares } = dynamicvitPlan(text, tokenModel(config));
    const decisions: Tensor[] = [];
    const drawn = maskedDynamicvit({ blocks }, (logProbabilities, number, before) => {
      const shape = logProbabilities.shape.slice(0, 2) as number[]; // (batch, patches)
      const uniform = draw({ name: `stays.${number}`, shape, distribution: "uniform" });
      const decided = drawnDecisions(logProbabilities, uniform);
      decisions.push(before === undefined ? decided : mul(decided, before));
      return decisions.at(-1)!;
    });
    const see = (where: Scope, how: Mode, reduction: Reduction) => {
      const tokens = vitTokens(where, image, config, how, reduction);
      return { ...answer(where, tokens, config, how), tokens: normalPatches(where, tokens, config) };
    };
    const student = see(scope, mode, drawn);
    const teacher = see(scope.at(TEACHER), Mode.inference(), DENSE);
    const loss = [
      softCrossEntropy(student.logits, targets),
      mul(shareLoss(decisions, shares), weights.share),
      mul(distillation(student.logits, teacher.logits, 1), weights.answer),
      mul(keptTokenLoss(student.tokens, teacher.tokens, decisions.at(-1)!), weights.token),
    ].reduce(add);
    return { loss, logits: student.logits, copies: copiesUnder(scope) };
  };
}

/** (batch, patches, width) */
function normalPatches(scope: Scope, { x, special }: TokenState, { norm_eps }: VitConfig): Tensor {
  return layerNorm(scope.at("norm"), slice(x, 1, special), norm_eps);
}

/** The teacher's parameters, each with the name of the model's that it is a copy of. */
function copiesUnder({ graph }: Scope): Map<string, string> {
  const prefix = `${TEACHER}.`;
  const names = [...graph.parameters.keys()].filter((name) => name.startsWith(prefix));
  return new Map(names.map((name) => [name, name.slice(prefix.length)]));
}
