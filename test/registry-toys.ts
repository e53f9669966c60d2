// How the registered models of an architecture become toys: the fields that make them narrow and shallow, and a picture size that tests odd
// cases. One entry an architecture; what does not depend on size must stay as registered.
import type { SweepOptions } from "./registry-sweep.ts";

type Config = Readonly<Record<string, unknown>>;

/** An eighth of every width, where one head of 64 channels still fits. */
function sparseformerToy(config: Config): SweepOptions {
  const widths = config.width_configs as number[];
  return {
    config: {
      width_configs: widths.map((width) => Math.max(64, Math.round(width / 512) * 64)),
      conv_dim: 16,
      proj_dim: 11,
    },
    height: 61,
    width: 94,
  };
}

/** An eighth of every width behind the stem, the second stage two blocks deep. */
function resnetToy(): SweepOptions {
  return { config: { layers: [1, 2, 1, 1], channels: [8, 16, 24, 32], num_classes: 11 }, height: 61, width: 94 };
}

/** By architecture name. */
export const toys: Readonly<Record<string, (config: Config) => SweepOptions>> = {
  sparseformer: sparseformerToy,
  media_sparseformer: sparseformerToy,
  resnet: resnetToy,
};
