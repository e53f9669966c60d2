// The fields of a recipe: what they mean, and what is accepted. docs/recipes.md lists them for people.
import { z } from "zod";
import { clipSchema } from "../model-folder/clip-entry.ts";
import {
  type AnnotationsInput,
  annotationsSchema,
  type DetectionInput,
  detectionSchema,
  type GatingInput,
  gatingSchema,
  type SegmentationInput,
  segmentationSchema,
  type ValidationInput,
  validationSchema,
} from "./annotated-fields.ts";
import { count, type Exactly, rate, share } from "./field-kinds.ts";
import { type PretextInput, pretextSchema } from "./pretext/fields.ts";
import { type SlowNeuralInput, slowNeuralSchema } from "./terminator/fields.ts";

/**
 * Everything that decides what a training run does, as plain data; it is what a recipe's JSON file holds. Rates are per update, shares and
 * probabilities are 0..1. Names of parameters are those of the checkpoint; patterns take `*` for any part of a name.
 */
export interface RecipeInput {
  /** Of the run's folder, and of the model until it has a better one. */
  readonly name: string;
  /** One line for people: "fine-tunes …". Default "". */
  readonly summary?: string | undefined;
  /** Architecture or registered model, where no weights are given to begin with. */
  readonly architecture: string;
  /** Fields of the architecture's configuration that differ from its defaults; the number of classes follows from the data. Default {}. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  /** The model whose weights it begins with when nobody names one: a bundled name or a path. Its architecture and configuration then count. */
  readonly from?: string | undefined;
  /** Of training pictures, pixels. */
  readonly height: number;
  /** Of training pictures, pixels. */
  readonly width: number;
  /** What is done to training pictures, in the augmentation language; must come out at height x width. */
  readonly augmentation: string;
  /** What is done to pictures in evaluation and afterwards, in the transform language; it travels with the model. */
  readonly transform: string;
  /** Of data that is videos: which frames of each are seen. */
  readonly clip?: ClipInput | undefined;
  /** What half of the training pictures or clips are turned into, and pairs of classes that then change places. Default: nothing. */
  readonly flips?: FlipsInput | undefined;
  /** How often every training picture is seen. */
  readonly epochs: number;
  /** Pictures in a batch; fewer where the data does not fill one. */
  readonly batch: number;
  /** Batches averaged for one update. Default 1. */
  readonly accumulate?: number | undefined;
  /** Default "adamw". */
  readonly optimizer?: "adamw" | "sgd" | "lion" | "lamb" | "kar3" | undefined;
  /** Whether sgd looks ahead by its momentum. Default true. */
  readonly nesterov?: boolean | undefined;
  /** The highest, after warming up; it then falls as a cosine. */
  readonly learning_rate: number;
  /** Epochs in which the rate rises from `warmup_rate`; may be a fraction. Default 0. */
  readonly warmup_epochs?: number | undefined;
  /** Where the rate begins. Default 0. */
  readonly warmup_rate?: number | undefined;
  /** Where the rate ends. Default 0. */
  readonly minimum_rate?: number | undefined;
  /** Decoupled from the gradient for AdamW, Lion and LAMB; times the rate. Default 0.05. */
  readonly weight_decay?: number | undefined;
  /** Patterns of parameters that never decay, besides biases and all that has one dimension. Default []. */
  readonly no_decay?: readonly string[] | undefined;
  /** Whether biases and what has one dimension decay too. Default false. */
  readonly decay_all?: boolean | undefined;
  /** Patterns of parameters that keep their values. Default []. */
  readonly freeze?: readonly string[] | undefined;
  /** By pattern, the share of the run until which parameters keep their values; of several that fit the latest counts. Default: none. */
  readonly unfreeze?: Readonly<Record<string, number>> | undefined;
  /** Factor of the rate from each layer to the one before it. Default 1. */
  readonly layer_decay?: number | undefined;
  /** Factors of the rate by pattern. Default none. */
  readonly rate_scales?: Readonly<Record<string, number>> | undefined;
  /** Gradients whose global norm is larger are scaled down to it. Default: they are not. */
  readonly clip_norm?: number | undefined;
  /** Of the moving average of parameters, which is what is evaluated and kept; 0 keeps none. Default 0. */
  readonly ema_decay?: number | undefined;
  /** Default "cross_entropy". */
  readonly loss?: "cross_entropy" | "binary_cross_entropy" | undefined;
  /** Share of each target that is spread over all classes. Default 0. */
  readonly label_smoothing?: number | undefined;
  /** Parameter of the beta distribution that two blended pictures' shares are drawn from; 0 is off. Default 0. */
  readonly mixup?: number | undefined;
  /** The same for a rectangle of one picture in another. Default 0. */
  readonly cutmix?: number | undefined;
  /** Of a batch to be mixed at all. Default 1. */
  readonly mix_probability?: number | undefined;
  /** Of cutmix rather than mixup where both are on. Default 0.5. */
  readonly mix_switch_probability?: number | undefined;
  /** How often one picture comes, differently augmented, among the batches of an epoch. Default 1. */
  readonly repeats?: number | undefined;
  /** How to learn from a teacher, when one is given. Default: see docs/train-your-own.md. */
  readonly distillation?: DistillationInput | undefined;
  /** What is learnt from pictures without labels, in place of classes: pre-training. */
  readonly pretext?: PretextInput | undefined;
  /** One of the three stages of training a glance-and-focus model (architecture gfnet). */
  readonly looking?: LookingInput | undefined;
  /** How a model of the architecture uni_adafocus learns. Default: as its paper has it. */
  readonly focusing?: FocusingInput | undefined;
  /** What is known of annotated pictures, where they are learnt from in place of labels: boxes, masks, classes of pixels. */
  readonly annotations?: AnnotationsInput | undefined;
  /** How a detector that answers with a set of boxes learns. Default: as Deformable DETR does. */
  readonly detection?: DetectionInput | undefined;
  /** How the gate of an encoder that may stop early learns, while all else keeps its values (architecture mask2former). Default: all but the gate learns. */
  readonly gating?: GatingInput | undefined;
  /** How a model that says a class for every pixel learns, of annotations with `semantic`. Default: cross-entropy and Dice, half each. */
  readonly segmentation?: SegmentationInput | undefined;
  /** How often and on how many pictures it is measured how well places are found, with `annotations`. Default: after each epoch, on 500. */
  readonly validation?: ValidationInput | undefined;
  /** Every picture comes twice in a batch, and both answers learn. Default: once. */
  readonly dual_input?: DualInput | undefined;
  /** How a model learns whose tokens get fewer (field `tokens` of its configuration). Default: as the papers have it. */
  readonly reducing?: ReducingInput | undefined;
  /** How a model of the architecture adaptivenn learns. Default: as its paper has it. */
  readonly fixating?: FixatingInput | undefined;
  /** How a model of the architecture terminator learns. Default: as its paper has it. */
  readonly slow_neural?: SlowNeuralInput | undefined;
  /** Share of the loss that a model's early answers have together. Default 0. */
  readonly exit_weight?: number | undefined;
  /** What changes in the configuration of the model that `from` gives; layers that it adds start fresh. */
  readonly grow?: Readonly<Record<string, unknown>> | undefined;
  /** With how many tokens the model goes on, in the language of docs/tokens.md, or how many latent tokens it has. Default: as its configuration says. */
  readonly tokens?: string | number | undefined;
  /** Of all that is drawn at random, 0 to 2^32 - 1. Default 0. */
  readonly seed?: number | undefined;
}

