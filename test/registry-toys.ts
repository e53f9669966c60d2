// How the registered models of an architecture become toys: the fields that make them narrow and shallow, and a picture size that tests odd
// cases. One entry an architecture; what does not depend on size must stay as registered.
import { printGraph } from "../src/graph/print.ts";
import { trace } from "../src/graph/scope.ts";
import { GFNET_BACKBONES, type GfnetBackbone } from "../src/models/gfnet/config.ts";
import { defineModel, registry } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { type SweepOptions, sweepInput } from "./registry-sweep.ts";

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

/** A quarter of the widths, half of the depth. */
function mobileToy(): SweepOptions {
  return { config: { channel_multiplier: 0.25, num_classes: 11 }, height: 61, width: 94 };
}

function efficientnetToy(): SweepOptions {
  return { config: { channel_multiplier: 0.25, depth_multiplier: 0.5, num_classes: 11 }, height: 61, width: 94 };
}

function densenetToy(): SweepOptions {
  return { config: { growth_rate: 8, block_config: [2, 3, 2, 2], num_classes: 11 }, height: 61, width: 94 };
}

function regnetToy(): SweepOptions {
  const line = { depth: 7, w0: 16, wa: 9, wm: 1.7, group_size: 8, stem_width: 8 };
  return { config: { ...line, num_classes: 11 }, height: 61, width: 94 };
}

function convnextToy(): SweepOptions {
  return { config: { depths: [1, 2, 1, 1], dims: [8, 16, 24, 32], num_classes: 11 }, height: 71, width: 94 };
}

function isotropicToy(): SweepOptions {
  return { config: { depth: 2, dim: 24, num_classes: 11 }, height: 71, width: 94 };
}

/** The second stage two blocks deep; widths that squeezing leaves a few channels of, so that not all of them are cut off. */
function spartanToy(): SweepOptions {
  const widths = { layer_depths: [1, 2, 1, 1], init_dim: 32, dims: [40, 48, 56], num_classes: 11 };
  return { config: widths, height: 61, width: 94 };
}

/** Heads of eight channels, two blocks, 3 x 5 patches, of which DynamicViT keeps 10 and then 7. */
function vitToy({ tokens }: Config): SweepOptions {
  const reduced = tokens === undefined ? {} : { tokens: "keep=0.7@0,1:dynamicvit" };
  const widths = { embed_dim: 24, num_heads: 3, depth: 2, num_classes: 11, drop_path_rate: 0.1 };
  return { config: { ...widths, ...reduced, patch_size: 8, img_size: [24, 40] }, height: 24, width: 40 };
}

/** A shifted block in the first stage; windows that do not fit the maps. */
function swinToy(): SweepOptions {
  const widths = { embed_dim: 12, depths: [2, 1, 1, 1], num_heads: [1, 2, 3, 4], num_classes: 11 };
  return { config: { ...widths, img_size: [60, 72] }, height: 60, width: 72 };
}

/** Windows that do not fit the map of 3 x 5 patches, and a block that sees all of it. */
function samToy(): SweepOptions {
  const widths = { embed_dim: 24, num_heads: 3, depth: 2, out_chans: 11, window_size: 2, global_attn_indexes: [1] };
  return { config: { ...widths, patch_size: 8, img_size: [24, 40] }, height: 24, width: 40 };
}

/** Two stages. */
function crossvitToy(): SweepOptions {
  const depth = [
    [1, 2, 0],
    [1, 1, 0],
  ];
  const widths = { embed_dim: [16, 24], num_heads: [2, 4], num_classes: 11, drop_path_rate: 0.1 };
  return { config: { ...widths, depth, img_size: [48, 96] }, height: 48, width: 96 };
}

/** Heads of eight channels, two blocks; 3 x 5 patches. */
function dhvtToy({ patch_size }: Config): SweepOptions {
  const widths = { embed_dim: 24, num_heads: 3, depth: 2, num_classes: 11, drop_path_rate: 0.1 };
  const [height, width] = [3 * (patch_size as number), 5 * (patch_size as number)];
  return { config: widths, height, width };
}

/** Heads of eight channels, two blocks, 1 x 2 regions. */
function duoformerToy(): SweepOptions {
  const backbone_config = { layers: [1, 1, 1, 1], channels: [8, 8, 12, 16], stem_channels: 8 };
  const widths = { embed_dim: 24, num_heads: 3, depth: 2, backbone_config, num_classes: 11 };
  return { config: { ...widths, drop_path_rate: 0.1, img_size: [32, 64] }, height: 32, width: 64 };
}

