// GLSims as they were released (arkel23/GLSim, README), by the sets of pictures that they tell apart. The files lie at a host of large files and at
// https://huggingface.co/NYCU-PCSxNTHU-MIS/GLSim; no licence is stated for them, so they are downloaded by hand.
import type { RegisteredModel } from "../registered-model.ts";

function glsim(set: string, num_classes: number, what: string): RegisteredModel {
  return {
    name: `glsim_vit_b16_${set}`,
    summary: `GLSim over ViT-B/16, ${num_classes} kinds of ${what}: the picture, and a crop of it`,
    architecture: "glsim",
    config: { num_classes },
  };
}

export const registeredGlsims: readonly RegisteredModel[] = [
  glsim("cub", 200, "birds (CUB-200-2011)"),
  glsim("nabirds", 555, "birds (NABirds)"),
  glsim("inat17", 5089, "living things (iNaturalist 2017)"),
  glsim("dafb", 3263, "drawn characters (DAF:re)"),
];