/**
 * Which frames of a video make a clip; they are augmented and mixed alike. Training takes them anywhere, validation from the middle. A model of pictures
 * takes one frame.
 */
export interface ClipInput {
  readonly frames: number;
  /** From a frame to the next one. Default: a clip is spread over the whole video, a frame in each of `frames` equal parts. */
  readonly seconds_between_frames?: number | undefined;
  /** Clips of a video whose answers the trained model averages. Default 1. */
  readonly clips?: number | undefined;
}

/**
 * Each axis that is named flips a half of all rows, and exchanges its pairs of classes: [["moves left", "moves right"]]; an empty list flips and exchanges
 * nothing. Pairs that the data has neither class of are left out.
 */
export interface FlipsInput {
  /** Left and right exchanged. */
  readonly horizontal?: readonly (readonly [string, string])[] | undefined;
  /** Top and bottom exchanged. */
  readonly vertical?: readonly (readonly [string, string])[] | undefined;
  /** Of clips: the last frame first. */
  readonly time?: readonly (readonly [string, string])[] | undefined;
}

/** How a student learns from a teacher. */
export interface DistillationInput {
  /** Share of each target that is the teacher's opinion. Default 0.5. */
  readonly weight?: number | undefined;
  /** Softens the teacher's opinion; 1 leaves it as it is. Default 2. */
  readonly temperature?: number | undefined;
  /** The teacher's preprocessing, in the transform language: of the whole picture, or of the view. */
  readonly transform: string;
  /**
   * What the opinion is about. "picture": each picture as a whole, seen once before training. "view": exactly what the student sees, augmented and
   * mixed, batch by batch; it costs a run of the teacher at every step, and teaches more. Default "picture".
   */
  readonly sees?: "picture" | "view" | undefined;
  /**
   * Share of the loss that is the distance of the student's features, mapped by a linear layer of the training's own, from the teacher's; for a
   * teacher that sees views. Default: answers are all that is learnt.
   */
  readonly features?: number | undefined;
}

