// Mask2Former (Cheng et al., "Masked-attention Mask Transformer for Universal Image Segmentation", CVPR 2022), and ECO-M2F (Yao et al., 2024), whose encoder stops early
// where a picture needs no more. Reproduces facebookresearch/Mask2Former, mask2former/modeling/meta_arch/mask_former_head.py.
import type { Scope } from "../../graph/scope.ts";
import type { Tensor } from "../../graph/tensor.ts";
import type { MapSize } from "../../nn/deform-attention.ts";
import type { Mode } from "../../nn/mode.ts";
import type { StageInputs } from "../architecture.ts";
import { extentOf } from "../image-size.ts";
import { normalizedImage, type Pictures } from "../pixels.ts";
import { exitsOf, FIRST_EXIT, type HeadConfig, type Mask2formerConfig } from "./config.ts";
import { decode, type Prediction } from "./decoder.ts";
import {
  type DecoderInput,
  encoderLayer,
  encoderPositions,
  finishPixels,
  gate,
  projectMaps,
  sizeOfMap,
  tokensAtExit,
} from "./pixel-decoder.ts";
import { swinMaps } from "./swin.ts";

/** What names of the gate's parameters begin with. */
export const GATE = "sem_seg_head.pixel_decoder.transformer.encoder.gt.";

/** image (N, 3, H, W) -> class_logits (N, num_queries, num_classes + 1) and mask_logits (N, num_queries, H / 4, W / 4). */
export function mask2former(scope: Scope, image: Tensor, config: Mask2formerConfig, mode: Mode) {
  const maps = swinMaps(scope.at("backbone"), image, config, mode);
  return mask2formerHead(scope.at("sem_seg_head"), maps, config, mode);
}

/**
 * All that is behind the backbone, of any backbone with maps at a fourth, an eighth, a sixteenth and a thirty-second of the picture's sides. With a gate, every
 * picture is answered for as if the encoder had stopped where the gate says; here all layers are computed.
 *
 * In training no gate chooses: all layers are run, `aux.I.class_logits` and `aux.I.mask_logits` are what was said before each decoder layer, and with `early.K.`
 * before these names what would have been said after K encoder layers.
 *
 * @param maps (N, channels, h, w), the largest first
 */
export function mask2formerHead(
  scope: Scope,
  maps: readonly Tensor[],
  config: HeadConfig,
  mode: Mode,
): Record<string, Tensor> {
  const { after, projected, sizes, finished } = encodeMaps(scope, maps, config);
  const said = config.gate === true ? gate(scope.at("pixel_decoder"), projected, sizes, config) : undefined;
  const chooses = said !== undefined && after.length > 1 && !mode.training;
  const own = chooses ? tokensAtExit(after, said.exit) : after.at(-1)!;
  const input = finished(own);
  scope.layer("mask_features", input.maskFeatures);
  const predictions = decode(scope.at("predictor"), input, config);
  predictions.forEach(({ classLogits }, i) => {
    scope.layer(`decoder.${i}`, classLogits);
  });
  return {
    ...answerOf(predictions.at(-1)!),
    ...(said === undefined ? {} : { gate_logits: said.logits, exit: said.exit }),
    ...(mode.training ? auxiliary(predictions.slice(0, -1)) : {}),
    ...(mode.training ? earlyAnswers(scope, after.slice(0, -1).map(finished), config) : {}),
  };
}

/** Encoder layers over the maps of a backbone. */
interface Encoded {
  /** What the encoder reads, (N, cells, conv_dim). */
  readonly projected: Tensor;
  /** The same after each number of layers that may be all there are. */
  readonly after: readonly Tensor[];
  readonly sizes: readonly MapSize[];
  /** What the decoder reads of tokens after some layers. */
  readonly finished: (tokens: Tensor) => DecoderInput;
}

function encodeMaps(scope: Scope, maps: readonly Tensor[], config: HeadConfig): Encoded {
  const pixels = scope.at("pixel_decoder");
  const [finest, ...coarser] = maps as [Tensor, ...Tensor[]];
  const coarseFirst = [...coarser].reverse();
  const sizes = coarseFirst.map(sizeOfMap);
  const projected = projectMaps(pixels, coarseFirst, config);
  const positions = encoderPositions(pixels, sizes, config);
  const exits = exitsOf(config);
  const after: Tensor[] = [];
  let tokens = projected;
  for (let i = 0; i < exits.at(-1)!; i++) {
    tokens = encoderLayer(pixels, i, { tokens, positions, sizes }, config);
    if (exits.includes(i + 1)) after.push(tokens);
    scope.layer(`encoder.${i + 1}`, tokens);
  }
  return { projected, after, sizes, finished: (of) => finishPixels(pixels, of, finest, sizes, config) };
}

