// TSM's released kinds (mit-han-lab/temporal-shift-module, README), whose files hold a state_dict under names that load as they are. Its server
// has no address that is sure to stay: download one by hand.
import type { RegisteredModel } from "../registered-model.ts";

interface Kind {
  readonly base: string;
  readonly title: string;
  readonly frames: number;
  readonly data: string;
  readonly classes: number;
  readonly online?: boolean;
}

function tsm(name: string, { base, title, frames, data, classes, online }: Kind): RegisteredModel {
  return {
    name,
    summary: `TSM over ${title}, ${frames} frames, ${data}${online === true ? ", one frame at a time" : ""}`,
    architecture: "tsm",
    config: {
      base_model: base,
      num_segments: frames,
      num_class: classes,
      ...(online === undefined ? {} : { online }),
    },
  };
}

const KINETICS = { data: "Kinetics-400", classes: 400 } as const;
const SOMETHING = { data: "Something-Something V2", classes: 174 } as const;
const RESNET = { base: "resnet50", title: "ResNet-50" } as const;
const MOBILENET = { base: "mobilenetv2", title: "MobileNetV2" } as const;

export const registeredTsms: readonly RegisteredModel[] = [
  tsm("tsm_resnet50_8x_kinetics", { ...RESNET, ...KINETICS, frames: 8 }),
  tsm("tsm_resnet50_16x_kinetics", { ...RESNET, ...KINETICS, frames: 16 }),
  tsm("tsm_resnet50_8x_sthv2", { ...RESNET, ...SOMETHING, frames: 8 }),
  tsm("tsm_resnet50_16x_sthv2", { ...RESNET, ...SOMETHING, frames: 16 }),
  tsm("tsm_resnet101_8x_sthv2", { base: "resnet101", title: "ResNet-101", ...SOMETHING, frames: 8 }),
  tsm("tsm_mobilenetv2_8x_kinetics", { ...MOBILENET, ...KINETICS, frames: 8 }),
  tsm("tsm_mobilenetv2_8x_jester_online", { ...MOBILENET, data: "Jester", classes: 27, frames: 8, online: true }),
];