/** How a glance-and-focus model learns. */
export interface LookingInput {
  /** 1: patches at random places. 2: the policy alone, by reinforcement. 3: patches that the policy chooses. */
  readonly stage: 1 | 2 | 3;
  /** Weight of the losses of the encoders' own last layers (stages 1 and 3). Default 1. */
  readonly encoder_loss_weight?: number | undefined;
  /** Whether the glance's encoder learns (stages 1 and 3). Default true. */
  readonly train_glance?: boolean | undefined;
  /** Of reinforcement: weight of a reward one look later. Default 0.7. */
  readonly gamma?: number | undefined;
  /** Of reinforcement: how far the policy may move at once. Default 0.2. */
  readonly clip?: number | undefined;
  /** Of the places that are tried, in shares of the room that a patch has. Default 0.1. */
  readonly deviation?: number | undefined;
}

/**
 * Every picture comes as the recipe's augmentation makes it and once more otherwise; the loss is the sum of both answers' losses. A model of parallel branches
 * (lightweight) answers each with a branch of its own, all others answer both.
 */
export interface DualInput {
  /** What is done to the second one, in the augmentation language; of the same size. */
  readonly augmentation: string;
}

/** How a model learns that glances at a clip, and then looks at one part of chosen frames. */
export interface FocusingInput {
  /** Weight of the pull towards large parts of the picture. Default 0.5. */
  readonly large_crop_weight?: number | undefined;
  /** How often frames are drawn for the answer that teaches which frames matter. Default 128. */
  readonly frame_draws?: number | undefined;
}

