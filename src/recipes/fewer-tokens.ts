// ViTs that go on with fewer tokens (docs/tokens.md), on a few thousand pictures of one's own at 64 px: first a plain ViT, `small-vit`, then what thins it,
// each of which begins with a trained plain ViT (--from). Other sizes: save one as JSON, change height, width, augmentation and transform, and the blocks where
// another depth wants others.
//
//   saccade train clothing/ --recipe small-vit
//   saccade train clothing/ --recipe dynamicvit --from runs/small-vit/best
//
// What they reached on ten garments, with one seed and an unsure model, is in bench/results/tokens-training, made by bench/tokens-training.ts.
import type { RecipeInput } from "../train/recipe-fields.ts";
import type { StagedRecipeInput } from "../train/staged-recipe.ts";

const SIZE = 64;

const AT_64 = {
  architecture: "vit",
  config: { img_size: SIZE, patch_size: 8, embed_dim: 128, depth: 6, num_heads: 2 },
  height: SIZE,
  width: SIZE,
  augmentation: `random_resized_crop(${SIZE},0.5:1)|flip(0.5)|color_jitter(0.2,0.2,0.2)|normalize(imagenet)`,
  transform: `resize_small(72,bicubic)|central_crop(${SIZE})|normalize(imagenet)`,
  batch: 32,
  weight_decay: 0.05,
  clip_norm: 5,
  label_smoothing: 0.05,
} as const;

export const smallVit: RecipeInput = {
  ...AT_64,
  name: "small-vit",
  summary: "a plain ViT of 1.2 million parameters at 64 px: 64 tokens, six blocks",
  epochs: 24,
  learning_rate: 6e-4,
  warmup_epochs: 1,
  warmup_rate: 1e-6,
  minimum_rate: 1e-5,
  ema_decay: 0.995,
};

/** Fine-tuning a trained model for a short time. */
const SHORT = {
  ...AT_64,
  epochs: 3,
  learning_rate: 2e-4,
  warmup_epochs: 0.2,
  warmup_rate: 1e-6,
  minimum_rate: 1e-6,
  ema_decay: 0.99,
} as const;

/** With all tokens, as long as the others: what these are compared with. */
export const longerVit: RecipeInput = {
  ...SHORT,
  name: "longer-vit",
  summary: "trains a plain ViT for three epochs more: what thinned ones are compared with",
};

export const dynamicvit: RecipeInput = {
  ...SHORT,
  name: "dynamicvit",
  summary: "thins a plain ViT by DynamicViT: 70 % of the tokens at each of three blocks",
  tokens: "keep=0.7@1,3,4:dynamicvit",
  // Predictors begin fresh; the rest of the model is trained already.
  learning_rate: 1e-3,
  rate_scales: { "score_predictor.*": 1, "*": 0.2 },
};

export const evit: RecipeInput = {
  ...SHORT,
  name: "evit",
  summary: "thins a plain ViT by EViT: 70 % of the tokens at each of three blocks, reached in half of the run",
  tokens: "keep=0.7@1,3,4:evit",
  reducing: { shrink_until: 0.5 },
};

/**
 * What a wrong answer costs, for the interpreter of each group. A plain model of few pictures is often wrong and rarely sure, so that answers say little of one token: the true
 * class's probability says more, and a fifth of the tokens at a time.
 */
const PENALTIES = [8, 6, 4];

const interpreter = (penalty: number, i: number): RecipeInput => ({
  ...AT_64,
  name: `ia-red2-interpreter-${i + 1}`,
  summary: `the interpreter of group ${i + 1}, by reinforcement`,
  tokens: "policy@1,3,4:ia-red2",
  reducing: { group: i + 1, penalty, reward: "confidence", explored: 0.2 },
  epochs: 3,
  batch: 64,
  learning_rate: 5e-4,
  minimum_rate: 1e-4,
  weight_decay: 0,
  label_smoothing: 0,
});

export const iaRed2: StagedRecipeInput = {
  name: "ia-red2",
  summary: "thins a plain ViT by IA-RED2: interpreters of three groups of blocks, and then the model",
  stages: [
    ...PENALTIES.map(interpreter),
    {
      ...SHORT,
      name: "ia-red2-model",
      summary: "the model, with the tokens that its interpreters leave",
    },
  ],
};
