// AdaptiveNN (Wang et al., Nature Machine Intelligence 2025), GFNet's successor: a glance at the shrunken picture becomes a state, a grid of tokens over all of
// it; each fixation looks at a patch at full resolution, chosen by a policy from the state, and writes what it saw back into it. The answer is read from
// the state after every fixation, and a value net says what further ones are worth. Reproduces LeapLabTHU/AdaptiveNN, models/dynamic_deitS.py
// forward_backbone. Read top to bottom: glance, fixate, and all of it in one graph.
import { add, concat, expandDims, matMul, reshape } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { torchLinear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { transformerBlock } from "../../nn/transformer-block.ts";
import { readPatch, type Shrinking, shrink } from "../crop.ts";
import type { Pictures } from "../pixels.ts";
import { type AdaptivennConfig, gridSides } from "./config.ts";
import { answerAlone, blocks, declareAnswer, EPSILON, embed, NET_SCOPES, pooled } from "./encoder.ts";
import { policy, value } from "./policy.ts";
import { placesOf, readContext, sharesOf, spread } from "./state.ts";

/** As interpolate() with bicubic has it. */
const SHRINKING: Shrinking = { interpolation: "bicubic", alignCorners: false };

/** What is known after a look. */
export interface Look {
  /** (batch, num_classes) */
  readonly logits: Tensor;
  /** (batch, embed_dim): what the answer is read from. */
  readonly features: Tensor;
  /** (batch, cells, embed_dim), row by row over the picture. */
  readonly state: Tensor;
}

export interface Fixation extends Look {
  /** (batch, 4): x1, y1, x2, y2 of the patch, 0 to 1 of the picture. */
  readonly region: Tensor;
  /** What it is made of, for those who compare. */
  readonly parts: {
    /** (batch, 3, patch, patch) */
    readonly patch: Tensor;
    /** (batch, tokens, embed_dim): what the state told the patch. */
    readonly context: Tensor;
    /** (batch, tokens, n * n): how much of each token goes to each neighbour. */
    readonly shares: Tensor;
  };
}

/** pictures (batch, 3, H, W), or bytes: the first look, at the whole picture. */
export function glance(scope: Scope, pictures: Pictures, config: AdaptivennConfig, mode: Mode): Look {
  const at = scope.at(NET_SCOPES.glance);
  const { glance_net_depth: depth, remaining_blocks } = config;
  const small = shrink(pictures, config.glance_input_size, SHRINKING);
  const first = depth - remaining_blocks;
  const state = blocks(at, "glance", embed(at, "glance", small, config, mode), [0, first], config, mode);
  const last = blocks(at, "glance", state, [first, depth], config, mode);
  return { ...answer(scope, 0, last, config), state };
}

/** Where fixation `step` (from 0) looks, as the policy has it: (batch, 2), row and column, 0 to 1 of the room that a patch has. */
export function chooseAction(scope: Scope, state: Tensor, step: number, config: AdaptivennConfig): Tensor {
  return policy(scope, state, step, config);
}

/** What fixation `step` and later ones are worth, (batch, 1): how much lower the cross-entropy will be, discounted. */
export function stateValue(scope: Scope, state: Tensor, step: number, config: AdaptivennConfig): Tensor {
  return value(scope, state, step, config);
}

/** Looks at a place. action (batch, 2): of the policy, or in training near it. */
export function fixate(
  scope: Scope,
  pictures: Pictures,
  before: Tensor,
  action: Tensor,
  step: number,
  config: AdaptivennConfig,
  mode: Mode,
): Fixation {
  const at = scope.at(NET_SCOPES.focus);
  const { pixels: patch, region } = readPatch(pictures, action, config.focus_patch_size);
  const places = placesOf(region, gridSides(config).focus);
  const context = readContext(scope, before, step, places);
  const tokens = add(embed(at, "focus", patch, config, mode), context);
  const seen = blocks(at, "focus", tokens, [0, config.focus_net_depth], config, mode); // (batch, tokens, embed_dim)
  const shares = sharesOf(scope, seen, step, config);
  const state = add(matMul(spread(shares, places, config), seen, { transposeA: true }), before);
  const last = answeringBlocks(scope, step, state, config, mode);
  return { ...answer(scope, step + 1, last, config), region, state, parts: { patch, context, shares } };
}

/** The blocks that only the answer after fixation `step` goes through. */
function answeringBlocks(scope: Scope, step: number, state: Tensor, config: AdaptivennConfig, mode: Mode): Tensor {
  const own = scope.at("policy_net_classifier_list", step);
  return Array.from({ length: config.remaining_blocks }, (_, i) => i).reduce(
    (x, i) =>
      transformerBlock(own.at(i), x, {
        heads: config.num_heads,
        mlpRatio: config.glance_net_mlp_ratio,
        epsilon: EPSILON,
        dropPath: config.multi_cls_drop_path,
        mode,
      }),
    state,
  );
}

/** `look` 0 is the glance. */
function answer(scope: Scope, look: number, tokens: Tensor, config: AdaptivennConfig) {
  const features = pooled(scope.at("policy_net_norm", look), tokens); // (batch, embed_dim)
  return { logits: torchLinear(scope.at("policy_net_head", look), features, config.num_classes), features };
}

/** What the focus net alone says of the whole picture, shrunk to focus_net_reg_size: for training, (batch, num_classes). */
export function focusAlone(scope: Scope, pictures: Pictures, config: AdaptivennConfig, mode: Mode): Tensor {
  const small = shrink(pictures, config.focus_net_reg_size, SHRINKING);
  return answerAlone(scope.at(NET_SCOPES.focus), "focus", small, config, mode);
}

export interface AdaptivennOutputs {
  /** (fixations + 1, batch, num_classes): the answer after each look, the glance first. */
  readonly logits: Tensor;
  /** (fixations, batch, 2): row and column of each patch, 0 to 1 of the room that it has. */
  readonly actions: Tensor;
  /** (fixations, batch, 4): x1, y1, x2, y2 of each patch, 0 to 1 of the picture. */
  readonly regions: Tensor;
  /** (fixations, batch): what the value net expected of each fixation and those after it. */
  readonly values: Tensor;
  /** (batch, embed_dim): what the last answer is read from. */
  readonly features: Tensor;
}

/** All looks in one graph. pictures (batch, 3, H, W), or bytes. */
export function adaptivenn(scope: Scope, pictures: Pictures, config: AdaptivennConfig, mode: Mode): AdaptivennOutputs {
  for (const net of Object.values(NET_SCOPES)) declareAnswer(scope.at(net), config);
  const batch = ("bytes" in pictures ? pictures.bytes : pictures).shape[0]!;
  const first = glance(scope, pictures, config, mode);
  const [actions, worth, made]: [Tensor[], Tensor[], Fixation[]] = [[], [], []];
  let { state } = first;
  scope.layer("look.1", first.features);
  // Weights are declared for all fixations that there are weights for; what nobody asks of them is not computed.
  for (let step = 0; step < config.seq_len; step++) {
    const action = chooseAction(scope, state, step, config);
    worth.push(reshape(stateValue(scope, state, step, config), [batch]));
    actions.push(action);
    const fixation = fixate(scope, pictures, state, action, step, config, mode);
    made.push(fixation);
    ({ state } = fixation);
    if (step < config.fixations) scope.layer(`look.${step + 2}`, fixation.features);
  }
  const wanted = made.slice(0, config.fixations);
  return {
    logits: stack([first, ...wanted].map(({ logits }) => logits)),
    actions: stack(actions.slice(0, config.fixations)),
    regions: stack(wanted.map(({ region }) => region)),
    values: stack(worth.slice(0, config.fixations)),
    features: wanted.at(-1)!.features,
  };
}

/** Equal shapes side by side along a new first axis. */
function stack(tensors: readonly Tensor[]): Tensor {
  return concat(
    tensors.map((tensor) => expandDims(tensor, 0)),
    0,
  );
}
