// What `train` takes and gives.
import type { DataProblem } from "../data/dataset.ts";
import type { TokenDial } from "../model-folder/token-dial.ts";
import type { Device } from "../runtime/session.ts";
import type { EpochChoice } from "../train/epoch-choice.ts";
import type { MeasuredChoice } from "../train/measured-choice.ts";
import type { RecipeOverrides } from "../train/recipe.ts";
import type { Recipe, RecipeInput } from "../train/recipe-fields.ts";
import type { StagedRecipeInput } from "../train/staged-recipe.ts";
import type { TrainHooks } from "../train/train-run.ts";

export interface TrainOptions extends TrainJobHooks {
  /**
   * A recipe's name, the path of a recipe's JSON file, or the recipe itself. Default: one that fine-tunes the bundled model, in batches as large
   * as the data allows.
   */
  readonly recipe?: string | RecipeInput | StagedRecipeInput;
  /** The model whose weights it begins with, with a new last layer; "scratch": none. Default: what the recipe says. */
  readonly from?: string;
  /** An ONNX model with an output `features` to learn from too, or what it said in another run: that one's teacher.safetensors. */
  readonly teacher?: string;
  /** A folder of pictures without labels, of which the teacher alone says what they are; the recipe's teacher must see views. */
  readonly unlabelled?: string;
  /** With a recipe that learns without labels: labelled pictures that its features are tried on as it learns. */
  readonly probe?: ProbeOptions;
  /** The run's folder. Default: runs/RECIPE, or the next that is free. */
  readonly folder?: string;
  /** Goes on with the run in the folder, which knows its data and all that it began with. */
  readonly resume?: boolean;
  /** Of a recipe of several stages, this one alone, from 1. */
  readonly stage?: number;
  /** Instead of the recipe's. The warm-up keeps its share. */
  readonly epochs?: number;
  /** Pictures in a batch, instead of the recipe's. */
  readonly batch?: number;
  /** Instead of the recipe's. */
  readonly learningRate?: number;
  /** Instead of the recipe's. */
  readonly seed?: number;
  /** With how many tokens the model goes on (docs/tokens.md), instead of what the recipe says. */
  readonly tokens?: TokenDial;
  /** Share kept for validation where the data has no split of its own, 0..1. */
  readonly validationFraction?: number;
  /** Threads that decode and augment. Default: one less than there are cores. */
  readonly workers?: number;
  /** Where to run. Default: where the run began, else "auto". */
  readonly device?: Device;
  /** Threads of the engine. Default: with as many as the run began, else all cores. */
  readonly threads?: number;
  /** How often a checkpoint is written within an epoch: so much is lost at most when the machine stops. Default 120. */
  readonly checkpointSeconds?: number;
  /** Steps between lines of metrics.jsonl. Default 50. */
  readonly logEvery?: number;
  /** Stops after the step under way, with a checkpoint to resume from. */
  readonly signal?: AbortSignal;
}

/** How features are tried while a model learns without labels. */
export interface ProbeOptions {
  /** Labelled pictures, in any layout that training takes: a linear classifier is fitted to those for training, and tried on those for validation. */
  readonly data: string;
  /** Epochs from one probe to the next; there is also one before the first epoch, and one after the last. Default 5. */
  readonly every?: number;
  /** Whose values the features are (`saccade inspect MODEL` lists layers), of maps and tokens their mean. Default: those before the last layer. */
  readonly layer?: string;
}

/** What a run is about to do. */
export interface TrainPlan {
  readonly recipe: Recipe;
  readonly folder: string;
  readonly labels: readonly string[];
}

/** Called while it works, on the thread that called `train`. What they throw ends the run. */
export interface TrainJobHooks extends TrainHooks {
  /** What a person should know, a line at a time: what the data is, what was decided and why. */
  readonly onNotice?: (line: string) => void;
  /** Of a recipe of several stages, for each. */
  readonly onPlan?: (plan: TrainPlan) => void;
  /** After each stage of a recipe of several. */
  readonly onStageResult?: (result: TrainResult) => void;
}

/** A finished run. */
export interface TrainResult {
  readonly folder: string;
  /** Folder of the model to use: `Classifier.load(result.model)`. */
  readonly model: string;
  /** Folder of the last epoch's model. */
  readonly last: string;
  readonly recipe: string;
  readonly labels: readonly string[];
  /** Path of the data. */
  readonly data: string;
  /** Which epoch `model` is of, how right it is and how sure that is; undefined without held-out pictures, where it is the last one. */
  readonly choice?: EpochChoice;
  /** The same of a run over annotated pictures: by AP, mIoU or PQ; undefined where nothing could be measured. */
  readonly measured?: MeasuredChoice;
  /** Pictures that could not be used. */
  readonly problems: readonly DataProblem[];
}

/** What the options say instead of the recipe. */
export function overridesOf({ epochs, batch, learningRate, seed, tokens }: TrainOptions): RecipeOverrides {
  return {
    ...(epochs === undefined ? {} : { epochs }),
    ...(batch === undefined ? {} : { batch }),
    ...(learningRate === undefined ? {} : { learning_rate: learningRate }),
    ...(seed === undefined ? {} : { seed }),
    ...(tokens === undefined ? {} : { tokens }),
  };
}