/** A toy of its backbone, and an eighth of the widths of policy and classifier. Their kinds stay. */
function gfnetToy(config: Config): SweepOptions {
  const family = Object.keys(toys).find((name) => (config.arch as string).startsWith(name))!;
  const { num_classes: _, ...backbone } = toys[family]!(config).config!;
  const recurrent = GFNET_BACKBONES[config.arch as GfnetBackbone].fc_rnn;
  const widths = { policy_hidden_dim: 32, ...(recurrent ? { fc_hidden_dim: 48 } : {}) };
  return {
    config: { ...widths, backbone, class_num: 11, patch_size: 33, image_size: 60, T: 2 },
    height: 60,
    width: 60,
  };
}

/** Heads of eight channels, two blocks before the state and one for each answer; two fixations. */
function adaptivennToy(): SweepOptions {
  const sizes = { image_size: 64, glance_input_size: 40, focus_patch_size: 32, focus_net_reg_size: 32, patch_size: 8 };
  const depths = { glance_net_depth: 2, focus_net_depth: 2, remaining_blocks: 1, seq_len: 2, recover_n: 3 };
  const widths = { embed_dim: 24, num_heads: 3, policy_net_hidden_chans: 4, num_classes: 11 };
  return { config: { ...sizes, ...depths, ...widths }, height: 64, width: 64 };
}

/** A toy of its backbone, by the family that the name begins with. */
function tsmToy(config: Config): SweepOptions {
  const family = Object.keys(toys).find((name) => (config.base_model as string).startsWith(name))!;
  const { num_classes: _, ...backbone } = toys[family]!(config).config!;
  return { config: { backbone, num_class: 11 }, height: 61, width: 94 };
}

/** Narrow backbones; three frames, of which the glance sees two, shrunk. */
function gfvToy(config: Config): SweepOptions {
  const { num_classes: _, ...glancer } = mobileToy().config!;
  const { num_classes: __, ...focuser } = resnetToy().config!;
  const clip = { num_segments_glancer: 2, num_segments_focuser: 3, input_size: 60, glance_size: 40, patch_size: 33 };
  return {
    config: { ...config, ...clip, glancer, focuser, hidden_state_dim: 16, num_classes: 11 },
    height: 60,
    width: 60,
  };
}

/** Two frames of six at a glance, and three of them closely; both networks as narrow as they come. */
function uniAdafocusToy(): SweepOptions {
  const frames = { num_glance_segments: 2, num_input_focus_segments: 6, num_focus_segments: 3 };
  const sizes = { input_size: 64, patch_size: 32, smallest_crop: 24 };
  const widths = {
    stn_hidden_dim: 8,
    temporal_hidden_dim: 8,
    global_backbone: { channel_multiplier: 0.1 },
    local_backbone: { layers: [1, 1, 1, 1], channels: [8, 8, 8, 16], stem_channels: 8 },
  };
  return { config: { ...frames, ...sizes, ...widths, num_class: 11 }, height: 64, width: 64 };
}

/** A head after each of three layers; 4 x 6 patches, some of which stop at once. */
/** A map of 15 x 18 patches, which windows of four do not fit; an encoder of three layers, so that a gate has a choice; two decoder layers. */
function mask2formerToy({ things: _, ...config }: Config): SweepOptions {
  const backbone = { embed_dim: 8, depths: [2, 1, 1, 1], num_heads: [1, 2, 2, 4], window_size: 4, drop_path_rate: 0.1 };
  const widths = { conv_dim: 32, mask_dim: 8, nheads: 4, points: 2, encoder_ffn: 16, decoder_ffn: 16 };
  const depths = { encoder_layers: 3, decoder_layers: 2, num_queries: 6, num_classes: 5 };
  const changed = { ...config, ...widths, ...depths, backbone, things: [0, 1], img_size: [60, 72] };
  return { config: changed, height: 60, width: 72 };
}

function dtopToy({ backbone, head, thresh, ...config }: Config): SweepOptions {
  const layers = {
    patch_size: 8,
    embed_dims: 24,
    num_layers: 3,
    num_heads: 3,
    out_indices: [0, 1, 2],
    drop_path_rate: 0.1,
  };
  const heads = { channels: 12, num_heads: 2, layers_per_decoder: 2 };
  const sizes = { img_size: [32, 48], num_classes: 5, backbone: layers, head: heads, thresh: 0.25 };
  return { config: { ...config, ...sizes }, height: 32, width: 48 };
}

