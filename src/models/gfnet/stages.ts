// GFNet as graphs that run one after another, so that who is sure need not look on: the glance, and the focus on one patch, which chooses the
// patch itself. The policy thus works only for patches that are looked at.
import { expand, scalar } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Mode } from "../../nn/mode.ts";
import type { StageInputs, Stages } from "../architecture.ts";
import type { GfnetConfig } from "./config.ts";
import { encoderSizes } from "./encoder.ts";
import { focus, glance, type LookState } from "./model.ts";

const GLANCE = "glance";

/**
 * A recurrent classifier makes all patches one graph. Layers for each number of looks make one graph for each, because a graph that held
 * them all would compute them all.
 */
export const gfnetStages: Stages<GfnetConfig> = {
  looksInSteps: true,
  steps: ({ T, fc_rnn }) => [GLANCE, ...Array.from({ length: T - 1 }, (_, i) => (fc_rnn ? "focus" : `focus.${i + 1}`))],
  build(scope, stage, inputs, config, mode) {
    if (stage !== GLANCE) return focusOutputs(scope, stage, inputs, config, mode);
    const { logits, state } = glance(scope, inputs.pictures(), config, mode);
    return { logits, ...stateOutputs(state, config) };
  },
  solvedThresholds: ({ dynamic_threshold: rows = [], budgeted_batch_classification: curve, flops, T }) =>
    // A configuration with another T than its checkpoint's has thresholds for none of its steps.
    rows.flatMap((thresholds, i) => {
      const cost = curve?.[0][i];
      const all = flops?.[T - 1];
      return thresholds.length === T && cost !== undefined && all !== undefined
        ? [{ thresholds, share: cost / all }]
        : [];
    }),
};

function focusOutputs(
  scope: Scope,
  stage: string,
  inputs: StageInputs,
  config: GfnetConfig,
  mode: Mode,
): Record<string, Tensor> {
  const { side } = encoderSizes(config, config.patch_size);
  const looksBefore = config.fc_rnn ? 1 : Number(stage.slice("focus.".length));
  const before: LookState = {
    map: inputs.state("map", [(config.num_segments ?? 1) * config.feature_map_channels, side, side]),
    seen: inputs.state("seen", [config.fc_rnn ? config.fc_hidden_dim! : looksBefore * config.feature_num]),
    policyHidden: inputs.state("policy", [config.policy_hidden_dim]),
  };
  const { logits, action, region, state } = focus(scope, inputs.pictures(), before, config, mode);
  return { logits, action, region, ...stateOutputs(state, config) };
}

function stateOutputs({ map, seen, policyHidden }: LookState, config: GfnetConfig) {
  const nothing = () => expand(scalar(map.graph, 0), [map.shape[0]!, config.policy_hidden_dim]);
  return { "next.map": map, "next.seen": seen, "next.policy": policyHidden ?? nothing() };
}
