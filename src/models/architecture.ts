// What a model family offers to the rest: check a configuration, build its graph, adopt official checkpoints, prepare pictures.
import type { Shape } from "../graph/dimensions.ts";
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { InferenceOptions, Mode } from "../nn/mode.ts";
import type { CheckpointFacts } from "../weights/facts.ts";
import type { NamedTensors } from "../weights/remap.ts";
import type { Answers } from "./answers.ts";
import type { Pictures, Pixels } from "./pixels.ts";

export type { Answers, CheckpointFacts, NamedTensors };

/** The picture input of a model. A fixed size is one the architecture cannot do without. */
export interface ImageInput {
  /** "image": (batch, channels, height, width). "video": (batch, 3, frames, height, width). */
  readonly kind: "image" | "video";
  /** 1 where pictures are seen in grey (models/grey.ts). Absent for red, green and blue. */
  readonly channels?: 1;
  /** Fixed height and width, or "free" when any size works. */
  readonly size: "free" | { readonly height: number; readonly width: number };
  /** Frames of a clip, where the architecture cannot do without a fixed number of them. Absent when any number works. */
  readonly frames?: number;
  /** The size it was made for: what counting and benchmarks use when nobody says otherwise. */
  readonly usual: { readonly height: number; readonly width: number; readonly frames?: number };
}

/** The input of a model of texts, `ids`: (batch, context), int64. */
export interface TextInput {
  readonly kind: "text";
  /** Tokens of a text, start and end among them. */
  readonly context: number;
  /** How many tokens there are. */
  readonly vocabulary: number;
}

/** What a stage reads. Only what it asks for becomes an input of its graph. */
export interface StageInputs {
  /** The input `image`. */
  pictures(): Pictures;
  /** What an earlier stage gave as the output `next.NAME`: the input `state.NAME`, (batch, ...shape). */
  state(name: string, shape: readonly number[]): Tensor;
}

/** A model in steps, after each of which there is an answer: whoever is satisfied with it stops there. */
export interface Stages<Config> {
  /** Whether each step is a look at a part of the picture (GFNet); else only the first looks (SparseFormer). */
  readonly looksInSteps: boolean;
  /** Whether each step but the last also says, as `value` (batch, 1), by how much further steps are expected to lower the cross-entropy (AdaptiveNN). */
  readonly valuesSteps?: boolean;
  /** The stage of each step, in order; none where a configuration has no early answer. Steps that name the same stage share its graph, and one session. */
  steps(config: Config): readonly string[];
  /**
   * The graph of a stage: the answer so far as `logits` (batch, classes), where it looked as `region` (batch, 4: x1, y1, x2, y2 in 0..1 of
   * the image) or as `gaze.N.*`, and `next.NAME` for what later stages read as `state.NAME`. Everything has the batch first, so that pictures can be left
   * out between steps.
   */
  build(scope: Scope, stage: string, inputs: StageInputs, config: Config, mode: Mode): Readonly<Record<string, Tensor>>;
  /** Thresholds for average budgets that were solved on data and stored with the model. */
  solvedThresholds?(config: Config): readonly SolvedThresholds[];
}

/** Confidences at which pictures stop, and what that costs on average. */
export interface SolvedThresholds {
  /** One a step. */
  readonly thresholds: readonly number[];
  /** The mean cost of a picture as a share of what all steps cost. */
  readonly share: number;
}

/** A model of videos that can see frames as they come, each with what it remembers of those before. */
export interface FrameByFrame<Config> {
  /** Whether the configuration's weights are for that: nothing in it waits for later frames. */
  works(config: Config): boolean;
  /**
   * The graph of one frame, (batch, 3, height, width) of known size: `logits` and `features` of it, and `next.NAME` for what the frame after reads as
   * `remembered(NAME, shape)`, zeros before the first.
   */
  build(
    scope: Scope,
    frame: Tensor,
    remembered: (name: string, shape: Shape) => Tensor,
    config: Config,
    mode: Mode,
  ): Readonly<Record<string, Tensor>>;
}

