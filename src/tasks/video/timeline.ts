// A long video in windows of equal length, and neighbours of one label as one segment.
import { UsageError } from "../../errors.ts";
import { requireSampleable, type TimedClip } from "../../video/clips.ts";
import { frameAt, meanFrameSeconds, videoEnd } from "../../video/times.ts";
import type { TimelineSegment, TimelineWindow } from "./results.ts";

/** A window and the clip that stands for it. */
export interface WindowClip extends TimedClip {
  readonly start: number;
  readonly end: number;
}

export interface WindowOptions {
  /** Length of a window in seconds. */
  readonly every: number;
  /** Frames of its clip. */
  readonly frames: number;
  /** From a frame to the next; undefined: spread over the window. A clip that is longer than its window looks beyond it. */
  readonly secondsBetweenFrames?: number | undefined;
}

/**
 * Windows from the first frame to the end, the last one perhaps shorter. Each has a clip around its middle.
 *
 * @param times when the frames are shown, in seconds, ascending
 * @throws UsageError for windows shorter than a frame
 */
export function timelineClips(times: Float64Array, options: WindowOptions): WindowClip[] {
  const { every, frames, secondsBetweenFrames } = options;
  if (!(every > 0) || !Number.isFinite(every)) throw new UsageError(`every is ${every}`, "a number of seconds above 0");
  const [begin, over] = [times[0]!, videoEnd(times)];
  const shortest = meanFrameSeconds(times);
  if (times.length > 1 && every < 0.999 * shortest)
    throw new UsageError(
      `windows of ${every} s are shorter than a frame, which is shown for ${shortest.toPrecision(3)} s`,
      "a window has at least one frame",
    );
  // What is hardly a window more is rounding.
  const count = times.length === 1 ? 1 : Math.max(1, Math.ceil((over - begin) / every - 1e-6));
  requireSampleable(count, frames);
  return Array.from({ length: count }, (_, window) => {
    const start = begin + window * every;
    const end = Math.min(over, start + every);
    const step = secondsBetweenFrames ?? (end - start) / frames;
    const first = (start + end - (frames - 1) * step) / 2;
    const seconds = Array.from({ length: frames }, (_, frame) => first + frame * step);
    return { start, end, seconds, indices: seconds.map((moment) => frameAt(times, moment)) };
  });
}

/** What a window is called where it is none of the model's classes. */
export const UNKNOWN_LABEL = "unknown";

/** Neighbouring windows whose likeliest label is the same, put together. */
export function segmentsOf(windows: readonly TimelineWindow[]): TimelineSegment[] {
  const runs: { first: TimelineWindow; last: TimelineWindow; scores: number[] }[] = [];
  for (const window of windows) {
    const run = runs.at(-1);
    const score = window.predictions[0]!.score;
    if (run !== undefined && namedIndex(run.first) === namedIndex(window)) {
      run.last = window;
      run.scores.push(score);
    } else runs.push({ first: window, last: window, scores: [score] });
  }
  return runs.map(({ first, last, scores }) => ({
    start: first.start,
    end: last.end,
    label: first.unknown === true ? UNKNOWN_LABEL : first.predictions[0]!.label,
    index: namedIndex(first),
    score: scores.reduce((sum, score) => sum + score, 0) / scores.length,
    windows: scores.length,
  }));
}

const namedIndex = ({ predictions, unknown }: TimelineWindow) => (unknown === true ? -1 : predictions[0]!.index);
