// Who takes part in the comparison of families: a small member of each, as somebody would choose it who has a few minutes and no graphics card. Widths
// and depths are ours; all else is as in the family's official models. A family that cannot learn from labels of whole pictures alone is not here.
import { CORTEX, FOCUS, SMALL_SPARSEFORMER } from "../../src/recipes/small-sparseformer.ts";

export interface Member {
  /** As the tables call it, and --families. */
  readonly name: string;
  readonly architecture: string;
  /** Fields of its configuration, for pictures of so many pixels a side. */
  config(size: number): Readonly<Record<string, unknown>>;
  /** What it is, in a line. */
  readonly about: string;
}

/** So many patches a side that attention has 64 tokens, in both sets. */
const EIGHTH = 8;
/** Transformers are all of this width and depth, so that what differs is what they are named for. */
const WIDTH = { embed_dim: 96, depth: 4, num_heads: 3 } as const;

export const MEMBERS: readonly Member[] = [
  {
    name: "sparseformer",
    architecture: "sparseformer",
    config: () => ({
      ...SMALL_SPARSEFORMER,
      conv_dim: 32,
      width_configs: [64, 128, 128, 128],
      repeats: [2, 1, 1, 1],
      ops_list: [FOCUS, FOCUS, CORTEX, CORTEX],
      drop_path_rate: 0,
    }),
    about: "16 tokens of 16 points, three looks, four units",
  },
  {
    name: "resnet",
    architecture: "resnet",
    config: () => ({ block: "BasicBlock", layers: [1, 1, 1, 1], channels: [16, 32, 64, 128], stem_channels: 16 }),
    about: "ResNet-10 at a quarter of its width",
  },
  {
    name: "regnet",
    architecture: "regnet",
    config: () => ({ w0: 16, wa: 20, wm: 2.5, group_size: 8, depth: 7, stem_width: 16 }),
    about: "RegNetY of seven blocks",
  },
  {
    name: "densenet",
    architecture: "densenet",
    config: () => ({ growth_rate: 8, block_config: [4, 6, 8, 6] }),
    about: "24 layers that add 8 channels each",
  },
  {
    name: "mobilenetv2",
    architecture: "mobilenetv2",
    config: () => ({ channel_multiplier: 0.35 }),
    about: "at a third of its width",
  },
  {
    name: "mobilenetv3",
    architecture: "mobilenetv3",
    config: () => ({ variant: "small", channel_multiplier: 0.5 }),
    about: "the small one, at half its width",
  },
  {
    name: "efficientnet",
    architecture: "efficientnet",
    config: () => ({ channel_multiplier: 0.35, depth_multiplier: 0.5 }),
    about: "B0 at a third of its width and half its depth",
  },
  {
    name: "convnext",
    architecture: "convnext",
    config: () => ({ depths: [1, 1, 3, 1], dims: [24, 48, 96, 192], ls_init_value: null }),
    about: "six blocks",
  },
  {
    name: "spartan",
    architecture: "spartan",
    config: () => ({ layer_depths: [1, 1, 3, 1], init_dim: 16, dims: [32, 64, 128] }),
    about: "six blocks",
  },
  {
    name: "vit",
    architecture: "vit",
    config: (size) => ({ ...WIDTH, img_size: size, patch_size: size / EIGHTH }),
    about: "64 tokens, four blocks",
  },
  {
    name: "dhvt",
    architecture: "dhvt",
    // It has no patches of 8.
    config: (size) => ({ ...WIDTH, img_size: size, patch_size: 16 }),
    about: "64 tokens at 128 px, 16 at 64 px; four blocks",
  },
  ...(["swin", "swinv2", "swin_mlp"] as const).map((architecture) => ({
    name: architecture.replace("_", "-"),
    architecture,
    config: (size: number) => ({
      img_size: size,
      embed_dim: 24,
      depths: [2, 2, 2],
      num_heads: [1, 2, 4],
      window_size: 4,
      drop_path_rate: 0,
    }),
    about: "three stages of two blocks, windows of 4 x 4",
  })),
  {
    name: "crossvit",
    architecture: "crossvit",
    config: (size) => ({
      img_size: size,
      img_scale: [15 / 16, 1],
      patch_size: [(size * 3) / 32, size / EIGHTH],
      embed_dim: [48, 96],
      depth: [
        [1, 1, 0],
        [1, 1, 0],
      ],
      num_heads: [2, 2],
    }),
    about: "100 and 64 tokens, two stages",
  },
  {
    name: "duoformer",
    architecture: "duoformer",
    config: (size) => ({
      img_size: size,
      backbone: "r18",
      backbone_config: { layers: [1, 1, 1, 1], channels: [16, 32, 64, 128], stem_channels: 16 },
      num_layers: 2,
      depth: 2,
      embed_dim: WIDTH.embed_dim,
      num_heads: WIDTH.num_heads,
    }),
    about: "the small ResNet's last two stages as scales, two blocks over scales and two over regions",
  },
  {
    name: "glsim",
    architecture: "glsim",
    config: (size) => ({
      image_size: size,
      patch_size: size / EIGHTH,
      hidden_size: WIDTH.embed_dim,
      intermediate_size: 4 * WIDTH.embed_dim,
      num_hidden_layers: WIDTH.depth - 1,
      num_attention_heads: WIDTH.num_heads,
      dynamic_top: 8,
      hidden_dropout_prob: 0,
    }),
    about: "64 tokens and 64 of a crop; three blocks and the aggregator",
  },
  {
    name: "lightcnn",
    architecture: "lightcnn",
    config: (size) => ({
      model: "LightCNN-9",
      channels: [16, 24, 48, 32, 32],
      img_size: size,
      feat_dim: 64,
      drop_rate: 0.2,
    }),
    about: "LightCNN-9 at a quarter of its width; it sees grey",
  },
  {
    name: "adaptivenn",
    architecture: "adaptivenn",
    config: (size) => ({
      image_size: size,
      glance_input_size: size / 2,
      focus_patch_size: size / 2,
      focus_net_reg_size: size / 2,
      patch_size: size / 16,
      embed_dim: 64,
      num_heads: 2,
      mlp_ratio: 2,
      glance_net_depth: 2,
      focus_net_depth: 1,
      remaining_blocks: 1,
      seq_len: 2,
      recover_n: 3,
      policy_net_hidden_chans: 16,
    }),
    about: "a glance and two fixations of half the side, 64 tokens each",
  },
];

/** The member of this name. */
export function memberNamed(name: string): Member {
  const member = MEMBERS.find((one) => one.name === name);
  if (member === undefined)
    throw new Error(`no family ${name} takes part: ${MEMBERS.map((one) => one.name).join(", ")}`);
  return member;
}
