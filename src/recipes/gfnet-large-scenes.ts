// Glance and focus where seeing everything is what costs: scenes of 448 px with framed evidence of 64 px, a forty-ninth of the area, among
// jigsaws and whole pictures of other classes; a glance and two patches of 96 px. The frame is what the glance still shows of the evidence, at 14 px.
// Patches anywhere show the evidence to one scene in eight, so stage 1 first sees scenes with companions. docs/glance-and-focus.md has the commands.
// Cost of one scene: a look 30 million products, the backbone on the whole scene 22 times as many.
import { lookingAround, patchEncoder, type SceneExperiment, wholeScenes } from "./looking-at-scenes.ts";

const experiment: SceneExperiment = {
  names: {
    encoder: "large-scenes-encoder",
    backbone: "large-scenes-backbone",
    looking: "gfnet-large-scenes",
  },
  scene: 448,
  patch: 96,
  looks: 3,
  batch: 32,
  encoderEpochs: 8,
  backboneEpochs: 3,
  epochs: [3, 6, 4],
  // A patch has ten times the room that the evidence fills: the policy must first try places far from the one it means, and its rewards are rare.
  rates: [4e-4, 1e-3, 5e-4],
  deviations: [0.25, 0.05],
};

export const largeScenesEncoder = patchEncoder(experiment);
export const largeScenesBackbone = wholeScenes(experiment);
/** Half as high and wide: what shrinking, the plain way to see everything for less, is worth. */
export const largeScenesBackboneHalf = wholeScenes(experiment, 224);
export const gfnetLargeScenes = lookingAround(experiment);
