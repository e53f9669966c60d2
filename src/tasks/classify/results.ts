// What tasks answer.
import type { TokenGroups } from "../../image/token-groups.ts";
import type { ViewToPicture } from "../../image/transform.ts";
import type { ScoreKind } from "../../onnx/score-kind.ts";

export interface Prediction {
  readonly label: string;
  readonly index: number;
  /** Probability, 0..1; of a model with several labels a picture, of this label alone. */
  readonly score: number;
}

/**
 * One look: where each token's region and sampling points were, in 0..1 of the model's view (the picture after resizing and cropping). Of several
 * views, those of all, in 0..1 of the picture.
 */
export interface GazeStage {
  readonly name: string;
  readonly tokens: number;
  readonly pointsPerToken: number;
  /** tokens x (x1, y1, x2, y2) */
  readonly regions: Float32Array;
  /** tokens x points x (x, y) */
  readonly points: Float32Array;
}

/** Where a sparse model looked. */
export interface GazeResult {
  readonly stages: readonly GazeStage[];
  /** From the model's view to the whole picture. Of several views, from the picture to itself. */
  readonly viewToPicture: ViewToPicture;
  /** Of several views: where each lies on the picture. */
  readonly views?: readonly ViewToPicture[];
}

export interface ClassificationResult {
  /** Best first. */
  readonly predictions: readonly Prediction[];
  /** The part of the picture's area that the model saw, in all views together, 0..1: preprocessing may crop a panorama to its middle. */
  readonly seen: number;
  /** Whether the picture is none of the model's classes. Present where the model can say so: it learnt to, or its card has a least confidence. */
  readonly unknown?: boolean;
  /** Present when asked for and when the model has one. */
  readonly gaze?: GazeResult;
  /** What became of the picture's patches. Present when asked for and when the model goes on with fewer tokens. */
  readonly tokens?: TokenGroups;
}

/** Scores of one picture. */
export interface ScoreRow {
  /** One a class, as the model gives them. */
  readonly scores: Float32Array;
  /** What they are. */
  readonly kind: ScoreKind;
}

/** Everything a classifier says about one picture. */
export interface ClassScores extends ScoreRow {
  /** Above 0: the picture is none of the classes. Present where the model can say so: it learnt to, or its card has a least confidence. */
  readonly strangeness?: number;
  readonly gaze?: GazeResult;
  readonly tokens?: TokenGroups;
  /** The same after each step that was taken, from models that run in steps, whose scores are logits; the last one is `scores`. */
  readonly stepLogits?: readonly Float32Array[];
  /** Of a model in steps that says so: what it expected of all further steps, after each step but the last. */
  readonly stepValues?: readonly number[];
}
