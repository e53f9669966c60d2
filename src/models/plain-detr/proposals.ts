// Where Plain DETR begins to look: every cell of four maps, made of the one that the backbone gives, proposes a box; the likeliest become the boxes of the queries.
// Reproduces impiga/Plain-DETR, models/transformer.py.
import {
  add,
  and,
  cast,
  concat,
  div,
  expand,
  gather,
  gatherElements,
  greater,
  less,
  log,
  mul,
  reduceMax,
  reduceSum,
  reshape,
  sigmoid,
  slice,
  stopGradient,
  sub,
  topK,
  values,
  where,
  wholes,
} from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Graph, Tensor } from "../../graph/tensor.ts";
import { layerNorm } from "../../nn/layer-norm.ts";
import { fixedDim, linear } from "../../nn/linear.ts";
import { tokensOf } from "../../nn/patch-embed.ts";
import { resampled } from "./backbone.ts";
import { changedPixels } from "./boxes.ts";
import { type MapGeometry, memoryMap, type PlainDetrConfig, proposalMaps } from "./config.ts";
import { boxHead, classHead, xavier } from "./heads.ts";

/** Where pictures are in the memory's map: (N, h) and (N, w), 1 for rows and columns that are no padding; N is 1 where all pictures are whole. */
export interface Seen {
  readonly rows: Tensor;
  readonly columns: Tensor;
}

export interface Proposals {
  /** (N, S, classes), (N, S, 4): of all cells, boxes as the layers have them. */
  readonly logits: Tensor;
  readonly boxes: Tensor;
  /** (N, S, 4) each: of boxes that are changes of others. */
  readonly deltas?: Tensor;
  readonly references?: Tensor;
  /** (N, Q, 4): the likeliest, the first the likeliest. No gradient goes through. */
  readonly chosen: Tensor;
  /** (N, Q) int64, which cells they are. */
  readonly places: Tensor;
  /** (N or 1, 1, 2): width and height that boxes in pixels are cut off at. */
  readonly size: Tensor;
}

/** Before the sigmoid, what is as good as 1; official code has infinity. */
const SURELY = 1e4;
/** Boxes that lie nearer to an edge, in shares of the picture, propose nothing. */
const MARGIN = 0.01;
/** Size of the smallest proposals, in shares of the picture; those of each further map are twice as large. */
const SMALLEST = 0.05;

/** map (N, C, h, w) -> proposals, of which `count` are chosen. `scope`: the model's. */
export function propose(scope: Scope, map: Tensor, seen: Seen, config: PlainDetrConfig, count: number): Proposals {
  const transformer = scope.at("transformer");
  const steps = (stride: number) => Math.log2(stride / memoryMap(config).stride);
  const tokens = proposalMaps(config).map(({ stride }, level) =>
    tokensOf(resampled(transformer.at("enc_output_proj", level), map, steps(stride))),
  );
  const memory = concat(tokens, 1); // (N, S, C)
  const first = firstBoxes(scope.graph, seen, config);
  const width = fixedDim(memory, 2);
  const valid = mul(memory, cast(first.valid, "float32"));
  const projected = linear(transformer.at("enc_output"), valid, width, { weightInit: xavier(width, width) });
  const states = layerNorm(transformer.at("enc_output_norm"), projected, 1e-5); // (N, S, C)

  const logits = classHead(scope, config.dec_layers, states, config.num_classes); // (N, S, classes)
  const change = boxHead(scope, config.dec_layers, states); // (N, S, 4)
  const boxes = config.reparam ? changedPixels(first.boxes, change, first.size) : sigmoid(add(first.boxes, change));
  const places = topK(slice(logits, 2, 0, 1), count, 1); // (N, Q, 1)
  const n = memory.shape[0]!;
  return {
    logits,
    boxes,
    ...(config.reparam ? { deltas: change, references: expand(first.boxes, change.shape) } : {}),
    chosen: gatherElements(stopGradient(boxes), expand(places, [n, count, 4]), 1),
    places: reshape(places, [n, count]),
    size: first.size,
  };
}

