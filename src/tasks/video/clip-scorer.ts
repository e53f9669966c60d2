// What turns clips into scores of classes: a model that sees several frames at once (clip-engine.ts), or one of pictures that sees them one by one
// (frame-scorer.ts). Whoever reads videos knows only this.
import { SaccadeError } from "../../errors.ts";
import type { Transform } from "../../image/transform.ts";
import type { PictureView } from "../../image/view.ts";
import type { ModelCard } from "../../model-folder/model.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import type { SessionLayout } from "../../runtime/session-layout.ts";
import type { ClipGaze } from "../../video/gaze.ts";
import { doubtOf, meanScores } from "../classify/class-scores.ts";
import type { ExitOptions, StopReason } from "../classify/exit-rule.ts";
import type { ScoreRow } from "../classify/results.ts";
import type { ViewedClip, ViewedFrame } from "./clip-views.ts";
import type { VideoViews } from "./results.ts";

/** What a model says about a clip, all of its crops together. */
export interface ClipScores extends ScoreRow {
  /** Above 0: none of the classes. Present where the model can say so. */
  readonly strangeness?: number;
  /** One a crop (and frame, of a model of pictures). */
  readonly gaze?: readonly ClipGaze[];
  /** One a crop, of a model that runs in steps. */
  readonly efforts?: readonly ClipEffort[];
}

/** What a clip in a crop cost where the model could stop early. */
export interface ClipEffort {
  /** Steps that were taken, at least 1. */
  readonly steps: number;
  /** Multiply-accumulates of these. */
  readonly macs: number;
  readonly stopped: StopReason;
}

/** Which looks are kept of those that a model takes: they are many numbers. */
export type KeptLooks = "none" | "last" | "all";

export interface ScoreClipsOptions {
  readonly looks: KeptLooks;
  /** Clips, or frames, run together at most. */
  readonly batchSize?: number | undefined;
  /** When a model that runs in steps may stop. */
  readonly exit?: ExitOptions;
  readonly signal?: AbortSignal | undefined;
}

export interface ClipScorer {
  readonly kind: VideoViews["kind"];
  readonly card: ModelCard;
  readonly labels: readonly string[] | undefined;
  readonly transform: Transform;
  readonly device: ActualDevice;
  readonly layout: SessionLayout;
  /** The steps of a model that was opened to run in steps; it takes `exit`. */
  readonly steps?: readonly string[];
  /** Whether the model can say where it looked. */
  readonly looks: boolean;
  /** Where there is no output that says what is none of the classes: the probability that an answer must have. */
  readonly unknownBelow: number | undefined;
  /** Frames of a clip where nobody says, and whether the model takes no other number. */
  readonly frames: { readonly usual: number; readonly isFixed: boolean };
  /** Multiply-accumulates of one crop of a clip of so many frames, or of one frame. */
  macs(frames: number): number | undefined;
  /** A row a clip, or why it has none. */
  score(clips: readonly ViewedClip[], options: ScoreClipsOptions): Promise<(ClipScores | SaccadeError)[]>;
  dispose(): Promise<void>;
}

/**
 * One row from those of several looks at one thing: the mean of their probabilities.
 *
 * @param unknownBelow the probability that an answer must have; of a model that has an output for what it does not know, undefined
 */
export function meanOfLooks(rows: readonly ClipScores[], unknownBelow: number | undefined): ClipScores {
  const row = meanScores(rows);
  const strange = rows.flatMap(({ strangeness }) => strangeness ?? []);
  const strangeness =
    unknownBelow !== undefined
      ? doubtOf(row, unknownBelow)
      : strange.length === 0
        ? undefined
        : strange.reduce((sum, value) => sum + value, 0) / strange.length;
  const gaze = rows.flatMap((one) => one.gaze ?? []);
  const efforts = rows.flatMap((one) => one.efforts ?? []);
  return {
    scores: row.scores,
    kind: row.kind,
    ...(strangeness === undefined ? {} : { strangeness }),
    ...(gaze.length === 0 ? {} : { gaze }),
    ...(efforts.length === 0 ? {} : { efforts }),
  };
}

/** The same where some may have failed: the first failure stands for all. */
export function meanOrError(
  rows: readonly (ClipScores | SaccadeError)[],
  unknownBelow: number | undefined,
): ClipScores | SaccadeError {
  const failed = rows.find((row) => row instanceof SaccadeError);
  return failed ?? meanOfLooks(rows as readonly ClipScores[], unknownBelow);
}

/**
 * Rows of clips from those of their frames (and crops), each of which is scored by itself: a row a clip, of as many as it has views. A frame that stands for several
 * of a clip is scored once.
 *
 * @param score gives as many rows as there are views, in their order
 */
export async function rowsOfFrames<Row, Answer>(
  clips: readonly ViewedClip[],
  score: (views: readonly PictureView[]) => Promise<readonly Row[]>,
  answerOf: (row: Row, frame: ViewedFrame, crop: number) => Answer,
): Promise<Answer[][]> {
  const shown = clips.map((clip) => clip.flatMap((frame) => frame.views.map((view, crop) => ({ frame, view, crop }))));
  const all = shown.flat();
  const views = [...new Set(all.map(({ view }) => view))];
  const scored = await score(views);
  const rows = new Map(views.map((view, i): [PictureView, Row] => [view, scored[i]!]));
  return regrouped(
    all.map(({ frame, view, crop }) => answerOf(rows.get(view)!, frame, crop)),
    shown.map(({ length }) => length),
  );
}

/** Items in groups of so many, in their order. */
export function groupsOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

/** What each of several had, out of a flat list of all. */
export function regrouped<T>(flat: readonly T[], counts: readonly number[]): T[][] {
  let at = 0;
  return counts.map((count) => {
    at += count;
    return flat.slice(at - count, at);
  });
}