/** Heads of eight channels, two blocks, 4 x 4 patches, a crop around three of them. */
function glsimToy(): SweepOptions {
  const widths = { hidden_size: 24, intermediate_size: 48, num_attention_heads: 3, num_hidden_layers: 2 };
  const sizes = { patch_size: 8, image_size: 32, dynamic_top: 3, num_classes: 11 };
  return { config: { ...widths, ...sizes, sd: 0.1 }, height: 32, width: 32 };
}

/** A twelfth of the widths; a residual block less in all stages but the first. */
function lightcnnToy(config: Config): SweepOptions {
  const widths = { channels: [4, 8, 16, 12, 12], layers: [1, 1, 2, 3], feat_dim: 10, img_size: 32 };
  return { config: { ...widths, ...(config.num_classes === 0 ? {} : { num_classes: 11 }) }, height: 32, width: 32 };
}

/** A toy of its backbone; two of ten regions, six filters. */
function gaborToy(): SweepOptions {
  const { num_classes: _, ...backbone_config } = resnetToy().config!;
  const texture = {
    region_scales: [1, 2],
    num_regions: 2,
    region_size: 20,
    num_filters: 6,
    kernel_size: 7,
    num_bins: 4,
  };
  return { config: { ...texture, backbone_config, num_classes: 11, img_size: [64, 72] }, height: 64, width: 72 };
}

/** Three angles, and a head, so that there is something to learn. */
function scatteringToy(): SweepOptions {
  return { config: { J: 2, L: 3, shape: [20, 26], num_classes: 11 }, height: 20, width: 26 };
}

/** Three levels of 16 channels; candidates are chosen, and SEPC's maps lose cells and have some left. */
function singleStageToy({ neck, head, sepc = null, bvr = null, ...config }: Config): SweepOptions {
  const groups = (of: unknown) => ((of as Config | undefined)?.norm_groups == null ? null : 4);
  const toy = {
    backbone: "resnet18",
    backbone_config: { layers: [1, 1, 1, 1], channels: [8, 8, 12, 16], stem_channels: 8 },
    neck: { ...(neck as Config), out_channels: 16, num_outs: 4, norm_groups: groups(neck) },
    head: { ...(head as Config), feat_channels: 16, norm_groups: groups(head) },
    sepc: sepc === null ? null : { ...sepc, Pconv_num: 2 },
    bvr:
      bvr === null
        ? null
        : {
            ...bvr,
            feat_channels: 16,
            norm_groups: groups({ norm_groups: 1, ...bvr }),
            num_attn_heads: 2,
            base_size: [20, 24],
            cross_level_topk: 12,
          },
  };
  return { config: { ...config, ...toy, img_size: [192, 224], num_classes: 5, nms_pre: 20 }, height: 192, width: 224 };
}

function rotnetToy({ arch }: Config): SweepOptions {
  const blocks = [
    [6, 5, 4],
    [6, 6, 6],
  ];
  if (arch !== "AlexNet") return { config: { blocks, num_classes: 11 }, height: 29, width: 38 };
  return { config: { convs: [6, 8, 10, 8, 8], hidden: 12, input_size: 95, num_classes: 11 }, height: 95, width: 95 };
}

/** Three blocks, the last of which reads the first. */
function terminatorToy(): SweepOptions {
  const blocks = { bottleneck_factors: [2, 2, 1], global_layers: [3, 2, 2], previous: [0, 0, 1] };
  return { config: { ...blocks, size: 8, gibs_groups: 3, num_classes: 11 }, height: 8, width: 8 };
}

/** Two blocks of two heads; every token is in one of two texts. */
function clipTextToy(): SweepOptions {
  const widths = { embed_dim: 11, transformer_width: 24, transformer_heads: 2, transformer_layers: 2 };
  return { config: { ...widths, context_length: 9, vocab_size: 13 } };
}

/** Two windows by four at half the size. VGG-19, which nothing here narrows, has a test of its own. */
function rrformerToy(): SweepOptions {
  const widths = { n_feats: 8, embed_dim: 12, depths: [2, 1], num_heads: [2, 3], drop_path_rate: 0.1 };
  return { config: { ...widths, hypercolumn: false, img_size: [32, 64] }, height: 32, width: 64 };
}

