// The golden case of the original training code: its configuration and tensors under today's names.

import { defineModel, type ModelDefinition } from "../src/models/registry.ts";
import { sparseformerArchitecture } from "../src/models/sparseformer/architecture.ts";
import type { SparseformerConfigInput } from "../src/models/sparseformer/config.ts";
import { type TensorData, tensor } from "../src/tensor.ts";
import { toCurrentSparseFormerNames } from "../src/weights/sparseformer-names.ts";
import { type GoldenCase, loadGolden } from "./golden-case.ts";

export function firstReleaseModel(golden: GoldenCase): ModelDefinition {
  const { conv_dim, num_latent_tokens, token_sampling_points, num_classes } = golden.config as Record<string, number>;
  const config: SparseformerConfigInput = {
    conv_dim,
    num_latent_tokens,
    num_sampling_points: token_sampling_points!,
    same_token_embedding: false,
    width_configs: [64, 128, 128],
    repeats: [2, 1, 1],
    ops_list: [
      ["ATTN", "ROI_ADJ", "SAMPLING_M", "MLP"],
      ["ATTN", "ROI_ADJ", "SAMPLING_M", "MLP"],
      ["ATTN", "MLP"],
    ],
    head_op: "avg",
    proj_dim: num_classes!,
    compatible_config: {
      type_num_attn_heads: 1,
      type_op_adjust: 1,
      mixing_bias: true,
      transition_ln: true,
      ln_eps: 1e-6,
      use_stage_embedding: false,
      restrict_grad_norm: true,
      first_release_numerics: true,
      min_out_points: 1,
      grid_sample_config: { padding_mode: "zeros" },
    },
  };
  return defineModel(sparseformerArchitecture.name, config);
}

export function loadFirstRelease() {
  const golden = loadGolden("sparseformer/sparseformer_v1_original_training_64x64")!;
  const labels = golden.json.labels as number[];
  const classes = golden.config.num_classes as number;
  const smoothing = 0.1;
  const targets = new Float32Array(labels.length * classes).fill(smoothing / classes);
  labels.forEach((label, i) => {
    targets[i * classes + label]! += 1 - smoothing;
  });
  const prefixed = (prefix: string): ReadonlyMap<string, TensorData> =>
    toCurrentSparseFormerNames(
      new Map(
        [...golden.outputs]
          .filter(([name]) => name.startsWith(prefix))
          .map(([name, value]) => [name.slice(prefix.length), value]),
      ),
    );
  return {
    golden,
    model: firstReleaseModel(golden),
    weights: toCurrentSparseFormerNames(golden.weights),
    targets: tensor("float32", [labels.length, classes], targets),
    classes,
    prefixed,
  };
}
