// DuoFormer as the registry sees it.
import { type RenameRule, remap } from "../../weights/remap.ts";
import type { Architecture, NamedTensors } from "../architecture.ts";
import { COUNTERS } from "../backbone.ts";
import { checkConfig } from "../check-config.ts";
import { fixedInput, gridOf, imageSizeOf, requireImageSize } from "../image-size.ts";
import { resamplePositions } from "../positions.ts";
import { timmTransform } from "../timm.ts";
import { type DuoformerConfig, duoformerSchema, REGION } from "./config.ts";
import { duoformer } from "./model.ts";
import { duoformerFields } from "./shapes.ts";

const NAME = "duoformer";

export const duoformerArchitecture: Architecture<DuoformerConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2407.13920, https://arxiv.org/abs/2506.12982",
  parseConfig: (json) => checkConfig(duoformerSchema, NAME, json),
  input: ({ img_size }) => fixedInput(img_size),
  atSize: (config, extent) => checkConfig(duoformerSchema, NAME, { ...config, img_size: imageSizeOf(extent) }),
  build(scope, image, config, mode) {
    requireImageSize(image, config.img_size, NAME);
    return duoformer(scope, image, config, mode);
  },
  adoptWeights: adoptDuoformerWeights,
  isMadeFor: (tensors, config) => {
    const { height, width } = gridOf(config.img_size, REGION);
    const told = duoformerFields(tensors);
    return (
      tensors.get(POSITIONS)?.shape[1] === 1 + height * width &&
      told?.num_layers === config.num_layers &&
      told.depth === config.depth
    );
  },
  adoptShapes: duoformerFields,
  classesField: "num_classes",
  transform: ({ img_size }) =>
    timmTransform({ size: img_size, crop_pct: 1, interpolation: "bilinear", normalization: "imagenet" }),
  answers: () => "classes",
};

const POSITIONS = "vision_transformer.pos_embed";

/** A normalisation whose answer the official code throws away is left out; positions are resampled to the configured size. */
function adoptDuoformerWeights(tensors: NamedTensors, config: DuoformerConfig): NamedTensors {
  const named = new Map(remap(tensors, [[COUNTERS, UNREAD, ...LISTED]]));
  const positions = named.get(POSITIONS);
  if (positions !== undefined) named.set(POSITIONS, resamplePositions(positions, 1, gridOf(config.img_size, REGION)));
  return named;
}

const UNREAD: RenameRule = { pattern: /^vision_transformer\.fc_norm\./, to: null };

/** In most official files torchvision's ResNet is a list, in which what has no weights is counted too; in one kind ("r50_Swav") its parts have their names. */
const LISTED: readonly RenameRule[] = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"].map(
  (part, i) => ({ pattern: new RegExp(`^resnet_projector\\.${i}\\.`), to: `resnet_projector.${part}.` }),
);