interface FirstBoxes {
  /** (N or 1, S, 4): before the sigmoid, or in pixels. */
  readonly boxes: Tensor;
  /** (N or 1, S, 1) bool: whether the cell may propose anything. */
  readonly valid: Tensor;
  /** (N or 1, 1, 2) */
  readonly size: Tensor;
}

/** A box around each cell. */
function firstBoxes(graph: Graph, seen: Seen, config: PlainDetrConfig): FirstBoxes {
  const maps = proposalMaps(config);
  const levels = maps.map((map) => seenAt(seen, memoryMap(config), map));
  const [n, extents] = [
    seen.rows.shape[0] as Dim,
    levels.map(({ rows, columns }) => [total(columns), total(rows)] as const),
  ];
  // In pixels a picture ends where it ends on the first map.
  const [wide, high] = extents[0]!.map((cells) => mul(cells, maps[0]!.stride)) as [Tensor, Tensor]; // (N, 1)
  const size = reshape(concat([wide, high], 1), [n, 1, 2]);
  const boxes = maps.map((map, level) => {
    const side = (config.reparam ? config.proposal_min_size : SMALLEST) * 2 ** level;
    const along = (cells: number, count: Tensor) => {
      const middles = values(
        graph,
        [1, cells],
        Array.from({ length: cells }, (_, i) => i + 0.5),
      );
      return config.reparam ? mul(middles, map.stride) : div(middles, count); // (N or 1, cells)
    };
    return grid(along(map.width, extents[level]![0]), along(map.height, extents[level]![1]), side, n);
  });
  const all = concat(boxes, 1); // (N, S, 4)
  const whole = config.reparam ? concat([size, size], 2) : 1;
  const inside = and(
    greater(all, config.reparam ? mul(whole as Tensor, MARGIN) : MARGIN),
    less(all, config.reparam ? mul(whole as Tensor, 1 - MARGIN) : 1 - MARGIN),
  );
  const unpadded = concat(
    levels.map(({ rows, columns }) => {
      const [h, w] = [fixedDim(rows, 1), fixedDim(columns, 1)];
      return reshape(mul(reshape(rows, [n, h, 1]), reshape(columns, [n, 1, w])), [n, h * w, 1]);
    }),
    1,
  );
  const valid = greater(mul(sub(0, reduceMax(sub(0, cast(inside, "float32")), 2, { keepDims: true })), unpadded), 0.5);
  const { height, width, stride } = maps[0]!;
  const none = config.reparam ? Math.max(height, width) * stride : SURELY;
  const squashed = config.reparam ? all : log(div(all, sub(1, where(valid, all, 0.5))));
  return { boxes: where(valid, squashed, none), valid, size };
}

/** (N, cells) -> (N, 1) */
const total = (seen: Tensor): Tensor => reduceSum(seen, 1, { keepDims: true });

/** x (N or 1, w), y (N or 1, h) -> (N, h * w, 4): squares around them. */
function grid(x: Tensor, y: Tensor, side: number, n: Dim): Tensor {
  const [w, h] = [fixedDim(x, 1), fixedDim(y, 1)];
  const whole = [n, h, w, 1];
  const [wide, high] = [
    expand(reshape(x, [x.shape[0]!, 1, w, 1]), whole),
    expand(reshape(y, [y.shape[0]!, h, 1, 1]), whole),
  ];
  const sides = expand(values(x.graph, [1, 1, 1, 2], [side, side]), [n, h, w, 2]);
  return reshape(concat([wide, high, sides], 3), [n, h * w, 4]);
}

/** What of another map is no padding: its cells read the nearest of the memory's, as PyTorch's interpolate() does. */
function seenAt(seen: Seen, memory: MapGeometry, map: MapGeometry): Seen {
  const along = (x: Tensor, from: number, to: number) => {
    if (from === to) return x;
    const nearest = Array.from({ length: to }, (_, i) => Math.floor((i * from) / to));
    return gather(x, wholes(x.graph, nearest), 1);
  };
  return { rows: along(seen.rows, memory.height, map.height), columns: along(seen.columns, memory.width, map.width) };
}
