// Which frames of a video a model sees: clips, as lists of frames' numbers, from a video's frame count or from the times of its frames. Samplers, ranges
// and policies behave as torchcodec's (docs: torchcodec.samplers), whose names they have. Nothing here decodes.
import { UsageError } from "../errors.ts";
import type { RandomSource } from "../random.ts";
import { frameAt, videoEnd } from "./times.ts";

/** Frames of all clips that are asked for at once: numbers in memory. */
const MOST_SAMPLED_FRAMES = 10_000_000;

export const CLIP_POLICIES = ["repeatLast", "wrap", "error"] as const;
/**
 * What stands for the frames of a clip that would lie beyond the end of the video.
 *
 * - "repeatLast": the clip's last frame that is there
 * - "wrap": the clip's frames from its beginning again
 * - "error": nothing: a clip that does not fit is a UsageError
 */
export type ClipPolicy = (typeof CLIP_POLICIES)[number];

/** Frames that a model sees together, in its order. */
export interface Clip {
  /** Their numbers in the video, from 0. One may be there more than once. */
  readonly indices: readonly number[];
}

interface CommonClipOptions {
  /** Frames of a clip. Default 1. */
  readonly frames?: number;
  /** Default "repeatLast". */
  readonly policy?: ClipPolicy;
}

export interface IndexClipOptions extends CommonClipOptions {
  /** How many clips. Default 1. */
  readonly clips?: number;
  /** From a frame of a clip to its next one: 1 takes each, 2 every other. Default 1. */
  readonly indicesBetweenFrames?: number;
  /** The first number a clip may begin with; below 0 it counts from the end. Default 0. */
  readonly rangeStart?: number;
  /** The first number a clip may not begin with any more; below 0 it counts from the end. Default: so that clips end within the video where it is long enough. */
  readonly rangeEnd?: number;
}

export const CLIP_PLACEMENTS = ["ends", "middles"] as const;
/** Where regular clips begin: from one end of the range to the other, or in the middles of as many equal parts of it. */
export type ClipPlacement = (typeof CLIP_PLACEMENTS)[number];

export interface RegularIndexClipOptions extends IndexClipOptions {
  /** Default "ends", torchcodec's: one clip begins where the range does. "middles" is what tests on Kinetics take: one clip from the middle. */
  readonly placement?: ClipPlacement;
}

/** A sampler that draws takes its numbers from here. */
export interface Drawing {
  readonly random: RandomSource;
}

export interface TimestampClipOptions extends CommonClipOptions {
  /** From a frame of a clip to its next one. Default: the mean time between frames. */
  readonly secondsBetweenFrames?: number;
  /** The first moment a clip may begin at. Default: when the first frame is shown. */
  readonly rangeStart?: number;
  /** Clips begin before this moment. Default: so that clips end within the video where it is long enough. */
  readonly rangeEnd?: number;
  /** When the last frame's time is over. Default: after as long as frames last at the median. */
  readonly endSeconds?: number;
}

/** A clip that was asked for by time. */
export interface TimedClip extends Clip {
  /** The moments its frames were asked for: each frame is the one shown then. Where frames are repeated or wrapped, so are the moments. */
  readonly seconds: readonly number[];
}

/**
 * Clips whose first frames are equally far apart.
 *
 * @param count how many frames the video has
 * @throws UsageError for options that make no sense, no frames, and clips that do not fit under the policy "error"
 * @example clipsAtRegularIndices(100, { clips: 3, frames: 4, indicesBetweenFrames: 2 }) // begin at 0, 46 and 93
 */
export function clipsAtRegularIndices(count: number, options: RegularIndexClipOptions = {}): Clip[] {
  const { clips, first, end, make } = indexRange(count, options);
  const starts = Array.from({ length: clips }, (_, clip) =>
    options.placement === "middles"
      ? first + Math.floor(((clip + 0.5) * (end - first)) / clips)
      : first + (clips === 1 ? 0 : Math.floor((clip * (end - 1 - first)) / (clips - 1))),
  );
  return starts.map(make);
}

