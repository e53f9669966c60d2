// Glance and focus where the evidence is small in a large picture, sized for two cores: scenes of 192 px with evidence of 48 px (`saccade
// scenes`), looks of 64 px. As in the official recipe the encoders begin with a trained backbone (`scenes-encoder`), because patches at random
// places seldom show the evidence. `scenes-backbone` is what it is compared with: the same backbone on the whole scene at full resolution.
// Cost on one core: about a minute an epoch in stages 1 and 3, half of one in stage 2, three on whole scenes.
// What came out: patches of the policy 45.5 % top-1 after four looks, patches anywhere 34.0 %, the glance alone 29.8 %; the backbone on whole
// scenes 59.4 %, for more than twice the products. docs/glance-and-focus.md has the commands and the curves.
import { lookingAround, patchEncoder, type SceneExperiment, wholeScenes } from "./looking-at-scenes.ts";

const experiment: SceneExperiment = {
  names: { encoder: "scenes-encoder", backbone: "scenes-backbone", looking: "gfnet-scenes" },
  scene: 192,
  patch: 64,
  looks: 4,
  batch: 32,
  encoderEpochs: 10,
  backboneEpochs: 2,
  epochs: [3, 4, 2],
  rates: [4e-4, 3e-4, 5e-4],
};

export const scenesEncoder = patchEncoder(experiment);
export const scenesBackbone = wholeScenes(experiment);
export const gfnetScenes = lookingAround(experiment);
