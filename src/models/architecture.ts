// What a model family offers to the rest: check a configuration, build its graph, adopt official checkpoints, prepare pictures.
import type { Scope } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Mode } from "../nn/mode.ts";
import type { NamedTensors } from "../weights/remap.ts";

export type { NamedTensors };

/** The picture input of a model. A fixed size is one the architecture cannot do without. */
export interface ImageInput {
  /** "image": (batch, 3, height, width). "video": (batch, 3, frames, height, width). */
  readonly kind: "image" | "video";
  /** Fixed height and width, or "free" when any size works. */
  readonly size: "free" | { readonly height: number; readonly width: number };
  /** The size it was made for: what counting and benchmarks use when nobody says otherwise. */
  readonly usual: { readonly height: number; readonly width: number; readonly frames?: number };
}

export interface Architecture<Config> {
  /** As in config.json. */
  readonly name: string;
  /** Where it comes from. */
  readonly paper: string;
  /** Checks and completes a configuration. Throws UsageError naming the field. */
  parseConfig(json: unknown): Config;
  input(config: Config): ImageInput;
  /**
   * Builds the forward pass. Every architecture gives `logits` and `features` (pooled, before the last layer); sparse ones also
   * `gaze.N.regions` and `gaze.N.points`.
   */
  build(scope: Scope, image: Tensor, config: Config, mode: Mode): Readonly<Record<string, Tensor>>;
  /** Official tensors of any release -> today's names and shapes for this configuration. */
  adoptWeights(tensors: NamedTensors, config: Config): NamedTensors;
  /** Evaluation preprocessing, in the transform language. */
  transform(config: Config): string;
  /** Name of the configuration's field that says how many classes (or embedding channels) `logits` has. */
  readonly classesField: string;
  /** "logits" are class scores, or an image embedding to compare with others. */
  readonly answers: (config: Config) => "classes" | "embedding";
}
