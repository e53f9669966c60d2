// CrossViT as the registry sees it: official weights, other picture sizes, preprocessing.
import { type RenameRule, remap } from "../../weights/remap.ts";
import type { Architecture, NamedTensors } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { fixedInput, imageSizeOf, requireImageSize } from "../image-size.ts";
import { resamplePositions } from "../positions.ts";
import { timmTransform } from "../timm.ts";
import { branchGeometry, type CrossvitConfig, crossvitSchema } from "./config.ts";
import { crossvit } from "./model.ts";

const NAME = "crossvit";

export const crossvitArchitecture: Architecture<CrossvitConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2103.14899",
  parseConfig: (json) => checkConfig(crossvitSchema, NAME, json),
  input: ({ img_size }) => fixedInput(img_size),
  atSize: (config, extent) => checkConfig(crossvitSchema, NAME, { ...config, img_size: imageSizeOf(extent) }),
  build(scope, image, config, mode) {
    requireImageSize(image, config.img_size, NAME);
    return crossvit(scope, image, config, mode);
  },
  adoptWeights: adoptCrossvitWeights,
  isMadeFor: (tensors, config) => {
    const named = remap(tensors, [OFFICIAL]);
    return (
      branchGeometry(config).every(({ grid }, branch) => {
        const positions = [1, 1 + grid.height * grid.width, config.embed_dim[branch]];
        return named.get(`pos_embed_${branch}`)?.shape.join() === positions.join();
      }) &&
      config.depth.every(([, second], i) => named.has(`blocks.${i}.blocks.1.${second - 1}.norm1.weight`)) &&
      named.has("patch_embed.0.proj.0.weight") === config.multi_conv
    );
  },
  classesField: "num_classes",
  transform: (config) => timmTransform({ ...config, size: config.img_size }),
  answers: () => "classes",
};

/** IBM/CrossViT keeps one list for both branches. */
const OFFICIAL: readonly RenameRule[] = [{ pattern: /^(pos_embed|cls_token)\.([01])$/, to: "$1_$2" }];

/** Names of both releases; positions are resampled to the configured size. */
function adoptCrossvitWeights(tensors: NamedTensors, config: CrossvitConfig): NamedTensors {
  const named = new Map(remap(tensors, [OFFICIAL]));
  for (const [branch, { grid }] of branchGeometry(config).entries()) {
    const positions = named.get(`pos_embed_${branch}`);
    if (positions !== undefined) named.set(`pos_embed_${branch}`, resamplePositions(positions, 1, grid));
  }
  return named;
}