/** How a model learns whose tokens get fewer; each field is for one system. */
export interface ReducingInput {
  /** DynamicViT: weight of the loss that holds predictors to the shares that they should keep. Default 2. */
  readonly share_weight?: number | undefined;
  /** DynamicViT: weight of the distance from the dense model's answer. Default 0.5. */
  readonly answer_weight?: number | undefined;
  /** DynamicViT: weight of the distance of kept tokens from the dense model's. Default 0.5. */
  readonly token_weight?: number | undefined;
  /**
   * IA-RED2: the group of blocks, from 1, whose interpreter alone learns, by reinforcement; interpreters of later groups are left out. Default: the
   * interpreters stay as they are, and the rest learns with what they leave of the tokens.
   */
  readonly group?: number | undefined;
  /** IA-RED2, with `group`: what a wrong answer costs. Default 1. */
  readonly penalty?: number | undefined;
  /**
   * IA-RED2, with `group`: "answer", whether the likeliest class is the true one, as in the paper, or "confidence", the true class's probability, which says more
   * where pictures are few. Default "answer".
   */
  readonly reward?: "answer" | "confidence" | undefined;
  /**
   * IA-RED2, with `group`: the share of a picture's tokens that chance decides on; for the others the greedy choice stands, so that what is learnt is what is used.
   * Default 1, as in the paper.
   */
  readonly explored?: number | undefined;
  /** EViT: the share of the run until which all tokens are kept. Default 0. */
  readonly shrink_from?: number | undefined;
  /** EViT: the share of the run from which on as many are kept as in the end; in between it falls as half a cosine. Default 0: from the beginning. */
  readonly shrink_until?: number | undefined;
}

/** How a model learns that glances, and then fixates places that its policy chooses; all of it at once. */
export interface FixatingInput {
  /** Weight of the focus net's own answer to the whole picture, shrunk; 0 leaves it out. Default 2. */
  readonly focus_weight?: number | undefined;
  /** Weight of the distance of every answer from the last one. Default 1. */
  readonly agreement_weight?: number | undefined;
  /** Softens answers whose distance is measured. Default 1. */
  readonly temperature?: number | undefined;
  /** Of reinforcement: weight of a reward one fixation later. Default 0.5. */
  readonly gamma?: number | undefined;
  /** Of reinforcement: from 0, where the value net says all that comes later, to 1, where what came says it. Default 0.84. */
  readonly lambda?: number | undefined;
  /** Of reinforcement: how far the policy may move at once. Default 0.2. */
  readonly clip?: number | undefined;
  /** Of the places that are tried, in shares of the room that a patch has, when the run begins. Default 0.25. */
  readonly deviation?: number | undefined;
  /** The same when it ends; in between it falls along half a cosine. Default 0.1. */
  readonly last_deviation?: number | undefined;
}

const fields = z.record(z.string(), z.unknown());

const distillation = z.strictObject({
  weight: share.default(0.5),
  temperature: z.number().positive().default(2),
  transform: z.string(),
  sees: z.enum(["picture", "view"]).optional(),
  features: share.optional(),
});

const dualInput = z.strictObject({ augmentation: z.string() });

const looking = z.strictObject({
  stage: z.literal([1, 2, 3]),
  encoder_loss_weight: rate.default(1),
  train_glance: z.boolean().default(true),
  gamma: share.default(0.7),
  clip: z.number().positive().lt(1).default(0.2),
  deviation: z.number().positive().max(1).default(0.1),
});

const focusing = z.strictObject({
  large_crop_weight: rate.default(0.5),
  frame_draws: z.int().min(1).max(10_000).default(128),
});

const pairs = z
  .array(z.tuple([z.string(), z.string()]).readonly())
  .max(1000)
  .readonly();
const flips = z.strictObject({
  horizontal: pairs.optional(),
  vertical: pairs.optional(),
  time: pairs.optional(),
});

const reducing = z
  .strictObject({
    share_weight: rate.optional(),
    answer_weight: rate.optional(),
    token_weight: rate.optional(),
    group: z.int().min(1).max(256).optional(),
    penalty: rate.optional(),
    reward: z.enum(["answer", "confidence"]).optional(),
    explored: z.number().positive().max(1).optional(),
    shrink_from: share.optional(),
    shrink_until: share.optional(),
  })
  .refine(({ shrink_from = 0, shrink_until = 0 }) => shrink_from <= shrink_until, "shrink_from is after shrink_until");

const fixating = z.strictObject({
  focus_weight: rate.default(2),
  agreement_weight: rate.default(1),
  temperature: z.number().positive().default(1),
  gamma: share.default(0.5),
  lambda: share.default(0.84),
  clip: z.number().positive().lt(1).default(0.2),
  deviation: z.number().positive().max(1).default(0.25),
  last_deviation: z.number().positive().max(1).default(0.1),
});

