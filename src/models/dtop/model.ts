// DToP (Tang et al., ICCV 2023): a plain vision transformer for segmentation whose tokens stop as soon as a head on the way is sure of them.
// Reproduces zbwxp/Dynamic-Token-Pruning, mmseg_custom/backbone/vit_prune.py and decode_heads/prune_head.py.
import {
  add,
  cast,
  concat,
  div,
  expand,
  mul,
  reduceMean,
  reshape,
  resize,
  scalar,
  sigmoid,
  slice,
  softmax,
  sub,
  transpose,
} from "../../graph/build.ts";
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { Mode } from "../../nn/mode.ts";
import { risingRates } from "../../nn/transformer-block.ts";
import { extentOf, gridOf } from "../image-size.ts";
import { embedPatches, layer } from "./backbone.ts";
import { type DtopConfig, thresholdOf } from "./config.ts";
import { atPlaces, type Form, type Going, sumOf, unseen, withoutStopped } from "./going.ts";
import { type HeadAnswer, head } from "./head.ts";
import { stopping } from "./pruning.ts";

/**
 * image (N, 3, H, W) -> `logits` (N, num_classes, H, W), how sure it is of each class at each pixel, in 0..1; `features` (N, embed_dims), the mean of
 * all tokens as each was last; `exit.I.logits` (N, num_classes, h, w), what the heads before the last one say at each patch. Where tokens may stop also
 * `exits` (N, h, w), the number of the head after which each of them did, from 0, and `tokens_left` (N, heads - 1), the share that went on after each.
 */
export function dtop(
  scope: Scope,
  image: Tensor,
  config: DtopConfig,
  mode: Mode,
  form: Form = mode.training ? "masked" : "gathered",
): Readonly<Record<string, Tensor>> {
  const { out_indices: exits, num_layers, drop_path_rate, patch_size } = config.backbone;
  const grid = gridOf(config.img_size, patch_size);
  const places = grid.height * grid.width;
  const n = image.shape[0]!;
  const asMap = (x: Tensor) => reshape(x, [n, x.shape[1]!, grid.height, grid.width]); // of (N, rows, places)

  const backbone = scope.at("backbone");
  let going: Going = { tokens: embedPatches(backbone, image, config) };
  let canvas: Tensor | 0 = 0; // (N, num_classes, places): masks, of those that stopped as they were then
  const maps: Tensor[] = []; // (N, num_classes, h, w), a head
  const sums: Tensor[] = []; // (N, embed_dims), of tokens that stopped
  const gone: (Tensor | undefined)[] = []; // (N, places), bool, after each head but the last

  for (const [i, dropPath] of risingRates(num_layers, drop_path_rate).entries()) {
    const options = { dropPath, mode, unseen: unseen(going) };
    going = { ...going, tokens: layer(backbone.at("layers", i), going.tokens, config, options) };
    const exit = exits.indexOf(i);
    if (exit < 0) continue;
    const isLast = exit === exits.length - 1;
    const at = isLast ? scope.at("decode_head") : scope.at("auxiliary_head", exit);
    const answer = head(at, going.tokens, options.unseen, config, mode);
    canvas = atPlaces(going, answer.masks, canvas);
    maps.push(asMap(certainty(answer, canvas)));

    const seen = { going, canvas };
    // As the official backbone gives it, where tokens that stopped are zero.
    scope.layer(`stage.${exit + 1}`, () => asMap(atPlaces(seen.going, transpose(seen.going.tokens, [0, 2, 1]), 0)));
    at.layer("masks", () => asMap(seen.canvas));
    at.layer("classes", answer.classes);
    if (isLast) break;

    const threshold = thresholdOf(config, exit);
    if (threshold < 1) {
      const stops = stopping(certainty(answer, answer.masks), threshold, going.alive, places);
      sums.push(sumOf(going.tokens, stops));
      going = withoutStopped(going, stops, form, `left_${exit}`);
    }
    gone.push(going.gone);
  }

  const { height, width } = extentOf(config.img_size);
  const total = [...sums, sumOf(going.tokens, going.alive)].reduce((a, b) => add(a, b)); // (N, embed_dims)
  return {
    logits: resize(maps.at(-1)!, [height, width], "linear"),
    features: div(total, places),
    ...Object.fromEntries(maps.slice(0, -1).map((map, exit) => [`exit.${exit}.logits`, map])),
    ...whereStopped(gone, asMap),
  };
}

/** How sure a head is that a class is there and that a token is of it: masks (N, num_classes, tokens) -> the same shape, in 0..1. */
function certainty({ classes }: HeadAnswer, masks: Tensor): Tensor {
  return mul(slice(softmax(classes), 2, 0, 1), sigmoid(masks));
}

/** Nothing where no token can stop. @param gone (N, places), bool, after each head; undefined where none has stopped by then */
function whereStopped(
  gone: readonly (Tensor | undefined)[],
  asMap: (x: Tensor) => Tensor,
): Readonly<Record<string, Tensor>> {
  const some = gone.find((value) => value !== undefined);
  if (some === undefined) return {};
  const { graph, shape } = some;
  const goesOn = gone.map((value) =>
    value === undefined ? expand(scalar(graph, 1), shape) : sub(1, cast(value, "float32")),
  ); // (N, places)
  const passed = goesOn.reduce((a, b) => add(a, b));
  const map = asMap(reshape(passed, [shape[0]!, 1, shape[1]!]));
  return {
    exits: reshape(map, [map.shape[0]!, ...map.shape.slice(2)]),
    tokens_left: concat(
      goesOn.map((value) => reduceMean(value, 1, { keepDims: true })),
      1,
    ),
  };
}
