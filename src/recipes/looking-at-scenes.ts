// What the experiments on scenes (`saccade scenes`) share: an encoder for patches, glance and focus that begins with it, and the same backbone
// on whole scenes to compare with. An experiment's own file says sizes and epochs, what they cost and what came out.
import type { RecipeInput } from "../train/recipe-fields.ts";
import type { StagedRecipeInput } from "../train/staged-recipe.ts";

export interface SceneExperiment {
  /** Recipes are called ENCODER, BACKBONE and LOOKING. */
  readonly names: { readonly encoder: string; readonly backbone: string; readonly looking: string };
  /** Side of a scene, and of the glance and each patch, in pixels. */
  readonly scene: number;
  readonly patch: number;
  /** The glance included. */
  readonly looks: number;
  readonly batch: number;
  readonly encoderEpochs: number;
  readonly backboneEpochs: number;
  /** Of the three stages. */
  readonly epochs: readonly [number, number, number];
  readonly rates: readonly [number, number, number];
  /** How far from the policy's choice patches are tried, in stages 2 and 3; shares of the room that a patch has. Default: the official 0.1. */
  readonly deviations?: readonly [number, number];
}

/** A ResNet of 0.3 million parameters; its map is a sixteenth of the picture. */
export const SMALL_RESNET = { block: "BasicBlock", layers: [1, 1, 1], channels: [32, 64, 128], stem_channels: 16 };

const warmUp = { warmup_rate: 1e-6, minimum_rate: 1e-5, weight_decay: 0.05, clip_norm: 5, seed: 1 } as const;

const onScenes = ({ scene, batch }: SceneExperiment) =>
  ({
    height: scene,
    width: scene,
    augmentation: `resize(${scene},${scene})|flip(0.5)|normalize(imagenet)`,
    transform: `resize(${scene},${scene})|normalize(imagenet)`,
    batch,
    clip_norm: 5,
    seed: 1,
  }) as const;

/** The backbone on patches that hold the evidence, where all others begin: patches at random places seldom show it. */
export function patchEncoder({ names, patch, encoderEpochs }: SceneExperiment): RecipeInput {
  return {
    ...warmUp,
    name: names.encoder,
    summary: `a small ResNet for patches of ${patch} px, which ${names.looking} begins with`,
    architecture: "resnet",
    config: { ...SMALL_RESNET, input_size: patch, crop_pct: 1 },
    height: patch,
    width: patch,
    augmentation: `random_resized_crop(${patch},0.6:1)|flip(0.5)|color_jitter(0.3,0.3,0.3)|normalize(imagenet)|random_erasing(0.1)`,
    transform: `central_crop(${patch})|normalize(imagenet)`,
    epochs: encoderEpochs,
    batch: 64,
    learning_rate: 2e-3,
    warmup_epochs: 1,
    ema_decay: 0.995,
    label_smoothing: 0.05,
  };
}

/** The backbone on scenes of `size`, whole: at full resolution, or shrunk. */
export function wholeScenes(experiment: SceneExperiment, size = experiment.scene): RecipeInput {
  const { names, scene, backboneEpochs } = experiment;
  return {
    ...warmUp,
    ...onScenes({ ...experiment, scene: size }),
    name: size === scene ? names.backbone : `${names.backbone}-${size}`,
    summary:
      size === scene
        ? `the small ResNet on whole scenes, for comparison with ${names.looking}`
        : `the small ResNet on scenes shrunk to ${size} px, for comparison with ${names.looking}`,
    architecture: "resnet",
    config: { ...SMALL_RESNET, input_size: size, crop_pct: 1 },
    epochs: backboneEpochs,
    learning_rate: 1e-3,
    warmup_epochs: 0.25,
  };
}

/** Glance and focus, in the three official stages. */
export function lookingAround(experiment: SceneExperiment): StagedRecipeInput {
  const { names, scene, patch, looks, epochs, rates, deviations } = experiment;
  const common = {
    ...onScenes(experiment),
    architecture: "gfnet",
    config: {
      arch: "resnet50",
      backbone: SMALL_RESNET,
      feature_num: 128,
      feature_map_channels: 128,
      patch_size: patch,
      T: looks,
      image_size: scene,
      crop_pct: 1,
      fc_hidden_dim: 128,
      policy_conv: true,
      policy_hidden_dim: 256,
    },
  } as const;
  const deviation = (stage: 2 | 3) => (deviations === undefined ? {} : { deviation: deviations[stage - 2]! });
  const supervised = (stage: 1 | 3): RecipeInput => ({
    ...common,
    ...warmUp,
    name: `${names.looking}-stage-${stage}`,
    summary:
      stage === 1
        ? "encoders and classifier on patches at random places"
        : "encoders and classifier on the patches that the policy chooses",
    epochs: epochs[stage - 1]!,
    learning_rate: rates[stage - 1]!,
    warmup_epochs: 0.25,
    // As in the official recipe, the classifier, which starts fresh, first learns several times as fast as the encoders, which do not.
    ...(stage === 1 ? { rate_scales: { "fc.*": 5 } } : {}),
    looking: { stage, ...(stage === 3 ? deviation(3) : {}) },
  });
  const policy: RecipeInput = {
    ...common,
    name: `${names.looking}-stage-2`,
    summary: "the policy, by reinforcement",
    epochs: epochs[1],
    learning_rate: rates[1],
    minimum_rate: rates[1],
    weight_decay: 0,
    looking: { stage: 2, ...deviation(2) },
  };
  return {
    name: names.looking,
    summary: "glance and focus with a small ResNet, in the three official stages",
    stages: [supervised(1), policy, supervised(3)],
  };
}
