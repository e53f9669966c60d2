// AdaptiveNN as graphs that run one after another: the glance, and each fixation, which chooses its patch itself. Every fixation has norms, blocks and a
// head of its own, so each is a graph of its own. With its answer a stage says what the value net expects of going on.
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Mode } from "../../nn/mode.ts";
import type { StageInputs, Stages } from "../architecture.ts";
import { type AdaptivennConfig, gridSides } from "./config.ts";
import { chooseAction, fixate, glance, stateValue } from "./model.ts";

const GLANCE = "glance";
const FOCUS = "focus";

export const adaptivennStages: Stages<AdaptivennConfig> = {
  looksInSteps: true,
  valuesSteps: true,
  steps: ({ fixations }) => [GLANCE, ...Array.from({ length: fixations }, (_, i) => `${FOCUS}.${i + 1}`)],
  build(scope, stage, inputs, config, mode) {
    if (stage !== GLANCE) return fixation(scope, stage, inputs, config, mode);
    const { logits, state } = glance(scope, inputs.pictures(), config, mode);
    return { logits, ...goingOn(scope, state, 0, config) };
  },
};

function fixation(scope: Scope, stage: string, inputs: StageInputs, config: AdaptivennConfig, mode: Mode) {
  const step = Number(stage.slice(FOCUS.length + 1)) - 1;
  const before = inputs.state("tokens", [gridSides(config).state ** 2, config.embed_dim]);
  const action = chooseAction(scope, before, step, config);
  const { logits, region, state } = fixate(scope, inputs.pictures(), before, action, step, config, mode);
  return { logits, action, region, ...goingOn(scope, state, step + 1, config) };
}

/** What the next fixation reads, and what it is expected to be worth; nothing after the last one. */
function goingOn(scope: Scope, state: Tensor, next: number, config: AdaptivennConfig): Record<string, Tensor> {
  if (next === config.fixations) return {};
  return { value: stateValue(scope, state, next, config), "next.tokens": state };
}
