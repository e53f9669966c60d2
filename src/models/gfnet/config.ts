// GFNet's configuration, with the official names (blackfeather-wang/GFNet-Pytorch, configs.py model_configurations and the entries of a
// released checkpoint). What a backbone settles need not be written: `arch`, `patch_size` and `T` are enough.
import { z } from "zod";
import { SHIFT_PLACES } from "../shifted-backbones.ts";
import { MOST_LOOKS_SIDE_BY_SIDE } from "./classifier.ts";

const count = z.int().min(1).max(65536);
/** A list of numbers that a checkpoint carries: costs, accuracies. */
const numbers = z.array(z.number()).max(1000);

/** Interpolations as Pillow numbers them. */
export const PILLOW_INTERPOLATIONS = { 2: "bilinear", 3: "bicubic" } as const;

/** What a backbone settles. */
interface BackboneDefaults {
  readonly feature_num: number;
  readonly feature_map_channels: number;
  readonly policy_conv: boolean;
  readonly policy_hidden_dim: number;
  readonly fc_rnn: boolean;
  readonly fc_hidden_dim: number | null;
  readonly image_size: number;
  readonly crop_pct: number;
  readonly dataset_interpolation: 2 | 3;
  readonly prime_interpolation: "bicubic" | "bilinear";
  /** Which of the encoder's answers to the glance counts: that of the recurrent classifier, or of the encoder's own last layer. */
  readonly glance_head: "classifier" | "encoder";
}

const residual = (width: number, prime: "bicubic" | "bilinear"): BackboneDefaults => ({
  feature_num: width,
  feature_map_channels: width,
  policy_conv: false,
  policy_hidden_dim: 1024,
  fc_rnn: true,
  fc_hidden_dim: 1024,
  image_size: 224,
  crop_pct: 0.875,
  dataset_interpolation: 2,
  prime_interpolation: prime,
  glance_head: "classifier",
});

const mobile = (features: number, channels: number, image_size = 224, crop_pct = 0.875): BackboneDefaults => ({
  feature_num: features,
  feature_map_channels: channels,
  policy_conv: true,
  policy_hidden_dim: 256,
  fc_rnn: false,
  fc_hidden_dim: null,
  image_size,
  crop_pct,
  dataset_interpolation: image_size === 224 ? 2 : 3,
  prime_interpolation: "bicubic",
  glance_head: "encoder",
});

const regnet = (width: number): BackboneDefaults => ({
  ...residual(width, "bilinear"),
  policy_conv: true,
  policy_hidden_dim: 256,
  glance_head: "encoder",
});

/** By the official name of the backbone. */
export const GFNET_BACKBONES = {
  resnet50: residual(2048, "bicubic"),
  densenet121: residual(1024, "bilinear"),
  densenet169: residual(1664, "bilinear"),
  densenet201: residual(1920, "bilinear"),
  mobilenetv3_large_100: mobile(1280, 960),
  mobilenetv3_large_125: mobile(1280, 1200),
  efficientnet_b2: mobile(1408, 1408, 260),
  efficientnet_b3: mobile(1536, 1536, 300, 0.904),
  regnety_600m: regnet(608),
  regnety_800m: regnet(768),
  "regnety_1.6g": regnet(888),
} as const satisfies Record<string, BackboneDefaults>;

export type GfnetBackbone = keyof typeof GFNET_BACKBONES;
const backboneNames = Object.keys(GFNET_BACKBONES) as [GfnetBackbone, ...GfnetBackbone[]];

