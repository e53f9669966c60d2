// The configuration of detectors that look at every place of their maps, with mmdetection's names (open-mmlab/mmdetection, configs/retinanet and configs/fcos; jshilong/SEPC,
// sepc/exp; microsoft/RelationNet2, configs/bvr). Defaults are those of RetinaNet.
import { z } from "zod";
import { backboneNamed, checkBackbone, type NamedBackbone } from "../backbones.ts";
import { extentOf, type ImageSize, imageSizeField } from "../image-size.ts";
import { timmFields } from "../timm.ts";

const count = z.int().min(1).max(4096);
/** Groups of a group normalisation behind convolutions; null for none, and convolutions have biases then. */
const normGroups = z.int().min(1).max(1024).nullable();

const neck = z.strictObject({
  out_channels: count.default(256),
  /** The first stage of the backbone, from 0, whose map is read. */
  start_level: z.int().min(0).max(3).default(1),
  num_outs: z.int().min(1).max(8).default(5),
  /** Whether maps beyond the backbone's come from its last one, or from the pyramid's. */
  add_extra_convs: z.enum(["on_input", "on_output"]).default("on_input"),
  relu_before_extra_convs: z.boolean().default(false),
  norm_groups: normGroups.default(null),
});

const sepc = z.strictObject({
  Pconv_num: z.int().min(0).max(16).default(4),
  /** Whether the pyramid convolutions are deformable. */
  pconv_deform: z.boolean().default(false),
  /** Whether the two convolutions behind them are. */
  lcconv_deform: z.boolean().default(false),
  /** Batch normalisations whose statistics are those of all levels together. */
  iBN: z.boolean().default(false),
  /** Of the two convolutions behind the pyramid's: 0 as released, so that maps lose a cell on every side; 1 as intended (ours). */
  padding: z.literal([0, 1]).default(0),
});

const anchors = z.strictObject({
  /** Sides in strides. */
  octave_base_scale: z.number().positive().max(64).default(4),
  scales_per_octave: z.int().min(1).max(8).default(3),
  /** Heights by widths. */
  ratios: z.array(z.number().positive().max(100)).min(1).max(16).default([0.5, 1, 2]),
});

const head = z.strictObject({
  type: z.enum(["RetinaHead", "FCOSHead"]).default("RetinaHead"),
  stacked_convs: z.int().min(0).max(16).default(4),
  feat_channels: count.default(256),
  norm_groups: normGroups.default(null),
  /** Of a RetinaHead. */
  anchor_generator: anchors.prefault({}),
  /** Of an FCOSHead: which tower says how central a place is. */
  centerness_on_reg: z.boolean().default(false),
  /** Of an FCOSHead: distances are counted in strides. */
  norm_on_bbox: z.boolean().default(false),
  /** Of an FCOSHead, in training: whether only places near a thing's middle are its own, and how near in strides. */
  center_sampling: z.boolean().default(false),
  center_sample_radius: z.number().positive().max(64).default(1.5),
});

const bvr = z
  .strictObject({
    /** Of the keypoint head: convolutions of each kind of point, and of what is said of it. */
    stacked_convs: z.int().min(0).max(16).default(2),
    logits_convs: z.int().min(0).max(16).default(1),
    feat_channels: count.default(256),
    norm_groups: normGroups.default(32),
    /** Points of a kind that a level may give. */
    max_keypoint_num: z.int().min(1).max(1000).default(20),
    /** Points of a kind that all places look at. */
    cross_level_topk: z.int().min(1).max(1000).default(50),
    num_attn_heads: count.default(8),
    /** Extent of the map of relative positions, in cells of the first level. */
    base_size: z.tuple([count, count]).default([400, 400]),
    /** Whether boxes and classes have one map of relative positions. */
    shared_positional_encoding_outer: z.boolean().default(false),
  })
  .refine(({ base_size }) => base_size.every((side) => side % 2 === 0), "base_size must be even");

interface BackboneChoice {
  readonly backbone: string;
  readonly backbone_config: Readonly<Record<string, unknown>>;
}

