// FaceXFormer as it was released (Kartik-3004/facexformer, README; the licence is the repository's).
import type { RegisteredModel } from "../registered-model.ts";

export const registeredFacexformers: readonly RegisteredModel[] = [
  {
    name: "facexformer",
    summary:
      "FaceXFormer over Swin-B: parts, landmarks, pose, attributes, age, gender and race of a face of 224 x 224 pixels",
    architecture: "facexformer",
    config: {},
    weights: {
      url: "https://huggingface.co/kartiknarayan/facexformer/resolve/main/ckpts/model.pt",
      licence: "MIT",
    },
  },
];