/** Clips that begin anywhere in the range, all numbers equally likely. Parameters and errors as `clipsAtRegularIndices`. */
export function clipsAtRandomIndices(count: number, options: IndexClipOptions & Drawing): Clip[] {
  const { clips, first, end, make } = indexRange(count, options);
  return Array.from({ length: clips }, () => make(first + options.random.integer(end - first)));
}

export interface SegmentClipOptions extends Partial<Drawing> {
  /** Default 1. */
  readonly clips?: number;
  readonly frames?: number;
}

/**
 * Clips over the whole video: it is cut into `frames` equal segments, and a clip has one frame of each (Temporal Segment Networks, Wang et al., 2016; TSM
 * samples so too). With `random` any frame of a segment, else the middle; several clips share out the segments equally. Of a video with fewer frames
 * than segments some are there more than once.
 *
 * @throws UsageError for options that make no sense and no frames
 * @example clipsOfSegments(80, { frames: 8 }) // one clip: 5, 15, …, 75
 */
export function clipsOfSegments(count: number, options: SegmentClipOptions = {}): Clip[] {
  checkCount(count);
  const clips = counted("clips", options.clips ?? 1);
  const frames = counted("frames", options.frames ?? 1);
  requireSampleable(clips, frames);
  const { random } = options;
  return Array.from({ length: clips }, (_, clip) => ({
    indices: Array.from({ length: frames }, (_, frame) => {
      const inside = random?.uniform() ?? (clip + 0.5) / clips;
      return Math.min(count - 1, Math.floor(((frame + inside) * count) / frames));
    }),
  }));
}

/**
 * Clips that begin every so many seconds. Each frame is the one that is shown at its moment, whatever the rate does.
 *
 * @param times when the frames are shown, in seconds, ascending: `Video.timestamps`
 * @throws UsageError as `clipsAtRegularIndices`
 * @example clipsAtRegularTimestamps(Float64Array.of(0, 0.5, 1, 1.5), { secondsBetweenClips: 1, frames: 2, secondsBetweenFrames: 0.5 })
 */
export function clipsAtRegularTimestamps(
  times: Float64Array,
  options: TimestampClipOptions & {
    /** From a clip's beginning to the next one's. */
    readonly secondsBetweenClips: number;
  },
): TimedClip[] {
  const { start, end, make } = timeRange(times, options);
  const every = positive("secondsBetweenClips", options.secondsBetweenClips);
  // What is hardly within the range is rounding: ten clips a second of one second are ten.
  const clips = Math.max(1, Math.ceil((end - start) / every - 1e-6));
  requireSampleable(clips, options.frames ?? 1);
  return Array.from({ length: clips }, (_, clip) => make(start + clip * every));
}

/** Clips that begin at any moment of the range, all equally likely. Parameters and errors as `clipsAtRegularTimestamps`. */
export function clipsAtRandomTimestamps(
  times: Float64Array,
  options: TimestampClipOptions & Drawing & { readonly clips?: number },
): TimedClip[] {
  const { start, end, make } = timeRange(times, options);
  const clips = counted("clips", options.clips ?? 1);
  requireSampleable(clips, options.frames ?? 1);
  return Array.from({ length: clips }, () => make(options.random.between(start, end)));
}

function indexRange(count: number, options: IndexClipOptions) {
  checkCount(count);
  const clips = counted("clips", options.clips ?? 1);
  const frames = counted("frames", options.frames ?? 1);
  requireSampleable(clips, frames);
  const step = counted("indicesBetweenFrames", options.indicesBetweenFrames ?? 1);
  const policy = options.policy ?? "repeatLast";
  const absolute = (name: string, index: number) => {
    if (!Number.isInteger(index))
      throw new UsageError(`${name} is ${index}`, "a whole number; below 0 it counts from the end");
    return index < 0 ? count + index : index;
  };
  const span = (frames - 1) * step + 1;
  const first = absolute("rangeStart", options.rangeStart ?? 0);
  if (first < 0 || first >= count)
    throw new UsageError(
      `rangeStart is ${options.rangeStart}, but the video has ${count} frames`,
      "clips begin within the video",
    );
  const end =
    options.rangeEnd === undefined
      ? Math.max(first + 1, count - span + 1)
      : Math.min(count, absolute("rangeEnd", options.rangeEnd));
  if (end <= first) throw emptyRange(`${first}`, `${end}`, "frame");
  const make = (start: number): Clip => {
    const indices: number[] = [];
    for (let index = start; indices.length < frames && index < count; index += step) indices.push(index);
    if (indices.length < frames)
      refuseUnder(policy, `a clip of ${span} frames from frame ${start} on`, `frame ${count - 1}`);
    return { indices: filled(indices, frames, policy) };
  };
  return { clips, first, end, make };
}

