// Light CNNs as they were released (AlfredXiangWu/LightCNN, README, MIT). The files lie at hosts of large files that no program can ask, so they are downloaded by hand.
import type { RegisteredModel } from "../registered-model.ts";
import type { LightcnnConfig } from "./config.ts";

function lightcnn(size: string, model: LightcnnConfig["model"], num_classes: number, sees: string): RegisteredModel {
  return {
    name: `lightcnn_${size}`,
    summary: `Light CNN-${size}, an embedding of aligned ${sees} faces of 128 x 128 pixels`,
    architecture: "lightcnn",
    config: { model, num_classes },
  };
}

export const registeredLightcnns: readonly RegisteredModel[] = [
  lightcnn("9", "LightCNN-9", 79_077, "grey"),
  lightcnn("29", "LightCNN-29", 79_077, "grey"),
  lightcnn("29v2", "LightCNN-29v2", 80_013, "grey"),
  lightcnn("v4", "LightCNN-V4", 0, "coloured"),
];
