// How a video is looked at for one answer, and what that costs: so many clips, each in so many crops. Papers on Kinetics say both, because the same
// model costs thirty times as much with ten clips in three crops: "GFLOPs x (clips x crops)".
import { UsageError } from "../errors.ts";
import { type Clip, clipsAtRegularIndices, clipsOfSegments } from "./clips.ts";
import { frameAt, meanFrameSeconds } from "./times.ts";

export interface ClipPlan {
  /** Clips of a video. */
  readonly clips: number;
  /** Frames of a clip. */
  readonly frames: number;
  /** From a frame of a clip to its next one; undefined: a clip's frames are spread over the whole video. */
  readonly secondsBetweenFrames?: number | undefined;
  /** Crops of a frame along its longer side. */
  readonly crops: number;
}

/** Three crops are left, middle and right (or top, middle and bottom): what tests on Kinetics take. More overlap more. */
export const MOST_CLIP_CROPS = 10;
/** Frames that are looked at for one answer, each in every crop; more is a slip of the finger. */
const MOST_VIEWS = 100_000;

/** Throws UsageError for what is no plan. */
export function checkPlan(plan: ClipPlan): void {
  for (const name of ["clips", "frames", "crops"] as const) {
    const value = plan[name];
    if (!Number.isInteger(value) || value < 1)
      throw new UsageError(`${name} is ${value}`, "a whole number, at least 1");
  }
  if (plan.crops > MOST_CLIP_CROPS) throw new UsageError(`crops is ${plan.crops}`, `at most ${MOST_CLIP_CROPS}`);
  const views = plan.clips * plan.frames * plan.crops;
  if (views > MOST_VIEWS)
    throw new UsageError(
      `${plan.clips} clips of ${plan.frames} frames in ${plan.crops} crops are ${views} views for one answer`,
      `no more than ${MOST_VIEWS}`,
    );
  const { secondsBetweenFrames: seconds } = plan;
  if (seconds !== undefined && !(seconds > 0 && Number.isFinite(seconds)))
    throw new UsageError(`secondsBetweenFrames is ${seconds}`, "a number of seconds above 0");
}

/**
 * The clips of a plan. Frames that are so many seconds apart make clips in the middles of as many equal parts of the video (Kinetics' tests); without a
 * distance each clip goes over the whole video, a frame of each segment (Temporal Segment Networks). A video that is shorter than a clip repeats its last frame.
 *
 * @param times when the frames are shown, in seconds, ascending
 */
export function plannedClips(times: Float64Array, plan: ClipPlan): Clip[] {
  checkPlan(plan);
  const { clips, frames, secondsBetweenFrames } = plan;
  if (secondsBetweenFrames === undefined) return clipsOfSegments(times.length, { clips, frames });
  const step = Math.max(1, Math.round(secondsBetweenFrames / meanFrameSeconds(times)));
  const regular = clipsAtRegularIndices(times.length, {
    clips,
    frames,
    indicesBetweenFrames: step,
    placement: "middles",
  });
  // Where the rate varies, a number of frames is no time: each frame is the one that is shown then.
  return regular.map(({ indices }) => {
    const start = times[indices[0]!]!;
    return { indices: indices.map((_, at) => frameAt(times, start + at * secondsBetweenFrames)) };
  });
}

/**
 * "12.0 GFLOPs x (4 clips x 3 crops)": what an answer costs, as papers write it. A multiplication with an addition counts as one, as there.
 *
 * @param macs multiply-accumulates of one view; undefined where nobody can count them
 * @param what what is looked at that often: clips, or frames of a model of pictures
 */
export function describePlanCost(macs: number | undefined, views: { readonly [what: string]: number }): string {
  const times = Object.entries(views).map(([what, count]) => `${count} ${count === 1 ? what.replace(/s$/, "") : what}`);
  return `${macs === undefined ? "unknown" : gigas(macs)} GFLOPs x (${times.join(" x ")})`;
}

const gigas = (macs: number) => (macs / 1e9).toPrecision(macs >= 1e11 ? 4 : 3);