export interface Architecture<Config> {
  /** As in config.json. */
  readonly name: string;
  /** Where it comes from. */
  readonly paper: string;
  /** Checks and completes a configuration. Throws UsageError naming the field. */
  parseConfig(json: unknown): Config;
  /** The fields that a configuration may have, where `parseConfig` lets others pass because official files carry them. */
  readonly fields?: readonly string[];
  input(config: Config): ImageInput | TextInput;
  /** The same model for pictures of another size, where the size is part of the configuration. Absent where any size works. */
  atSize?(config: Config, size: { readonly height: number; readonly width: number }): Config;
  /**
   * The same model with fewer tokens on the way, as a line of the language says (docs/tokens.md); weights stay as they are, unless the way has some of its own.
   * Absent for families that have no tokens to reduce.
   *
   * @throws UsageError for a line that makes no sense, or not for this model
   */
  reduceTokens?(config: Config, tokens: string): Config;
  /** The same model with all its tokens. Absent where that is a configuration without the field `tokens`. */
  allTokens?(config: Config): Config;
  /**
   * Builds the forward pass from the input, of the kind that `input` says. Every architecture gives the outputs of what it answers (models/answers.ts), and `features` (pooled,
   * before the last layer) where it sums pictures up; sparse ones also `gaze.N.regions` and `gaze.N.points`.
   */
  build(scope: Scope, input: Tensor, config: Config, mode: Mode): Readonly<Record<string, Tensor>>;
  /**
   * Of a model of two parallel branches that `build` brings together: what each says by itself of a picture of its own, (N, C, H, W) twice to (N, classes) twice.
   * Absent for all others.
   */
  branches?(scope: Scope, images: readonly Tensor[], config: Config, mode: Mode): readonly Tensor[];
  /** Whether `build` can be told where pictures end in their images (`InferenceOptions.padded`). Absent where padding is seen like anything else. */
  readonly seesPadding?: true;
  /** `build` from pixels, for architectures that take them better than as the normalised image. */
  buildFromPixels?(scope: Scope, pixels: Pixels, config: Config, mode: Mode): Readonly<Record<string, Tensor>>;
  /**
   * The number of pixels from which features are computed faster only where they are sampled (`InferenceOptions.onlyWhereSampled`); undefined
   * for never. Absent for architectures that see all of the picture.
   */
  sampledFrom?(config: Config, options?: Pick<InferenceOptions, "keepsBytes">): number | undefined;
  /** Whether `buildFromPixels` can keep pixels bytes until its first convolution (`InferenceOptions.keepsBytes`), and takes them by fours. */
  readonly keepsBytes?: boolean;
  /**
   * Of a model of videos: the architecture of pictures whose configuration it adds to, and whose weights `adoptWeights` turns into its own
   * (inflation).
   */
  readonly inflates?: string;
  /** Official tensors of any release -> today's names and shapes for this configuration. */
  adoptWeights(tensors: NamedTensors, config: Config): NamedTensors;
  /**
   * A glance at names and shapes, where tensors can be resized to fit several configurations: whether they were made for this one as it is.
   * Absent where only what was made for a configuration fits it.
   */
  isMadeFor?(tensors: NamedTensors, config: Config): boolean;
  /**
   * For models that can answer before they have done everything: the same weights as graphs that run one after another. `build` gives what
   * all of them compute together.
   */
  readonly stages?: Stages<Config>;
  /**
   * For models that decide once how much of themselves a picture is given (ECO-M2F's gate): the first step says, as `exit` (batch), int64, how many of the steps
   * in between come before the last one, counted from the second on; the last one answers, and no other does. Without the gate's savings, `build` gives the
   * same answer.
   */
  readonly gated?: Stages<Config>;
  /** For models of videos that can go frame by frame. */
  readonly frameByFrame?: FrameByFrame<Config>;
  /**
   * For models that can start from what they found in the last picture of a moving one: the stages "look", which begins anew, and "step", which reads
   * what a look left as `next.NAME`. Both answer, and any number of steps may follow a look.
   */
  readonly following?: Stages<Config>;
  /** Fields of a configuration that an official checkpoint states beside its weights; undefined when it is not of this architecture. */
  adoptFacts?(facts: CheckpointFacts): Readonly<Record<string, unknown>> | undefined;
  /**
   * Fields of a configuration that names and shapes of official tensors tell, where models of other sizes than the registered ones were released; undefined
   * for tensors of something else. Whether the configuration is valid and the tensors fit it is for loading to find out.
   */
  adoptShapes?(tensors: NamedTensors): Readonly<Record<string, unknown>> | undefined;
  /** Evaluation preprocessing, in the transform language. Absent for models of texts. */
  transform?(config: Config): string;
  /** Name of the configuration's field that says how many classes (or embedding channels) `logits` has. */
  readonly classesField: string;
  /** What it says of pictures, and so which outputs it gives. */
  readonly answers: (config: Config) => Answers;
  /**
   * Of a model whose "detections" may find one thing several times: the overlap (IoU, 0..1) from which on two boxes of a class are of one thing. Absent, or
   * undefined, where each thing is found once.
   */
  suppression?(config: Config): number | undefined;
  /** Of "queries": the indexes of classes that are things, which can be counted; the others are stuff, such as sky. Absent, or undefined, where all are things. */
  things?(config: Config): readonly number[] | undefined;
}