/** What a gate says of pictures, and what the model would answer at each of its exits. */
export interface ExitAnswers {
  /** (N, exits) */
  readonly logits: Tensor;
  /** The earliest exit first. */
  readonly answers: readonly Prediction[];
}

/** image (N, 3, H, W) -> the gate's scores and the answers of all exits, of a model with a gate: what the gate learns from. */
export function answersAtExits(scope: Scope, image: Tensor, config: Mask2formerConfig, mode: Mode): ExitAnswers {
  const head = scope.at("sem_seg_head");
  const maps = swinMaps(scope.at("backbone"), image, config, mode);
  const { after, projected, sizes, finished } = encodeMaps(head, maps, config);
  return {
    logits: gate(head.at("pixel_decoder"), projected, sizes, config).logits,
    answers: after.map((tokens) => decode(head.at("predictor"), finished(tokens), config).at(-1)!),
  };
}

const answerOf = ({ classLogits, maskLogits }: Prediction) => ({ class_logits: classLogits, mask_logits: maskLogits });

function auxiliary(predictions: readonly Prediction[]): Record<string, Tensor> {
  const entries = predictions.flatMap((prediction, i) =>
    Object.entries(answerOf(prediction)).map(([name, value]) => [`aux.${i}.${name}`, value] as const),
  );
  return Object.fromEntries(entries);
}

/** What is said where the encoder stops at each of its exits but the last, under `early.K.` and the names that the last one has. */
function earlyAnswers(scope: Scope, inputs: readonly DecoderInput[], config: HeadConfig): Record<string, Tensor> {
  const entries = inputs.flatMap((input, i) => {
    const predictions = decode(scope.at("predictor"), input, config);
    const said = { ...answerOf(predictions.at(-1)!), ...auxiliary(predictions.slice(0, -1)) };
    return Object.entries(said).map(([name, value]) => [`early.${FIRST_EXIT + i}.${name}`, value] as const);
  });
  return Object.fromEntries(entries);
}

/** The stages of a gated model: what is always run, one more encoder layer each, and what answers. */
export function gatedSteps(config: Mask2formerConfig): string[] {
  if (config.gate !== true || config.exit !== undefined) return [];
  const layers = exitsOf(config).slice(1);
  return ["look", ...layers.map((layer) => `layer.${layer}`), "answer"];
}

/** One of these stages. "look" says `exit` (N): how many of the layers behind its own are to come before "answer". */
export function gatedStage(
  scope: Scope,
  stage: string,
  inputs: StageInputs,
  config: Mask2formerConfig,
  mode: Mode,
): Record<string, Tensor> {
  const head = scope.at("sem_seg_head");
  const pixels = head.at("pixel_decoder");
  const { conv_dim } = config;
  const [finestSize, ...coarser] = mapSizes(config) as [MapSize, ...MapSize[]];
  const sizes = coarser.reverse();
  const cells = sizes.reduce((sum, [height, width]) => sum + height * width, 0);
  const encode = (tokens: Tensor, from: number, to: number) => {
    const positions = encoderPositions(pixels, sizes, config);
    let after = tokens;
    for (let i = from; i < to; i++) after = encoderLayer(pixels, i, { tokens: after, positions, sizes }, config);
    return after;
  };
  if (stage === "look") {
    const maps = swinMaps(scope.at("backbone"), imageOf(inputs.pictures()), config, mode);
    const projected = projectMaps(pixels, maps.slice(1).reverse(), config);
    const { exit, logits } = gate(pixels, projected, sizes, config);
    return {
      exit,
      gate_logits: logits,
      "next.tokens": encode(projected, 0, FIRST_EXIT),
      "next.finest": maps[0]!,
    };
  }
  const tokens = inputs.state("tokens", [cells, conv_dim]);
  if (stage !== "answer") {
    const layer = Number(stage.split(".")[1]);
    return { "next.tokens": encode(tokens, layer - 1, layer) };
  }
  const finest = inputs.state("finest", [config.backbone.embed_dim, ...finestSize]);
  const input = finishPixels(pixels, tokens, finest, sizes, config);
  return answerOf(decode(head.at("predictor"), input, config).at(-1)!);
}

const imageOf = (pictures: Pictures): Tensor => ("bytes" in pictures ? normalizedImage(pictures) : pictures);

/** Of the backbone's maps, the largest first. */
function mapSizes({ img_size }: Mask2formerConfig): MapSize[] {
  const { height, width } = extentOf(img_size);
  let [h, w] = [Math.floor(height / 4), Math.floor(width / 4)];
  return Array.from({ length: 4 }, () => {
    const size = [h, w] as const;
    [h, w] = [Math.ceil(h / 2), Math.ceil(w / 2)];
    return size;
  });
}
