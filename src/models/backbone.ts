// What the convolutional families share: a network in three parts (a map of features, one vector of them, the answer), the fields of their
// configurations that are no part of the network, and the architecture that follows from both.
import { z } from "zod";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Mode } from "../nn/mode.ts";
import { type RenameRule, remap } from "../weights/remap.ts";
import type { Architecture, NamedTensors } from "./architecture.ts";
import { checkConfig } from "./check-config.ts";
import { timmFields, timmTransform } from "./timm.ts";

/** A block with a residual branch: which one of its stage it is, from 0, and how many blocks each stage has. */
export interface BlockPlace {
  readonly index: number;
  readonly depths: readonly number[];
}

/** What somebody puts before a network's blocks, so that they read something else of the same shape: a shift between frames, say. */
export interface BlockInputs {
  /**
   * x (N, C, H, W) -> what the first convolution of a residual branch reads instead; the shortcut keeps x. Of inverted residuals only those are asked
   * whose input is expanded, and added as it is. A layer of a DenseNet is a branch: all that is before it is kept.
   */
  readonly branch?: (x: Tensor, place: BlockPlace) => Tensor;
  /** x (N, C, H, W) -> what a whole block reads, its shortcut too. */
  readonly block?: (x: Tensor, place: BlockPlace) => Tensor;
}

/** `BlockInputs` of the block at a place; what nobody changes stays as it is. */
export function inputsAt(
  inputs: BlockInputs | undefined,
  place: BlockPlace,
): Record<keyof BlockInputs, (x: Tensor) => Tensor> {
  return {
    branch: (x) => inputs?.branch?.(x, place) ?? x,
    block: (x) => inputs?.block?.(x, place) ?? x,
  };
}

/** A convolutional network in the parts that others build on. `scope` is the same for all three: that of the network. */
export interface Backbone<Config> {
  /** image (N, 3, H, W) -> (N, channels, h, w). */
  featureMap(scope: Scope, image: Tensor, config: Config, mode: Mode, inputs?: BlockInputs): Tensor;
  /** image (N, 3, H, W) -> the map behind each stage, the largest first, `featureMap` the last. Of families that others take more than the last map of. */
  stageMaps?(scope: Scope, image: Tensor, config: Config, mode: Mode): Tensor[];
  /** map (N, channels, h, w) -> (N, width): all that comes before the last layer. */
  pool(scope: Scope, map: Tensor, config: Config, mode: Mode): Tensor;
  /** features (N, width) -> logits (N, num_classes). */
  classify(scope: Scope, features: Tensor, config: Config): Tensor;
  /** Path of the last layer, which `classify` is. */
  readonly lastLayer: string;
}

const { drop_path_rate: _, crop_pct, ...sharedFields } = timmFields;

/** Fields that every family has. Names as in timm; defaults are timm's. Families with residual branches add `drop_path_rate`. */
export const backboneFields = {
  ...sharedFields,
  /** Side of the evaluation square in pixels; the network takes any size. */
  input_size: z.int().min(1).max(16384).default(224),
  crop_pct: crop_pct.unwrap().default(0.875),
} as const;

export type BackboneConfig = z.infer<z.ZodObject<typeof backboneFields>>;

/** Counters that PyTorch saves with batch normalisation and nothing reads. */
export const COUNTERS: RenameRule = { pattern: /(?:^|\.)num_batches_tracked$/, to: null };

/** Files of SparK's pre-training (keyu-tian/SparK, "spark style"): the network, and what it is pre-trained with, which is left out. */
const SPARK: readonly RenameRule[] = [
  { pattern: /^sparse_encoder\.sp_cnn\./, to: "" },
  { pattern: /^(?:densify_norms|densify_projs|mask_tokens|dense_decoder)\./, to: null },
  { pattern: /^(?:imn_m|imn_s|norm_black)$/, to: null },
];

/** The architecture around a backbone: `features` are pooled, `logits` come from them. */
export function backboneArchitecture<S extends z.ZodType<BackboneConfig>>(family: {
  readonly name: string;
  readonly paper: string;
  readonly schema: S;
  readonly backbone: Backbone<z.infer<S>>;
  /** Other releases' names, besides SparK's and the counters of batch normalisation, which are left out. */
  readonly adoptWeights?: (tensors: NamedTensors, config: z.infer<S>) => NamedTensors;
}): Architecture<z.infer<S>> {
  const { name, paper, schema, backbone, adoptWeights } = family;
  return {
    name,
    paper,
    parseConfig: (json) => checkConfig(schema, name, json),
    input: ({ input_size }) => ({ kind: "image", size: "free", usual: { height: input_size, width: input_size } }),
    build(scope, image, config, mode) {
      const map = backbone.featureMap(scope, image, config, mode);
      const features = backbone.pool(scope, map, config, mode);
      return { logits: backbone.classify(scope, mode.dropout(features, config.drop_rate), config), features };
    },
    adoptWeights(tensors, config) {
      const bare = remap(tensors, [[COUNTERS], SPARK]);
      return adoptWeights === undefined ? bare : adoptWeights(bare, config);
    },
    classesField: "num_classes",
    transform: ({ input_size, ...data }) => timmTransform({ ...data, size: input_size }),
    answers: () => "classes",
  };
}
