// GFV in two steps: who is sure after the glance does not look closer.
import { Scope } from "../../graph/scope.ts";
import { Graph, type Tensor } from "../../graph/tensor.ts";
import { Mode } from "../../nn/mode.ts";
import type { StageInputs, Stages } from "../architecture.ts";
import type { GfvConfig } from "./config.ts";
import { focusOn, glanceAt, glanceFrames } from "./model.ts";

const GLANCE = "glance";
const FOCUS = "focus";

export const gfvStages: Stages<GfvConfig> = {
  looksInSteps: false, // `logits` of the whole model are one answer, not one for each step
  steps: () => [GLANCE, FOCUS],
  build(scope, stage, inputs, config, mode) {
    const video = clipsOf(inputs);
    if (stage === GLANCE) {
      const { logits, maps } = glanceAt(scope, glanceFrames(video, config), config, mode);
      return { logits, "next.maps": maps, "next.logits": logits };
    }
    const before = {
      maps: inputs.state("maps", mapShape(config)),
      logits: inputs.state("logits", [config.num_classes]),
    };
    const { logits, action, region } = focusOn(scope, video, before, config, mode);
    return { logits, action, region };
  },
};

/** Shape of a clip's maps, found by building a glance. */
function mapShape(config: GfvConfig): readonly number[] {
  const { num_segments_glancer: count, glance_size: side } = config;
  const graph = new Graph();
  const frames = graph.input("frames", [count, 3, side, side]);
  return glanceAt(new Scope(graph), frames, config, Mode.inference()).maps.shape.slice(1) as readonly number[];
}

function clipsOf(inputs: StageInputs): Tensor {
  const clips = inputs.pictures();
  if ("bytes" in clips) throw new TypeError("clips come as numbers");
  return clips;
}
