// SAM's image encoder as the registry sees it: official weights, other picture sizes, preprocessing.
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { extentOf, fixedInput, gridOf, imageSizeOf, requireImageSize } from "../image-size.ts";
import { withTokens } from "../token-reduction.ts";
import { type SamConfig, samSchema, tokenModel } from "./config.ts";
import { samEncoder } from "./model.ts";
import { adoptSamWeights } from "./weights.ts";

const NAME = "sam";

export const samArchitecture: Architecture<SamConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2304.02643",
  parseConfig: (json) => checkConfig(samSchema, NAME, json),
  input: ({ img_size }) => fixedInput(img_size),
  atSize: (config, extent) => checkConfig(samSchema, NAME, { ...config, img_size: imageSizeOf(extent) }),
  reduceTokens: (config, tokens) => withTokens(config, tokens, tokenModel(config)),
  build(scope, image, config) {
    requireImageSize(image, config.img_size, NAME);
    return samEncoder(scope, image, config);
  },
  adoptWeights: adoptSamWeights,
  isMadeFor(tensors, config) {
    const { height, width } = gridOf(config.img_size, config.patch_size);
    const positions = tensors.get("pos_embed") ?? tensors.get("image_encoder.pos_embed");
    return positions?.shape.join() === [1, height, width, config.embed_dim].join();
  },
  classesField: "out_chans",
  transform({ img_size }) {
    // The official code leaves zeros beside the normalised picture, which are its mean colour (modeling/sam.py preprocess).
    const { height, width } = extentOf(img_size);
    return `letterbox(${width},${height},bilinear,124/116/104,top_left)|normalize(imagenet)`;
  },
  answers: () => "embedding",
};
