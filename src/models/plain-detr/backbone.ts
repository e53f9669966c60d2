// Swin v2 as Plain DETR has it: windows keep their size on maps that they do not fit, blocks of the last stage see all of the map, and one map comes out.
// Reproduces impiga/Plain-DETR, models/swin_transformer_v2.py and models/backbone.py; names as there.
import { add, gelu, pad, reshape, transpose } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";
import { channelsOf, conv2d } from "../../nn/conv.ts";
import { convTranspose2d } from "../../nn/conv-transpose.ts";
import { cosineAttention } from "../../nn/cosine-attention.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedWidth, linear } from "../../nn/linear.ts";
import { mlp } from "../../nn/mlp.ts";
import type { Mode } from "../../nn/mode.ts";
import { patchEmbed, tokensOf } from "../../nn/patch-embed.ts";
import { shiftMask } from "../../nn/shifted-windows.ts";
import { risingRates } from "../../nn/transformer-block.ts";
import { bySquare, byWindowOfPadded, mapOfWindows, type Order, Reordering, rowByRow } from "../../nn/windows.ts";
import { type Extent, extentOf } from "../image-size.ts";
import type { PlainDetrConfig } from "./config.ts";

const PATCH = 4;
/** Of the backbone's layer normalisations. */
const EPSILON = 1e-6;
/** Of those of maps (models/utils.py LayerNorm2D). */
const MAP_EPSILON = 1e-5;
/** Added to the lengths of queries and keys. */
const LENGTH_MARGIN = 5e-5;
const ZEROS = { kind: "zeros" } as const;

type BackboneConfig = PlainDetrConfig["backbone"];

/** image (N, 3, H, W) -> the last stage's map, upsampled: (N, channels, h, w). `scope`: the model's. */
export function backboneMap(scope: Scope, image: Tensor, config: PlainDetrConfig, mode: Mode): Tensor {
  const backbone = scope.at("backbone", 0);
  const body = swinMap(backbone.at("net", "body"), image, config, mode, (stage, tokens) =>
    scope.layer(`stage.${stage}`, tokens),
  );
  return resampled(backbone.at("upsample"), body, Math.log2(config.upsample_stride / 32), 2);
}

/** image (N, 3, H, W) -> (N, 8 * embed_dim, H / 32, W / 32), sizes rounded up. */
function swinMap(
  scope: Scope,
  image: Tensor,
  { img_size, backbone }: PlainDetrConfig,
  mode: Mode,
  seeStage: (stage: number, tokens: Tensor) => void,
): Tensor {
  const size = extentOf(img_size);
  const missing = (side: number) => Math.ceil(side / PATCH) * PATCH - side;
  const padded = pad(image, [0, 0, 0, 0], [0, 0, missing(size.height), missing(size.width)]);
  const stem = scope.at("patch_embed");
  const patches = patchEmbed(stem, padded, backbone.embed_dim, PATCH); // (N, embed_dim, H / 4, W / 4)
  let map: Extent = { height: Math.ceil(size.height / PATCH), width: Math.ceil(size.width / PATCH) };
  let tokens = layerNorm(stem.at("norm"), tokensOf(patches), EPSILON); // (N, h * w, embed_dim)
  const reordering = new Reordering(scope.graph);
  const rates = risingRates(
    backbone.depths.reduce((a, b) => a + b, 0),
    backbone.drop_path_rate,
  );
  let done = 0;
  backbone.depths.forEach((depth, stage) => {
    const layer = scope.at("layers", stage);
    const rows = rowByRow(map);
    const windows = cutIntoWindows(scope.graph, map, backbone.window_size);
    for (let block = 0; block < depth; block++) {
      const place = { stage, index: block, map, rows, windows, dropPath: rates[done++]!, reordering };
      tokens = swinBlock(layer.at("blocks", block), tokens, place, backbone, mode);
    }
    seeStage(stage + 1, tokens);
    if (stage === 3) return;
    const next = { height: Math.ceil(map.height / 2), width: Math.ceil(map.width / 2) };
    const squares = reordering.to(bySquare(map), { tokens, order: rows }); // (N, 4 * cells, C)
    const four = reshape(squares, [tokens.shape[0]!, next.height * next.width, 4 * fixedWidth(tokens)]);
    const down = layer.at("downsample");
    const merged = linear(down.at("reduction"), four, 2 * fixedWidth(tokens), { bias: false });
    tokens = layerNorm(down.at("norm"), merged, EPSILON); // (N, cells, 2 C)
    map = next;
  });
  const normal = layerNorm(scope.at("norm3"), tokens, EPSILON); // (N, h * w, 8 * embed_dim)
  return mapOf(normal, map);
}

