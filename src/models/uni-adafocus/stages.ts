// Uni-AdaFocus as graphs that run one after another, so that who is sure after the glance is not looked at again (archs/uni_adafocus_tsm_exit.py): the
// glance answers with the head that trains it; the focus chooses its frames and its crop, looks, and answers with both networks' final heads. So
// the policies work only for clips that are looked at.
import { add } from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Mode } from "../../nn/mode.ts";
import type { StageInputs, Stages } from "../architecture.ts";
import { mapSide, type UniAdafocusConfig } from "./config.ts";
import { cropRegion } from "./crop.ts";
import { attend, focus, gazeOf, glance } from "./model.ts";
import { widthOf } from "./networks.ts";

const GLANCE = "glance";
const FOCUS = "focus";

export const uniAdafocusStages: Stages<UniAdafocusConfig> = {
  looksInSteps: false, // `logits` of the whole model are one answer, not one for each step
  steps: () => [GLANCE, FOCUS],
  build(scope, stage, inputs, config, mode) {
    // The input has no other kind: the architecture takes no pixels as bytes.
    const clips = inputs.pictures() as Tensor;
    return stage === GLANCE
      ? glanceOutputs(scope, clips, config, mode)
      : focusOutputs(scope, clips, inputs, config, mode);
  },
};

function glanceOutputs(scope: Scope, clips: Tensor, config: UniAdafocusConfig, mode: Mode): Record<string, Tensor> {
  const { ownLogits, finalLogits, maps, features } = glance(scope, clips, config, mode);
  return { logits: ownLogits, "next.answer": finalLogits, "next.maps": maps, "next.features": features };
}

function focusOutputs(
  scope: Scope,
  clips: Tensor,
  inputs: StageInputs,
  config: UniAdafocusConfig,
  mode: Mode,
): Record<string, Tensor> {
  const side = mapSide(config);
  const { num_glance_segments: frames, num_class } = config;
  const width = widthOf("glance", config);
  const maps = inputs.state("maps", [frames, width, side, side]);
  const features = inputs.state("features", [frames, width]);
  const attention = attend(scope, { maps, features }, config, mode);
  const second = focus(scope, clips, attention, config, mode);
  const gaze = gazeOf(second, config);
  return {
    logits: add(inputs.state("answer", [num_class]), second.seen.finalLogits),
    action: attention.action,
    region: cropRegion(second.crop),
    "gaze.0.regions": gaze.regions,
    "gaze.0.points": gaze.points,
  };
}
