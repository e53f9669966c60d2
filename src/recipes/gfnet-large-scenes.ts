// Glance and focus where seeing everything is what costs: scenes of 448 px with evidence of 64 px, a forty-ninth of the area, in a white frame of
// 12 px, among jigsaws and whole pictures of other classes; a glance and two patches of 96 px. The glance shows the evidence at 14 px: hardly what
// it is, but its frame where. Three things make it learn: an encoder that has seen evidence at every size, so that the glance's map holds the
// frame's place; scenes with companions first, because patches anywhere show a single piece of evidence to one scene in eight; and a policy that
// first tries places far from the one it means. A look is 30 million products, the backbone on a whole scene 22 times as many.
// Run once, on one of two cores: 4000 scenes with companions, 8000 without; stage 1 two epochs and one, stage 2 five at this deviation and three at
// 0.1, stage 3 eight: 44 minutes after 5 for the encoder. Right on 1000 scenes after one, two and three looks: 46.3, 71.7, 74.0 %; the backbone had as
// long, for three epochs of whole scenes (65.7 %) or nine of shrunken ones (71.6 %). docs/glance-and-focus.md has the comparison, times included.
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
  epochs: [3, 8, 8],
  // A patch has ten times the room that the evidence fills: the policy must first try places far from the one it means, and its rewards are rare.
  rates: [4e-4, 1e-3, 5e-4],
  deviations: [0.25, 0.05],
};

export const largeScenesEncoder = patchEncoder(experiment);
export const largeScenesBackbone = wholeScenes(experiment);
/** Half as high and wide: what shrinking, the plain way to see everything for less, is worth. */
export const largeScenesBackboneHalf = wholeScenes(experiment, 224);
export const gfnetLargeScenes = lookingAround(experiment);