interface Place {
  readonly stage: number;
  /** Of the stage. */
  readonly index: number;
  readonly map: Extent;
  readonly rows: Order;
  readonly windows: StageWindows;
  readonly dropPath: number;
  readonly reordering: Reordering;
}

/** tokens (N, h * w, width), row by row -> the same. Each half is normalised before it is added, and begins as nothing. */
function swinBlock(scope: Scope, tokens: Tensor, place: Place, config: BackboneConfig, mode: Mode): Tensor {
  return scope.run(() => {
    const added = (x: Tensor, norm: "norm1" | "norm2", update: Tensor) => {
      const normal = layerNorm(scope.at(norm), update, EPSILON, ZEROS);
      return add(x, mode.dropPath(x.graph, normal, place.dropPath, x.shape[0]!));
    };
    const mixed = added(tokens, "norm1", amongNeighbours(scope.at("attn"), tokens, place, config));
    return added(mixed, "norm2", mlp(scope.at("mlp"), mixed, { ratio: config.mlp_ratio }));
  });
}

/** tokens (N, h * w, width), row by row -> the same shape: attention in windows, of which every second block's are moved by half, or over the whole map. */
function amongNeighbours(scope: Scope, tokens: Tensor, place: Place, config: BackboneConfig): Tensor {
  const { stage, index, map, rows, windows, reordering } = place;
  const options = {
    heads: config.num_heads[stage]!,
    pretrained: config.pretrained_window_sizes[stage]!,
    lengthMargin: LENGTH_MARGIN,
  };
  if (config.global_blocks[stage]!.includes(index)) return cosineAttention(scope, tokens, { ...options, window: map });
  const isMoved = index % 2 === 1;
  const order = isMoved ? windows.moved() : windows.still();
  const read = reordering.to(order, { tokens, order: rows }); // (N, windows * area, width), zeros where windows stick out
  const mask = isMoved ? windows.mask() : undefined;
  const mixed = cosineAttention(scope, read, {
    ...options,
    ...(mask === undefined ? {} : { mask }),
    window: windows.window,
  });
  return reordering.to(rows, { tokens: mixed, order });
}

/** How a stage's map is cut into windows: the map is filled up before it is rolled, so that what fills it up moves along. Made when first asked for. */
interface StageWindows {
  readonly window: Extent;
  still(): Order;
  moved(): Order;
  /** What the moved windows are to keep apart; undefined where they are too small to be moved. */
  mask(): Tensor | undefined;
}

function cutIntoWindows(graph: Graph, map: Extent, side: number): StageWindows {
  const window = { height: side, width: side };
  const by = Math.floor(side / 2);
  const shift = { height: by, width: by };
  const still = once(() => byWindowOfPadded(map, window, { height: 0, width: 0 }));
  return {
    window,
    still,
    moved: by === 0 ? still : once(() => byWindowOfPadded(map, window, shift)),
    mask: once(() => (by === 0 ? undefined : shiftMask(graph, mapOfWindows(map, window, window), window, shift))),
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/**
 * A map with half as many cells each way, or twice as many, so many `times` (negative: smaller strides, larger maps). Between two steps channels are normalised and go
 * through GELU. `narrowing`: by what each upsampling divides the channels.
 */
export function resampled(scope: Scope, map: Tensor, times: number, narrowing = 1): Tensor {
  const steps = Math.abs(times);
  let x = map;
  for (let step = 0; step < steps; step++) {
    // Three modules a step: convolution, normalisation, activation.
    x = resampledOnce(scope.at(3 * step), x, times > 0, narrowing);
    if (step === steps - 1) break;
    const [height, width] = x.shape.slice(2) as [number, number];
    x = mapOf(gelu(layerNorm(scope.at(3 * step + 1, "ln"), tokensOf(x), MAP_EPSILON)), { height, width });
  }
  return x;
}

function resampledOnce(scope: Scope, x: Tensor, smaller: boolean, narrowing: number): Tensor {
  const channels = channelsOf(x) / narrowing;
  const bound = Math.sqrt(6 / (4 * (channels + channelsOf(x))));
  const weightInit = { kind: "uniform", low: -bound, high: bound } as const;
  if (!smaller) return convTranspose2d(scope, x, channels, 2, narrowing === 1 ? { weightInit } : {});
  return conv2d(scope, x, channels, 2, { stride: 2, padding: 0, bias: true, weightInit });
}

/** tokens (N, h * w, C), row by row -> (N, C, h, w). */
export function mapOf(tokens: Tensor, { height, width }: Extent): Tensor {
  const [n, , channels] = tokens.shape as [Dim, Dim, number];
  return reshape(transpose(tokens, [0, 2, 1]), [n, channels, height, width]);
}
