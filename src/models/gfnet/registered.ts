// The fourteen released GFNets (blackfeather-wang/GFNet-Pytorch, README). Their files are on drives that hand out pages, not files, to
// programs: download one by hand and load it as it is.
import type { RegisteredModel } from "../registered-model.ts";
import type { GfnetBackbone } from "./config.ts";

function released(arch: GfnetBackbone, title: string, patch: number, looks: number): RegisteredModel {
  return {
    name: `gfnet_${arch.replace(".", "_")}_${patch}`,
    summary: `GFNet over ${title}: a glance and up to ${looks - 1} patches of ${patch} x ${patch}, ImageNet-1k`,
    architecture: "gfnet",
    config: { arch, patch_size: patch, T: looks },
    labels: "imagenet-1k",
  };
}

/** The journal version's video model, for which it published neither code nor weights: put together here, to be trained. */
const overTsm: RegisteredModel = {
  name: "gfnet_tsm_resnet50_96",
  summary:
    "GFNet over TSM-ResNet-50: 8 frames at a glance, then up to 4 patches of 96 x 96 of all of them; not trained",
  architecture: "gfnet",
  config: {
    arch: "resnet50",
    num_segments: 8,
    patch_size: 96,
    T: 5,
    class_num: 400,
    policy_hidden_dim: 256,
  },
};

export const registeredGfnets: readonly RegisteredModel[] = [
  released("resnet50", "ResNet-50", 96, 5),
  released("resnet50", "ResNet-50", 128, 5),
  released("densenet121", "DenseNet-121", 96, 5),
  released("densenet169", "DenseNet-169", 96, 5),
  released("densenet201", "DenseNet-201", 96, 5),
  released("regnety_600m", "RegNetY-600MF", 96, 5),
  released("regnety_800m", "RegNetY-800MF", 96, 5),
  released("regnety_1.6g", "RegNetY-1.6GF", 96, 5),
  released("mobilenetv3_large_100", "MobileNetV3-L", 96, 3),
  released("mobilenetv3_large_100", "MobileNetV3-L", 128, 3),
  released("mobilenetv3_large_125", "MobileNetV3-L 1.25", 128, 3),
  released("efficientnet_b2", "EfficientNet-B2", 128, 4),
  released("efficientnet_b3", "EfficientNet-B3", 128, 4),
  released("efficientnet_b3", "EfficientNet-B3", 144, 4),
  overTsm,
];
