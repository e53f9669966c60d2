// What a training run takes, and what it reports on its way.
import type { Loader } from "../data/loader.ts";
import type { NativeModel } from "../model-folder/model.ts";
import type { LoweringTarget } from "../onnx/lower.ts";
import type { Files } from "../platform/host.ts";
import type { ActualDevice, Session, SessionOptions } from "../runtime/session.ts";
import type { TensorData } from "../tensor.ts";
import type { PictureScores } from "./epoch-choice.ts";
import type { PlaceScore } from "./measured-choice.ts";
import type { Recipe } from "./recipe-fields.ts";
import type { ResumedRun, Run } from "./run/run-folder.ts";

/** What evaluation answers; fractions in 0..1. */
export interface Evaluation {
  readonly loss: number;
  readonly top1: number;
  readonly top5: number;
  /** How many pictures were scored. */
  readonly pictures: number;
  /** For models that look several times: top-1 after each look. */
  readonly looks?: readonly number[];
  /** For models in which the picture decides how many tokens go on: the mean share that is left after each place where it does. */
  readonly left?: readonly number[];
}

/** How well a linear classifier does on the model's features, which it alone is fitted to: what pre-training comes to. */
export interface ProbeScore {
  /** Fractions in 0..1, of pictures that the classifier was not fitted to. */
  readonly top1: number;
  readonly top5: number;
  readonly pictures: number;
}

/** An evaluation, and what of each picture it was made of. */
export interface ScoredEvaluation {
  readonly evaluation: Evaluation;
  readonly scores: PictureScores;
}

/** Where training stands. Averages are over the steps since the last line of metrics. */
export interface FitReport {
  /** The epoch under way, from 0. */
  readonly epoch: number;
  readonly epochs: number;
  /** Batches done of the epoch. */
  readonly batch: number;
  readonly batchesPerEpoch: number;
  /** Batches done since the run began. */
  readonly step: number;
  readonly totalSteps: number;
  readonly batchSize: number;
  readonly loss: number;
  /** Fraction, 0..1: the targets' share of the predicted class, so mixed pictures never reach 1. Undefined where what is learnt has no answer. */
  readonly accuracy: number | undefined;
  readonly learningRate: number;
  readonly imagesPerSecond: number;
  /** Share of the time that steps waited for data, 0..1. */
  readonly waitShare: number;
  /** Until the last epoch ends, at the present pace, evaluations included. */
  readonly secondsLeft: number;
}

/** What a run is busy with. */
export type FitStage = "compiling" | "training" | "evaluating" | "probing";

export interface FitOptions {
  readonly recipe: Recipe;
  /** The model to begin with: its definition, card and first weights. A resumed run takes weights from its checkpoint. */
  readonly model: NativeModel;
  readonly classes: number;
  readonly loader: Loader;
  /** Of the features that the loader's batches bring from a teacher, where the recipe learns from them. */
  readonly teacherWidth?: number;
  readonly run: Run | ResumedRun;
  readonly files: Files;
  /** Which kernels the sessions have. Default "onnxruntime". */
  readonly target?: LoweringTarget;
  /** Opens the step's session; the options carry the state. */
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
  /** Scores parameters on held-out data; undefined when there is none. May throw AbortedError when the signal fires. */
  readonly evaluate?: (
    weights: ReadonlyMap<string, TensorData>,
    signal: AbortSignal | undefined,
  ) => Promise<ScoredEvaluation>;
  /**
   * Measures on held-out pictures how well places are found, after every `every`-th epoch and the last; undefined for none. `score` answers undefined when nothing can be
   * measured, and may throw AbortedError.
   */
  readonly measure?: {
    readonly every: number;
    score(weights: ReadonlyMap<string, TensorData>, signal: AbortSignal | undefined): Promise<PlaceScore | undefined>;
  };
  /** Measures features, before the first step and after every `every`-th epoch and the last; undefined for none. May throw AbortedError. */
  readonly probe?: {
    readonly every: number;
    score(weights: ReadonlyMap<string, TensorData>, signal: AbortSignal | undefined): Promise<ProbeScore>;
  };
  /** Once, when the session is open: where it computes. */
  readonly onDevice?: (device: ActualDevice) => Promise<void>;
  /** When it begins with something else. */
  readonly onStage?: (stage: FitStage) => void;
  /** Before the step is compiled: a bound of the bytes that it takes. */
  readonly onMemory?: (bytes: number) => void;
  /** After every step. */
  readonly onStep?: (report: FitReport) => void;
  /** With every line of metrics. */
  readonly onReport?: (report: FitReport) => void;
  /** With the epoch's last report, unless that was made before the run was resumed. */
  readonly onEpoch?: (
    epoch: number,
    report: FitReport | undefined,
    evaluation: Evaluation | undefined,
    places: PlaceScore | undefined,
  ) => void;
  /** After each probe: of how many epochs' training it is. */
  readonly onProbe?: (epochs: number, score: ProbeScore) => void;
  /** Default 120. */
  readonly checkpointSeconds?: number;
  /** Steps between lines of metrics. Default 50. */
  readonly logEvery?: number;
  /** Stops after the step under way, with a checkpoint. */
  readonly signal?: AbortSignal;
}
