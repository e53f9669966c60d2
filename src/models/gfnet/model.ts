// GFNet (Wang et al., NeurIPS 2020; Huang et al., T-PAMI 2023): a glance at the shrunken picture, then patches of it at full resolution,
// chosen by a policy, each improving the answer; who is sure early stops early. Reproduces inference.py generate_logits of
// blackfeather-wang/GFNet-Pytorch. Read top to bottom: glance, focus, and both in one graph. Over clips (`num_segments`) the journal's code was never
// published: every look is at all frames through TSM, and patches follow no movement: one place for the whole clip, as in AdaFocus.
import { concat, expandDims } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Mode } from "../../nn/mode.ts";
import { cutPatch, shrink } from "../crop.ts";
import type { Pictures } from "../pixels.ts";
import { answer, declareClassifier, remember } from "./classifier.ts";
import type { GfnetConfig } from "./config.ts";
import { encode, encoderOf } from "./encoder.ts";
import { policyStep } from "./policy.ts";

/** The official checkpoint's parts, which prefix every name: encoder of the glance, encoder of patches, classifier, policy. */
export const PARTS = {
  glance: "model_prime_state_dict",
  patch: "model_state_dict",
  classifier: "fc",
  policy: "policy",
} as const;

/** What one look leaves for the next. */
export interface LookState {
  /** (batch, channels, h, w): the last feature map, which the policy reads; of a clip those of its frames. */
  readonly map: Tensor;
  /** (batch, width): all that the classifier knows. */
  readonly seen: Tensor;
  /** (batch, policy_hidden_dim); undefined before the first patch. */
  readonly policyHidden: Tensor | undefined;
}

export interface Look {
  /** (batch, class_num): the answer with all that was seen so far. */
  readonly logits: Tensor;
  /** (batch, class_num): the answer of the encoder's own last layer to this look alone, which training uses too. */
  readonly ownLogits: Tensor;
  readonly state: LookState;
}

export interface FocusedLook extends Look {
  /** (batch, 2): row and column, 0 to 1 of the room that a patch has. */
  readonly action: Tensor;
  /** (batch, 4): x1, y1, x2, y2 of the patch, 0 to 1 of the picture. */
  readonly region: Tensor;
}

/** pictures (batch, 3, [frames,] H, W), or bytes: the first look, at the whole picture, or at all frames of a clip. */
export function glance(scope: Scope, pictures: Pictures, config: GfnetConfig, mode: Mode): Look {
  const at = scope.at(PARTS.glance);
  const small = shrink(pictures, config.patch_size, {
    interpolation: config.prime_interpolation,
    alignCorners: true,
  }); // (batch, 3, patch, patch)
  const { map, features } = encode(at, small, config, mode); // (batch, channels, h, w), (batch, feature_num)
  const ownLogits = encoderOf(config).classify(at, features, config.class_num);
  const seen = remember(scope.at(PARTS.classifier), features, undefined, config);
  const logits = config.glance_head === "encoder" ? ownLogits : answer(scope.at(PARTS.classifier), seen, config);
  return { logits, ownLogits, state: { map, seen, policyHidden: undefined } };
}

/** Chooses a patch by what was seen before, and looks at it. */
export function focus(
  scope: Scope,
  pictures: Pictures,
  state: LookState,
  config: GfnetConfig,
  mode: Mode,
): FocusedLook {
  const { action, hidden } = policyStep(scope.at(PARTS.policy), state.map, state.policyHidden, config);
  return lookAt(scope, pictures, action, { ...state, policyHidden: hidden }, config, mode);
}

/** Looks at a given place: what a policy has chosen, or in training what chance has. action (batch, 2). */
export function lookAt(
  scope: Scope,
  pictures: Pictures,
  action: Tensor,
  { seen: before, policyHidden }: Pick<LookState, "seen" | "policyHidden">,
  config: GfnetConfig,
  mode: Mode,
): FocusedLook {
  const at = scope.at(PARTS.patch);
  const { pixels, region } = cutPatch(pictures, action, config.patch_size);
  const { map, features } = encode(at, pixels, config, mode);
  const ownLogits = encoderOf(config).classify(at, features, config.class_num);
  const seen = remember(scope.at(PARTS.classifier), features, before, config);
  const logits = answer(scope.at(PARTS.classifier), seen, config);
  return { logits, ownLogits, action, region, state: { map, seen, policyHidden } };
}

export interface GfnetOutputs {
  /** (T, batch, class_num): the answer after each look. */
  readonly logits: Tensor;
  /** (T - 1, batch, 2): row and column of each patch. */
  readonly actions: Tensor;
  /** (T - 1, batch, 4): x1, y1, x2, y2 of each patch, 0 to 1 of the picture. */
  readonly regions: Tensor;
  /** (batch, width): what the classifier knows in the end. */
  readonly features: Tensor;
}

/** All T looks in one graph. pictures (batch, 3, [frames,] H, W), or bytes. */
export function gfnet(scope: Scope, pictures: Pictures, config: GfnetConfig, mode: Mode): GfnetOutputs {
  declareClassifier(scope.at(PARTS.classifier), config);
  const first = glance(scope, pictures, config, mode);
  const patches: FocusedLook[] = [];
  let { state } = first;
  scope.layer("look.1", state.seen);
  for (let look = 1; look < config.T; look++) {
    const patch = focus(scope, pictures, state, config, mode);
    patches.push(patch);
    state = patch.state;
    scope.layer(`look.${look + 1}`, state.seen);
  }
  return {
    logits: stack([first, ...patches].map(({ logits }) => logits)),
    actions: stack(patches.map(({ action }) => action)),
    regions: stack(patches.map(({ region }) => region)),
    features: state.seen,
  };
}

/** Equal shapes side by side along a new first axis. */
function stack(tensors: readonly Tensor[]): Tensor {
  return concat(
    tensors.map((tensor) => expandDims(tensor, 0)),
    0,
  );
}