const shape = z.looseObject({
  /** The backbone, by its official name. Its family's rules hold for a changed `backbone` too. */
  arch: z.enum(backboneNames),
  /** Fields that change the backbone's own configuration (its widths, say); `feature_num` and `feature_map_channels` must follow. */
  backbone: z.record(z.string(), z.unknown()).default({}),
  /** Height and width of the glance and of every patch. */
  patch_size: z.int().min(32).max(4096),
  /** Looks in all: the glance and T - 1 patches. */
  T: z.int().min(2).max(64),
  class_num: count,
  feature_num: count,
  feature_map_channels: count,
  policy_conv: z.boolean(),
  policy_hidden_dim: count,
  fc_rnn: z.boolean(),
  fc_hidden_dim: count.nullable(),
  image_size: z.int().min(32).max(16384),
  crop_pct: z.number().positive().max(1),
  dataset_interpolation: z.union([z.literal(2), z.literal(3)]),
  prime_interpolation: z.enum(["bicubic", "bilinear"]),
  glance_head: z.enum(["classifier", "encoder"]),
  /**
   * Frames of a clip, for a model of videos: the glance is at all of them, shrunk, the policy reads their maps and chooses one place, and the patch is
   * cut there out of every frame. Both encoders shift channels between frames (TSM). Absent: pictures.
   */
  num_segments: z.int().min(1).max(1024).optional(),
  /** With num_segments: a C / shift_div of the channels comes from the frame after, as many from the frame before. Default 8. */
  shift_div: z.int().min(2).max(4096).optional(),
  /** With num_segments: inside residual branches, or before whole blocks. Default "blockres". */
  shift_place: z.enum(SHIFT_PLACES).optional(),
  /** From a released checkpoint: multiply-adds of looking once, twice, …, in the authors' unit. */
  flops: numbers.optional(),
  /** From a released checkpoint: rows of T confidence thresholds, from cheap to thorough. */
  dynamic_threshold: z.array(numbers).max(1000).optional(),
  /** From a released checkpoint: accuracy after each look, in percent. */
  anytime_classification: numbers.optional(),
  /** From a released checkpoint: for each row of thresholds its mean multiply-adds, and its accuracy in percent. */
  budgeted_batch_classification: z.tuple([numbers, numbers]).optional(),
});

type Shape = z.infer<typeof shape>;

/** The fields that mean something; checkpoints carry others. */
export const GFNET_FIELDS: readonly string[] = Object.keys(shape.shape);

/** What cannot be, in words; undefined when all is well. */
function inconsistency(config: Shape): string | undefined {
  if (config.patch_size > config.image_size)
    return `patch_size ${config.patch_size} is larger than image_size ${config.image_size}`;
  if (config.fc_rnn && config.fc_hidden_dim === null) return "fc_rnn needs fc_hidden_dim";
  if (!config.fc_rnn && config.T > MOST_LOOKS_SIDE_BY_SIDE)
    return `without fc_rnn there are classifiers for at most ${MOST_LOOKS_SIDE_BY_SIDE} looks, but T is ${config.T}`;
  if (!config.fc_rnn && config.glance_head === "classifier") return "without fc_rnn the glance_head is the encoder";
  return undefined;
}

/** Completes what the backbone settles, then checks. */
export const gfnetSchema = z.preprocess(
  (json) => {
    const given = (json ?? {}) as Record<string, unknown>;
    const defaults = GFNET_BACKBONES[given.arch as GfnetBackbone];
    // The maps of a clip's frames are too wide for a policy that mixes them before it narrows them.
    const ofClips = given.num_segments === undefined ? {} : { policy_conv: true };
    return defaults === undefined ? given : { class_num: 1000, ...defaults, ...ofClips, ...given };
  },
  shape.superRefine((config, context) => {
    const problem = inconsistency(config);
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  }),
);

export type GfnetConfig = z.infer<typeof gfnetSchema>;

/** Shorter side to image_size / crop_pct, the middle of it, ImageNet's mean and deviation (inference.py). */
export function gfnetTransform({ image_size, crop_pct, dataset_interpolation }: GfnetConfig): string {
  const side = Math.floor(image_size / crop_pct);
  return `resize_small(${side},${PILLOW_INTERPOLATIONS[dataset_interpolation]})|central_crop(${image_size})|normalize(imagenet)`;
}
