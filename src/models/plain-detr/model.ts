// Plain DETR (Lin et al., "DETR Does Not Need Multi-Scale or Locality Design", ICCV 2023): queries read one map of a plain backbone, helped by nothing but where
// its cells lie to their boxes. Reproduces impiga/Plain-DETR, models/detr.py and models/transformer.py; names as there.
import {
  add,
  cast,
  concat,
  div,
  expand,
  less,
  mul,
  reduceMean,
  reduceSum,
  reshape,
  slice,
  stopGradient,
  sub,
  values,
} from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";
import { conv2d } from "../../nn/conv.ts";
import { groupNorm } from "../../nn/group-norm.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { linear } from "../../nn/linear.ts";
import type { Mode } from "../../nn/mode.ts";
import { tokensOf } from "../../nn/patch-embed.ts";
import { extentOf } from "../image-size.ts";
import { backboneMap } from "./backbone.ts";
import { changedPixels, movedShares } from "./boxes.ts";
import { memoryMap, type PlainDetrConfig } from "./config.ts";
import { apart, decoderLayer, type Memory } from "./decoder.ts";
import { boxHead, classHead, xavier } from "./heads.ts";
import { boxWaves, mapWaves } from "./positions.ts";
import { type Proposals, propose, type Seen } from "./proposals.ts";

export interface PlainDetrOptions {
  /** (N, 2) height and width of each picture, pixels: what is below and to the right of it is padding. Default: pictures are whole. */
  readonly sizes?: Tensor;
  /** Whether there is all that training learns from: earlier layers' answers, proposals, queries that are matched one to many. Default: in training. */
  readonly all?: boolean;
}

/** Queries of each kind, and how a prediction of each is called. */
const PREFIXES = ["", "many."] as const;
/** Added to the scores of padding. */
const PADDING = -100;

/**
 * image (N, 3, H, W) -> `logits` (N, Q, num_classes) and `boxes` (N, Q, 4), shares of the picture; `features` (N, channels), the mean of the map. In training also `aux.I.…` of earlier layers, `proposals.…` of all cells
 * and `many.…` of queries that are matched one to many; where boxes are changes of others, `deltas` and `references` (N, Q, 4), pixels, beside each `boxes`.
 */
export function plainDetr(
  scope: Scope,
  image: Tensor,
  config: PlainDetrConfig,
  mode: Mode,
  { sizes, all = mode.training }: PlainDetrOptions = {},
): Readonly<Record<string, Tensor>> {
  const map = backboneMap(scope, image, config, mode); // (N, channels, h, w)
  scope.layer("map", map);
  const input = scope.at("input_proj", 0);
  const channels = map.shape[1] as number;
  const projected = conv2d(input.at(0), map, config.hidden_dim, 1, {
    bias: true,
    weightInit: xavier(channels, config.hidden_dim),
  });
  const read = groupNorm(input.at(1), projected, 32); // (N, C, h, w)
  const seen = seenOf(scope.graph, config, sizes);
  const memory = memoryOf(scope, read, seen, config, sizes !== undefined);

  const counts = [config.num_queries_one2one, all ? config.num_queries_one2many : 0].filter((count) => count > 0);
  const queries = counts.reduce((a, b) => a + b);
  const proposals = propose(scope, read, seen, config, queries);
  const layers = decode(scope, memory, proposals, seen, counts, config);
  const shares = (boxes: Tensor) => (config.reparam ? inShares(boxes, config) : boxes);

  const outputs: Record<string, Tensor> = { features: reduceMean(map, [2, 3]) };
  layers.forEach((layer, i) => {
    const place = i === layers.length - 1 ? "" : `aux.${i}.`;
    if (place !== "" && !all) return;
    for (const [field, value] of Object.entries(layer)) {
      if (!all && (field === "deltas" || field === "references")) continue;
      apart(field === "boxes" ? shares(value) : value, counts).forEach((own, kind) => {
        outputs[`${PREFIXES[kind]}${place}${field}`] = own;
      });
    }
  });
  if (!all) return outputs;
  const { logits, boxes, deltas, references } = proposals;
  return {
    ...outputs,
    "proposals.logits": logits,
    "proposals.boxes": shares(boxes),
    "proposals.chosen": proposals.chosen,
    "proposals.places": proposals.places,
    ...(deltas === undefined ? {} : { "proposals.deltas": deltas }),
    ...(references === undefined ? {} : { "proposals.references": references }),
  };
}

interface LayerAnswer {
  readonly logits: Tensor;
  /** As the layers have them: shares, or pixels. */
  readonly boxes: Tensor;
  readonly deltas?: Tensor;
  readonly references?: Tensor;
}