/** Two blocks in the second stage of both branches; 4 x 6 patches. */
function paratranscnnToy(): SweepOptions {
  const stages = { dim: 24, heads: 3, depth: [1, 2, 1], channels: [8, 24, 40, 32], layers: [1, 2, 1, 1] };
  const widths = { ...stages, num_classes: 5 };
  return { config: { ...widths, img_size: [16, 32] }, height: 16, width: 32 };
}

/** Shifted windows in the third stage, and the whole map in the fourth; two kinds of queries. */
function plainDetrToy({ backbone, ...config }: Config): SweepOptions {
  const body = {
    ...(backbone as Config),
    ...{
      embed_dim: 8,
      depths: [1, 1, 2, 1],
      num_heads: [1, 1, 2, 4],
      window_size: 4,
      global_blocks: [[], [], [], [0]],
    },
  };
  const sizes = { img_size: [64, 96], num_classes: 5, proposal_min_size: 7, decoder_rpe_hidden_dim: 12 };
  const widths = { hidden_dim: 32, nheads: 4, dec_layers: 2, dim_feedforward: 40 };
  const queries = { num_queries_one2one: 7, num_queries_one2many: 6 };
  return { config: { ...config, backbone: body, ...sizes, ...widths, ...queries }, height: 64, width: 96 };
}

/** Windows of 2 x 2, moved in the first stage alone. */
function facexformerToy(): SweepOptions {
  const widths = { embed_dim: 8, depths: [2, 1, 1, 1], num_heads: [1, 2, 4, 4], window_size: 2, drop_path_rate: 0.1 };
  const decoder = { transformer_dim: 16, decoder_heads: 2, mlp_dim: 24 };
  return { config: { ...widths, ...decoder, img_size: 64 }, height: 64, width: 64 };
}

/** By architecture name. */
export const toys: Readonly<Record<string, (config: Config) => SweepOptions>> = {
  sparseformer: sparseformerToy,
  media_sparseformer: sparseformerToy,
  clip_text: clipTextToy,
  sparse_detector: () => ({
    config: { width: 64, conv_dim: 16, num_latent_tokens: 9, looks: 2, num_classes: 7, generator_width: 16 },
    height: 61,
    width: 94,
  }),
  resnet: resnetToy,
  regnet: regnetToy,
  mobilenetv2: mobileToy,
  mobilenetv3: mobileToy,
  efficientnet: efficientnetToy,
  densenet: densenetToy,
  convnext: convnextToy,
  convnext_isotropic: isotropicToy,
  spartan: spartanToy,
  vit: vitToy,
  swin: swinToy,
  swinv2: swinToy,
  swin_mlp: swinToy,
  sam: samToy,
  crossvit: crossvitToy,
  dhvt: dhvtToy,
  duoformer: duoformerToy,
  gfnet: gfnetToy,
  adaptivenn: adaptivennToy,
  tsm: tsmToy,
  gfv: gfvToy,
  uni_adafocus: uniAdafocusToy,
  dtop: dtopToy,
  mask2former: mask2formerToy,
  glsim: glsimToy,
  lightcnn: lightcnnToy,
  gabor: gaborToy,
  terminator: terminatorToy,
  scattering: scatteringToy,
  rotnet: rotnetToy,
  rrformer: rrformerToy,
  facexformer: facexformerToy,
  paratranscnn: paratranscnnToy,
  single_stage: singleStageToy,
  plain_detr: plainDetrToy,
  lightweight: () => ({ config: { channels: [3, 4, 5, 6], hidden: 6, num_classes: 11 }, height: 18, width: 20 }),
};

/** The toy of a registered model. */
export function toyOf(name: string): SweepOptions {
  const { architecture, config } = registry.get(name)!;
  const toy = toys[architecture];
  if (toy === undefined) throw new Error(`test/registry-toys.ts has no toy for the architecture ${architecture}`);
  return toy(config);
}

/** What a toy computes, as text. Drop-path rates and preprocessing are no part of it. */
function graphText(name: string): string {
  const toy = toyOf(name);
  const definition = defineModel(name, toy.config);
  const { name: input, value } = sweepInput(definition, toy);
  const graph = trace((scope) =>
    definition.architecture.build(
      scope,
      scope.graph.input(input, value.shape, value.dtype),
      definition.config,
      Mode.training(),
    ),
  );
  return printGraph(graph);
}

/** Many registered models are one toy: the name of one model for each. */
export function distinctToys(): string[] {
  return [...new Map([...registry.keys()].map((name) => [graphText(name), name])).values()];
}