/** What a recipe without the field does. */
export const FIXATING_DEFAULTS = fixating.parse({});

export const recipeSchema = z.strictObject({
  name: z.string().min(1).max(100),
  summary: z.string().max(1000).default(""),
  architecture: z.string(),
  config: fields.default({}),
  from: z.string().optional(),
  height: z.int().min(8).max(4096),
  width: z.int().min(8).max(4096),
  augmentation: z.string(),
  transform: z.string(),
  clip: clipSchema.optional(),
  flips: flips.optional(),
  epochs: count,
  batch: z.int().min(1).max(65536),
  accumulate: z.int().min(1).max(4096).default(1),
  optimizer: z.enum(["adamw", "sgd", "lion", "lamb", "kar3"]).default("adamw"),
  nesterov: z.boolean().optional(),
  learning_rate: rate,
  warmup_epochs: z.number().min(0).default(0),
  warmup_rate: rate.default(0),
  minimum_rate: rate.default(0),
  weight_decay: rate.default(0.05),
  no_decay: z.array(z.string()).readonly().default([]),
  decay_all: z.boolean().optional(),
  freeze: z.array(z.string()).readonly().default([]),
  unfreeze: z.record(z.string(), z.number().min(0).lt(1)).optional(),
  layer_decay: z.number().positive().max(1).default(1),
  rate_scales: z.record(z.string(), z.number().positive().max(1e6)).optional(),
  clip_norm: z.number().positive().optional(),
  ema_decay: share.default(0),
  loss: z.enum(["cross_entropy", "binary_cross_entropy"]).default("cross_entropy"),
  label_smoothing: z.number().min(0).lt(1).default(0),
  mixup: rate.default(0),
  cutmix: rate.default(0),
  mix_probability: share.default(1),
  mix_switch_probability: share.default(0.5),
  repeats: z.int().min(1).max(16).default(1),
  distillation: distillation.optional(),
  pretext: pretextSchema.optional(),
  annotations: annotationsSchema.optional(),
  detection: detectionSchema.optional(),
  gating: gatingSchema.optional(),
  segmentation: segmentationSchema.optional(),
  validation: validationSchema.optional(),
  dual_input: dualInput.optional(),
  looking: looking.optional(),
  focusing: focusing.optional(),
  reducing: reducing.optional(),
  fixating: fixating.optional(),
  slow_neural: slowNeuralSchema.optional(),
  exit_weight: share.optional(),
  grow: fields.optional(),
  tokens: z.union([z.string().max(1000), z.int().min(1).max(16384)]).optional(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0),
});

/** A complete recipe. */
export type Recipe = z.infer<typeof recipeSchema>;

/** The documented types are what the schema takes, field by field. */
true satisfies Exactly<RecipeInput, z.input<typeof recipeSchema>>;
true satisfies Exactly<keyof RecipeInput, keyof z.input<typeof recipeSchema>>;
true satisfies Exactly<keyof DistillationInput, keyof z.input<typeof distillation>>;
true satisfies Exactly<PretextInput, z.input<typeof pretextSchema>>;
true satisfies Exactly<keyof SlowNeuralInput, keyof z.input<typeof slowNeuralSchema>>;
true satisfies Exactly<keyof DualInput, keyof z.input<typeof dualInput>>;
true satisfies Exactly<keyof LookingInput, keyof z.input<typeof looking>>;
true satisfies Exactly<keyof FocusingInput, keyof z.input<typeof focusing>>;
true satisfies Exactly<keyof FlipsInput, keyof z.input<typeof flips>>;
true satisfies Exactly<keyof ReducingInput, keyof z.input<typeof reducing>>;
true satisfies Exactly<keyof FixatingInput, keyof z.input<typeof fixating>>;
true satisfies Exactly<keyof ClipInput, keyof z.input<typeof clipSchema>>;