/** The answers of all layers. */
function decode(
  scope: Scope,
  memory: Memory,
  { chosen, size }: Proposals,
  seen: Seen,
  counts: readonly number[],
  config: PlainDetrConfig,
): LayerAnswer[] {
  const transformer = scope.at("transformer");
  const { hidden_dim: width, reparam } = config;
  const n = chosen.shape[0] as Dim;
  const all = config.num_queries_one2one + config.num_queries_one2many;
  const queries = counts.reduce((a, b) => a + b);
  const content = slice(
    scope.at("query_embed").parameter("weight", [all, width], { kind: "normal", std: 1 }),
    0,
    0,
    queries,
  );
  const waves = boxWaves(chosen, width / 2); // (N, Q, 2 C)
  const both = linear(transformer.at("pos_trans"), waves, 2 * width, { weightInit: xavier(2 * width, 2 * width) });
  const positions = slice(layerNorm(transformer.at("pos_trans_norm"), both, 1e-5), 2, 0, width); // (N, Q, C)
  const decoder = transformer.at("decoder");
  let states = expand(reshape(content, [1, queries, width]), [n, queries, width]);
  let boxes = chosen;
  /** The same, through which gradients go: a layer's box teaches the one before it ("look forward twice"). */
  let taught = chosen;
  const answers: LayerAnswer[] = [];
  for (let i = 0; i < config.dec_layers; i++) {
    states = decoderLayer(
      decoder.at("layers", i),
      states,
      positions,
      inPixels(boxes, seen, config),
      memory,
      counts,
      config,
    );
    const normal = layerNorm(decoder.at("final_layer_norm"), states, 1e-5); // (N, Q, C)
    scope.layer(`states.${i + 1}`, normal);
    const change = boxHead(scope, i, normal);
    const moved = (from: Tensor) => (reparam ? changedPixels(from, change, size) : movedShares(from, change));
    answers.push({
      logits: classHead(scope, i, normal, config.num_classes),
      boxes: moved(taught),
      ...(reparam ? { deltas: change, references: taught } : {}),
    });
    taught = moved(boxes);
    boxes = stopGradient(taught);
  }
  return answers;
}

/** Boxes as layers have them -> what distances to cells are taken from. Shares are of what is seen of the map. */
function inPixels(boxes: Tensor, seen: Seen, config: PlainDetrConfig): Tensor {
  if (config.reparam) return boxes;
  const { stride } = memoryMap(config);
  const extents = [seen.columns, seen.rows].map((x) => mul(reduceSum(x, 1, { keepDims: true }), stride)); // (N or 1, 1)
  const size = concat([...extents, ...extents], 1);
  return mul(boxes, reshape(size, [size.shape[0]!, 1, 4]));
}

/** (…, 4) pixels -> shares of the picture. */
function inShares(boxes: Tensor, { img_size }: PlainDetrConfig): Tensor {
  const { height, width } = extentOf(img_size);
  return div(boxes, values(boxes.graph, [1, 1, 4], [width, height, width, height]));
}

/** Which rows and columns of the memory's map are no padding: a cell is what the pixel at its corner is. */
export function seenOf(graph: Graph, config: PlainDetrConfig, sizes: Tensor | undefined): Seen {
  const { height, width } = memoryMap(config);
  const whole = extentOf(config.img_size);
  const along = (axis: 0 | 1, cells: number, side: number) => {
    if (sizes === undefined) return values(graph, [1, cells], new Array<number>(cells).fill(1));
    const corners = Array.from({ length: cells }, (_, i) => Math.floor((i * side) / cells));
    return cast(less(values(graph, [1, cells], corners), slice(sizes, 1, axis, axis + 1)), "float32"); // (N, cells)
  };
  return { rows: along(0, height, whole.height), columns: along(1, width, whole.width) };
}

/** read (N, C, h, w) -> what the decoder's layers see of it. */
function memoryOf(scope: Scope, read: Tensor, seen: Seen, config: PlainDetrConfig, isPadded: boolean): Memory {
  const map = memoryMap(config);
  const { hidden_dim: width } = config;
  const counted = { rows: reduceSum(seen.rows, 1), columns: reduceSum(seen.columns, 1) }; // (N or 1)
  const waves = mapWaves(counted, map, width / 2, config.position_embedding === "sine"); // (N or 1, h * w, C)
  const level = scope.at("transformer").parameter("level_embed", [1, width], { kind: "normal", std: 1 });
  const memory = { tokens: tokensOf(read), positions: add(waves, reshape(level, [1, 1, width])) };
  if (!isPadded) return memory;
  const [n] = seen.rows.shape as [Dim];
  const inside = mul(reshape(seen.rows, [n, map.height, 1]), reshape(seen.columns, [n, 1, map.width]));
  const padding = mul(sub(1, inside), PADDING);
  return { ...memory, padding: reshape(padding, [n, 1, 1, map.height * map.width]) };
}