/** What says how large the maps are that the head answers at. */
interface LevelChoice {
  readonly img_size: ImageSize;
  readonly neck: z.infer<typeof neck>;
  readonly sepc: z.infer<typeof sepc> | null;
}

/** Above this many places of all maps together a configuration is a mistake, or an attack. */
const MAX_PLACES = 2 ** 18;

export const singleStageSchema = z
  .strictObject({
    num_classes: timmFields.num_classes.default(80),
    /** Height and width of the pictures in pixels. */
    img_size: imageSizeField.default([800, 1344]),
    /** A convolutional backbone by name that gives the map behind each stage. */
    backbone: z.string().default("resnet50"),
    /** Fields that change the backbone's own configuration (ours). */
    backbone_config: z.record(z.string(), z.unknown()).default({}),
    neck: neck.prefault({}),
    /** Scale-equalizing pyramid convolution behind the pyramid; null for none. */
    sepc: sepc.nullable().default(null),
    head: head.prefault({}),
    /** Bridging visual representations between the towers and what they say; null for none. */
    bvr: bvr.nullable().default(null),
    /** Candidates that a level may give. */
    nms_pre: z.int().min(1).max(10_000).default(1000),
    /** Of two boxes of one class that overlap by more, the surer one is kept. */
    nms_iou: z.number().positive().max(1).default(0.5),
    normalization: timmFields.normalization,
  })
  .refine(({ sepc: neck, bvr: related }) => neck === null || related === null, "sepc and bvr are not combined")
  .refine(
    ({ head: { feat_channels, norm_groups } }) => divides(norm_groups, feat_channels),
    "norm_groups of head must divide its feat_channels",
  )
  .refine(
    ({ neck: { out_channels, norm_groups } }) => divides(norm_groups, out_channels),
    "norm_groups of neck must divide its out_channels",
  )
  .refine(
    ({ bvr: related }) => related === null || divides(related.norm_groups, related.feat_channels),
    "norm_groups of bvr must divide its feat_channels",
  )
  .refine(({ bvr: related, head: { feat_channels, stacked_convs }, neck: { out_channels } }) => {
    const width = stacked_convs === 0 ? out_channels : feat_channels;
    return related === null || (width % related.num_attn_heads === 0 && width % 4 === 0);
  }, "feat_channels of head must be a multiple of bvr's num_attn_heads, and of 4")
  .refine(
    ({ neck: { start_level, num_outs } }) => start_level + num_outs >= 4,
    "num_outs must reach the backbone's last stage: at least 4 - start_level",
  )
  .superRefine((config, context) => checkBackbone(backboneOf)(config, context))
  .refine((config) => {
    const levels = levelsOf(config);
    return (
      levels.every(({ height, width }) => height >= 1 && width >= 1) &&
      levels.reduce((sum, { height, width }) => sum + height * width, 0) <= MAX_PLACES
    );
  }, `img_size must leave every map at least one cell (three with sepc's padding of 0), and all of them together at most ${MAX_PLACES}`);

export type SingleStageConfig = z.infer<typeof singleStageSchema>;
export type SepcConfig = NonNullable<SingleStageConfig["sepc"]>;
export type BvrConfig = NonNullable<SingleStageConfig["bvr"]>;

function divides(groups: number | null, channels: number): boolean {
  return groups === null || channels % groups === 0;
}

/** The network that gives the maps. Throws UsageError for a name that nothing has, and for changes that it does not take. */
export function backboneOf({ backbone, backbone_config }: BackboneChoice): NamedBackbone {
  return backboneNamed(backbone, backbone_config);
}

/** One map that the head answers at: its cells, and how far they are from each other in pixels. */
export interface Level {
  readonly height: number;
  readonly width: number;
  readonly stride: number;
}

/** The maps that the head answers at, the finest first. */
export function levelsOf({ img_size, neck: { start_level, num_outs }, sepc: behind }: LevelChoice): Level[] {
  const { height, width } = extentOf(img_size);
  const lost = behind?.padding === 0 ? 2 : 0;
  return Array.from({ length: num_outs }, (_, i) => {
    const stride = 2 ** (2 + start_level + i);
    return { height: Math.ceil(height / stride) - lost, width: Math.ceil(width / stride) - lost, stride };
  });
}
