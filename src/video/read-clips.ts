// The frames of several clips out of one video: every frame is decoded once, however many clips have it, and kept only until the last of them is
// together.
import { VideoError } from "../errors.ts";
import type { Clip } from "./clips.ts";
import type { Frame, Video } from "./video.ts";

/** A clip whose frames are there. */
export interface ReadClip<T> {
  /** Its place among the clips that were asked for. */
  readonly clip: number;
  /** What was kept of its frames, in its order. */
  readonly frames: readonly T[];
}

/**
 * Reads clips in the order in which they become complete: the one whose last frame comes first, first; of equals the one that was named first. No frame
 * is held longer than until the last clip that has it is given, so clips of a timeline need one clip's memory.
 *
 * @param keep what to keep of a frame: a model's view of it is much smaller than it
 * @throws VideoError, and AbortedError when the signal fires
 * @example
 * await using video = await openVideo("clip.mp4");
 * const clips = clipsAtRegularTimestamps(await video.timestamps(), { secondsBetweenClips: 1, frames: 8 });
 * for await (const { clip, frames } of readClips(video, clips, ({ image }) => image)) console.log(clips[clip]!.seconds[0], frames.length);
 */
export async function* readClips<T>(
  video: Video,
  clips: readonly Clip[],
  keep: (frame: Frame) => T,
  signal?: AbortSignal,
): AsyncGenerator<ReadClip<T>, void> {
  const lastOf = ({ indices }: Clip) => indices.reduce((most, index) => Math.max(most, index), -1);
  const waiting = clips.map((clip, number) => ({ number, clip, last: lastOf(clip) })).sort(byCompletion);
  const uses = new Map<number, number>();
  for (const { indices } of clips) for (const index of new Set(indices)) uses.set(index, (uses.get(index) ?? 0) + 1);
  const wanted = [...uses.keys()].sort((a, b) => a - b);
  const kept = new Map<number, T>();
  let next = 0;
  for await (const frame of video.frames(wanted, signal)) {
    kept.set(frame.index, keep(frame));
    for (; next < waiting.length && waiting[next]!.last <= frame.index; next++) {
      const { number, clip } = waiting[next]!;
      yield { clip: number, frames: clip.indices.map((index) => frameOf(kept, index, video.name)) };
      for (const index of new Set(clip.indices)) {
        const left = uses.get(index)! - 1;
        uses.set(index, left);
        if (left === 0) kept.delete(index);
      }
    }
  }
  if (next < waiting.length) throw missing(video.name, waiting[next]!.last);
}

const byCompletion = (a: { last: number; number: number }, b: { last: number; number: number }) =>
  a.last - b.last || a.number - b.number;

function frameOf<T>(kept: ReadonlyMap<number, T>, index: number, name: string): T {
  const value = kept.get(index);
  if (value === undefined) throw missing(name, index);
  return value;
}

const missing = (name: string, index: number) =>
  new VideoError(`${name} ends before its frame ${index}`, {
    code: "video_cut_off",
    hint: "copying or downloading it again may help",
    data: { index },
  });
