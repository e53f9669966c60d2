// Videos in parts that go through the model one after another: a video's clips together, or the windows of its timeline one by one. A part that is whole is
// read by several decoders side by side; windows come from one decoder, which is never further ahead than the model has room for.
import { AbortedError, SaccadeError, VideoError } from "../../errors.ts";
import type { PictureSize } from "../../image/raw-image.ts";
import { type Transform, transformOutputSize } from "../../image/transform.ts";
import { type ClipPlan, plannedClips } from "../../video/evaluation-plan.ts";
import { readClips } from "../../video/read-clips.ts";
import { videoEnd } from "../../video/times.ts";
import type { Video } from "../../video/video.ts";
import type { Reserve } from "../engine/picture-stream.ts";
import { readAhead } from "../engine/read-ahead.ts";
import { bytesOfClips, type ViewedClip, viewFrame } from "./clip-views.ts";
import { timelineClips } from "./timeline.ts";

/** What is known of a video when its clips are. */
export interface VideoSpan extends PictureSize {
  readonly start: number;
  readonly end: number;
}

export interface ReadPart extends VideoSpan {
  readonly clips: readonly ViewedClip[];
  /** Why the video ends before it should, in its last part. */
  readonly cutOff?: SaccadeError | undefined;
}

/** Clips that are answered together. */
export interface VideoPart<S> {
  readonly source: S;
  /** Which of the videos, from 0. */
  readonly video: number;
  /** How many clips the whole video has; 0 where nobody knows. */
  readonly clips: number;
  /** Of a timeline, when its window is. */
  readonly window?: { readonly start: number; readonly end: number };
  /** Whether nothing of this video comes after it. */
  readonly isLast: boolean;
  /** Throws VideoError, LimitError and what opening a video throws. */
  read(reserve: Reserve): Promise<ReadPart>;
}

export interface PartsOptions {
  readonly transform: Transform;
  readonly plan: ClipPlan;
  readonly every?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Opens a source; what it gives belongs to whoever asked. */
export type OpenVideo<S> = (source: S) => Promise<Video>;

/** Every video as one part. Whoever reads it opens, decodes and closes it. */
export async function* wholeVideos<S>(
  sources: Iterable<S> | AsyncIterable<S>,
  open: OpenVideo<S>,
  options: PartsOptions,
): AsyncGenerator<VideoPart<S>> {
  let count = 0;
  for await (const source of sources) {
    const part: VideoPart<S> = {
      source,
      video: count++,
      clips: options.plan.clips,
      isLast: true,
      read: (reserve) => readWhole(open, source, options, reserve),
    };
    yield part;
  }
}

async function readWhole<S>(
  open: OpenVideo<S>,
  source: S,
  { plan, transform, signal }: PartsOptions,
  reserve: Reserve,
): Promise<ReadPart> {
  await using video = await open(source);
  const times = await timesOf(video, signal);
  const clips = plannedClips(times, plan);
  await reserve(viewBytes(video.facts, transform) * plan.crops * new Set(clips.flatMap(({ indices }) => indices)).size);
  const viewed = new Array<ViewedClip>(clips.length);
  for await (const { clip, frames } of readClips(
    video,
    clips,
    (frame) => viewFrame(frame, transform, plan.crops),
    signal,
  ))
    viewed[clip] = frames;
  return { ...spanOf(video, times), clips: viewed, cutOff: await video.cutOff?.(signal) };
}

/** A part for every window of every video. A video that cannot be read on ends with a part that says so. */
export async function* windowsOfVideos<S>(
  sources: Iterable<S> | AsyncIterable<S>,
  open: OpenVideo<S>,
  options: PartsOptions & { readonly every: number },
): AsyncGenerator<VideoPart<S>> {
  const { signal } = options;
  let number = 0;
  let isOver = false;
  const openVideos = new Set<Video>();
  const close = async (video: Video) => {
    openVideos.delete(video);
    await video[Symbol.asyncDispose]();
  };
  const prepare = async (source: S) => {
    try {
      const video = await open(source);
      openVideos.add(video);
      const times = await timesOf(video, signal);
      if (isOver) await close(video); // nobody waits for it any more
      return { source, video, times };
    } catch (error) {
      return { source, error };
    }
  };
  try {
    for await (const one of readAhead(sources, prepare, { parallel: 1, ahead: 2 })) {
      const common = { source: one.source, video: number++ };
      try {
        if ("error" in one) throw one.error;
        yield* windowsOf(one.video, one.times, common, options);
        await close(one.video);
      } catch (error) {
        yield failedPart(common, error);
      }
    }
  } finally {
    isOver = true;
    await Promise.all([...openVideos].map(close));
  }
}

async function* windowsOf<S>(
  video: Video,
  times: Float64Array,
  common: { readonly source: S; readonly video: number },
  { plan, transform, every, signal }: PartsOptions & { readonly every: number },
): AsyncGenerator<VideoPart<S>> {
  const windows = timelineClips(times, { ...plan, every });
  const span = spanOf(video, times);
  const cutOff = await video.cutOff?.(signal);
  for await (const { clip, frames } of readClips(
    video,
    windows,
    (frame) => viewFrame(frame, transform, plan.crops),
    signal,
  )) {
    const { start, end } = windows[clip]!;
    const isLast = clip === windows.length - 1;
    const read = async (reserve: Reserve) => {
      await reserve(bytesOfClips([frames]));
      return { ...span, clips: [frames], ...(isLast ? { cutOff } : {}) };
    };
    yield { ...common, clips: windows.length, window: { start, end }, isLast, read };
  }
}

/** Only what is a video's own trouble is its part's. */
function failedPart<S>(common: { readonly source: S; readonly video: number }, error: unknown): VideoPart<S> {
  if (!(error instanceof SaccadeError) || error instanceof AbortedError) throw error;
  return { ...common, clips: 0, isLast: true, read: () => Promise.reject(error) };
}

async function timesOf(video: Video, signal: AbortSignal | undefined): Promise<Float64Array> {
  const times = await video.timestamps(signal);
  if (times.length > 0) return times;
  throw new VideoError(`${video.name} has no frames`, { code: "video_empty" });
}

function spanOf({ facts: { width, height } }: Video, times: Float64Array): VideoSpan {
  return { width, height, start: times[0]!, end: videoEnd(times) };
}

function viewBytes({ width, height }: PictureSize, transform: Transform): number {
  const size = transformOutputSize(transform, width, height);
  return 3 * size.width * size.height;
}
