// One look through a backbone: the map that the policy reads, and the features that the classifier reads. Which tensors these are is the
// backbone's affair (MobileNet's features come after its head convolution, its map before).
import { UsageError } from "../../errors.ts";
import { reshape } from "../../graph/build.ts";
import type { Dim } from "../../graph/dimensions.ts";
import { Scope } from "../../graph/scope.ts";
import { Graph, type Tensor } from "../../graph/tensor.ts";
import { fixedDim } from "../../nn/linear.ts";
import { Mode } from "../../nn/mode.ts";
import type { BlockInputs } from "../backbone.ts";
import { backboneNamed, type NamedBackbone } from "../backbones.ts";
import { framesInBatch, meanOverFrames, type ShiftPlace, shiftBetweenFrames } from "../shifted-backbones.ts";
import { GFNET_BACKBONES, type GfnetBackbone } from "./config.ts";

/** The fields of a configuration that say what the encoders are. */
export interface EncoderConfig {
  readonly arch: GfnetBackbone;
  /** Changes of the backbone's own configuration. */
  readonly backbone: Readonly<Record<string, unknown>>;
  readonly feature_num: number;
  readonly feature_map_channels: number;
  /** Frames of a clip; absent for pictures. */
  readonly num_segments?: number | undefined;
  readonly shift_div?: number | undefined;
  readonly shift_place?: ShiftPlace | undefined;
}

export interface EncodedLook {
  /** (batch, feature_map_channels, h, w); of a clip (batch, frames * feature_map_channels, h, w), frame after frame. */
  readonly map: Tensor;
  /** (batch, feature_num) */
  readonly features: Tensor;
}

/** The backbone of a configuration. Throws UsageError for changes that it does not take. */
export function encoderOf({ arch, backbone }: Pick<EncoderConfig, "arch" | "backbone">): NamedBackbone {
  return backboneNamed(arch, backbone);
}

/**
 * pixels (batch, 3, patch, patch), of a clip (batch, 3 * frames, patch, patch). `scope` prefixes the encoder's names. Throws UsageError when the
 * configuration states other widths.
 */
export function encode(scope: Scope, pixels: Tensor, config: EncoderConfig, mode: Mode): EncodedLook {
  const { num_segments: frames } = config;
  return frames === undefined
    ? encodeImages(scope, pixels, config, mode)
    : encodeClips(scope, pixels, { ...config, frames }, mode);
}

/** A clip's features are the mean of its frames', as the answers of frames are averaged. */
function encodeClips(
  scope: Scope,
  planes: Tensor,
  config: EncoderConfig & { readonly frames: number },
  mode: Mode,
): EncodedLook {
  const { frames, shift_div: div = 8, shift_place: place = "blockres" } = config;
  const [clips, , height, width] = planes.shape as [Dim, Dim, Dim, Dim];
  const images = framesInBatch(reshape(planes, [clips, 3, frames, height, width])); // (batch * frames, 3, patch, patch)
  const perClip = scope.withLayers((x) => meanOverFrames(x, frames));
  const seen = encodeImages(perClip, images, config, mode, shiftBetweenFrames({ frames, div, place }));
  const [, channels, h, w] = seen.map.shape as [Dim, number, Dim, Dim];
  const map = reshape(seen.map, [clips, frames * channels, h, w]);
  return { map, features: meanOverFrames(seen.features, frames) };
}

function encodeImages(
  scope: Scope,
  images: Tensor,
  config: EncoderConfig,
  mode: Mode,
  inputs?: BlockInputs,
): EncodedLook {
  const encoder = encoderOf(config);
  const map = encoder.featureMap(scope, images, mode, inputs);
  // As in the official code the network's own last layer and the classifier of all looks read the same features, dropout included.
  const features = encoder.dropout(encoder.pool(scope, map, mode), mode);
  requireWidth("feature_map_channels", fixedDim(map, 1), config);
  requireWidth("feature_num", fixedDim(features, 1), config);
  return { map, features };
}

function requireWidth(field: "feature_num" | "feature_map_channels", actual: number, config: EncoderConfig): void {
  if (config[field] !== actual)
    throw new UsageError(`${field} is ${config[field]}, but ${config.arch} as configured has ${actual}`);
}

/** A configuration whose backbone was changed, with the widths that follow from that where it does not say them. */
export function completeEncoder(json: unknown): unknown {
  const given = (json ?? {}) as Partial<Record<keyof EncoderConfig | "patch_size", unknown>>;
  const { arch, backbone } = given;
  const changes = typeof backbone === "object" && backbone !== null ? (backbone as Record<string, unknown>) : {};
  // An unknown name is for the schema to refuse.
  if (typeof arch !== "string" || !Object.hasOwn(GFNET_BACKBONES, arch) || Object.keys(changes).length === 0)
    return json;
  const { side: _, ...widths } = encoderSizes({ arch: arch as GfnetBackbone, backbone: changes });
  return { ...widths, ...given };
}

/** Widths of map and features, and the map's height and width, found by building an encoder for patches of `size`. */
export function encoderSizes(config: Pick<EncoderConfig, "arch" | "backbone">, size = 32) {
  const graph = new Graph();
  const scope = new Scope(graph);
  const mode = Mode.inference();
  const encoder = encoderOf(config);
  const map = encoder.featureMap(scope, graph.input("pixels", [1, 3, size, size]), mode);
  const features = encoder.pool(scope, map, mode);
  return { feature_map_channels: fixedDim(map, 1), feature_num: fixedDim(features, 1), side: fixedDim(map, 2) };
}
