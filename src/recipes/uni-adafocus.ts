// The official recipes of Uni-AdaFocus over TSM (LeapLabTHU/Uni-AdaFocus, Uni-AdaFocus-TSM, README and main.py): one stage, end to end, from labels alone. Batches of
// 64 clips, SGD with momentum 0.9, decay of every parameter, gradients clipped at 20, rates that fall as a cosine (here with every step, there with every
// epoch), slower for the glance and the policies. On Something-Something V1 and Jester the decay is twice as much, on Jester the pull towards large
// crops half as strong. Crops there have one of four sizes and thirteen places; here any in their range. Training there begins with both networks
// trained on ImageNet (`--from` takes one of them).
// Cost: 50 epochs of 169,000 videos on four data-centre GPUs; they were not run here.
import type { RecipeInput } from "../train/recipe-fields.ts";

/** `focus` frames, of three times as many that a clip has, as patches of `patch` pixels. */
function uniAdafocus(patch: number, focus: number): RecipeInput {
  const frames = 3 * focus;
  return {
    name: `uni-adafocus-p${patch}-8and${focus}`,
    summary: `Uni-AdaFocus over TSM, a glance at 8 frames and ${focus} patches of ${patch} px, the official recipe`,
    architecture: "uni_adafocus",
    config: {
      num_glance_segments: 8,
      num_input_focus_segments: frames,
      num_focus_segments: focus,
      patch_size: patch,
      stn_hidden_dim: 128,
      temporal_hidden_dim: 64,
      dropout: 0.5,
    },
    clip: { frames },
    height: 224,
    width: 224,
    // Not mirrored: what goes left would go right.
    augmentation: "random_resized_crop(224,0.4356:1,0.75:1.3333,bilinear)|normalize(imagenet)",
    transform: "resize_small(256,bilinear)|central_crop(224)|normalize(imagenet)",
    epochs: 50,
    batch: 64,
    optimizer: "sgd",
    nesterov: false,
    learning_rate: 0.02,
    rate_scales: { "global_CNN.*": 0.5, "aux_fc.*": 0.5, "spatial_policy.*": 0.2, "temporal_policy.*": 0.2 },
    weight_decay: 5e-4,
    decay_all: true,
    clip_norm: 20,
    focusing: { large_crop_weight: 0.5, frame_draws: 128 },
  };
}

/** The smallest. The others are 12 frames of 96 px, and 12 and 16 of 128: patch_size, num_focus_segments, and three times as many frames of a clip. */
export const uniAdafocusRecipes: readonly RecipeInput[] = [uniAdafocus(96, 8)];
