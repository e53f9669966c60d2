// Scattering transforms of common sizes. Their filters follow from the configuration: there is nothing to download.
import type { RegisteredModel } from "../registered-model.ts";

function scattering(name: string, summary: string, config: RegisteredModel["config"]): RegisteredModel {
  return {
    name,
    summary: `Scattering transform, ${summary}: nothing in it is learned`,
    architecture: "scattering",
    config,
  };
}

export const registeredScatterings: readonly RegisteredModel[] = [
  scattering("scattering_digits", "J = 3, grey pictures of 28 x 28 pixels", { J: 3, shape: [28, 28], in_channels: 1 }),
  scattering("scattering_32", "J = 2, 32 x 32 pixels", { J: 2, shape: [32, 32] }),
  scattering("scattering_224", "J = 5, 224 x 224 pixels", { J: 5, shape: [224, 224] }),
];