function timeRange(times: Float64Array, options: TimestampClipOptions) {
  checkCount(times.length);
  const frames = counted("frames", options.frames ?? 1);
  const policy = options.policy ?? "repeatLast";
  const [begin, over] = [times[0]!, options.endSeconds ?? videoEnd(times)];
  if (!(over > begin)) throw new UsageError(`endSeconds is ${over}, but the video begins at ${begin}`);
  const step = positive("secondsBetweenFrames", options.secondsBetweenFrames ?? (over - begin) / times.length);
  const span = (frames - 1) * step;
  const start = finite("rangeStart", options.rangeStart ?? begin);
  if (start < begin || start >= over)
    throw new UsageError(
      `rangeStart is ${start} s, but the video is shown from ${begin} s to ${over} s`,
      "clips begin within the video",
    );
  const fitting = over - span;
  const end = options.rangeEnd === undefined ? fitting : Math.min(over, finite("rangeEnd", options.rangeEnd));
  if (options.rangeEnd !== undefined && end <= start) throw emptyRange(`${start} s`, `${end} s`, "moment");
  const make = (from: number): TimedClip => {
    const seconds: number[] = [];
    for (let frame = 0; frame < frames; frame++) {
      const moment = from + frame * step;
      if (moment >= over && frame > 0) break;
      seconds.push(moment);
    }
    if (seconds.length < frames) refuseUnder(policy, `a clip of ${span} s from ${from} s on`, `${over} s`);
    const whole = filled(seconds, frames, policy);
    return { seconds: whole, indices: whole.map((moment) => frameAt(times, moment)) };
  };
  return { start, end: Math.max(start, end), make };
}

/** A clip of the frames that are there, brought to its length. */
function filled(there: readonly number[], length: number, policy: ClipPolicy): number[] {
  return Array.from({ length }, (_, at) =>
    policy === "wrap" ? there[at % there.length]! : there[Math.min(at, there.length - 1)]!,
  );
}

function refuseUnder(policy: ClipPolicy, clip: string, end: string): void {
  if (policy === "error")
    throw new UsageError(
      `${clip} does not fit: the video ends at ${end}`,
      'take fewer frames, or say what to do with the policy: "repeatLast" or "wrap"',
    );
}

const emptyRange = (start: string, end: string, what: string) =>
  new UsageError(
    `the range from ${start} to ${end} has no ${what} that a clip could begin at`,
    "rangeStart is before rangeEnd",
  );

function checkCount(count: number): void {
  if (!Number.isInteger(count) || count < 1)
    throw new UsageError(`there are no clips of a video with ${count} frames`, "a video has at least one frame");
}

function counted(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) throw new UsageError(`${name} is ${value}`, "a whole number, at least 1");
  return value;
}

/** Throws UsageError for more frames than there is memory for their numbers. */
export function requireSampleable(clips: number, frames: number): void {
  if (clips * frames > MOST_SAMPLED_FRAMES)
    throw new UsageError(
      `${clips} clips of ${frames} frames are too many`,
      `at most ${MOST_SAMPLED_FRAMES} frames in all`,
    );
}

function finite(name: string, value: number): number {
  if (!Number.isFinite(value)) throw new UsageError(`${name} is ${value}`, "a number of seconds");
  return value;
}

function positive(name: string, value: number): number {
  if (!(value > 0) || !Number.isFinite(value))
    throw new UsageError(`${name} is ${value}`, "a number of seconds above 0");
  return value;
}
