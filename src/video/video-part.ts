// A part of a video as a video of its own: what a list's row with `start` and `end` means.
import { UsageError } from "../errors.ts";
import { videoEnd } from "./times.ts";
import type { Frame, ReadVideoOptions, Video } from "./video.ts";

/** In seconds of the video; undefined: from its beginning, to its end. */
export interface VideoPart {
  readonly start?: number | undefined;
  readonly end?: number | undefined;
}

/**
 * The frames that are shown from `start` on and before `end`, numbered from 0, with the times that they have in the whole; the one that is shown at
 * `start` is among them. Closing it closes the video.
 *
 * @throws UsageError for a part that has no frame
 */
export async function partOfVideo(video: Video, { start, end }: VideoPart): Promise<Video> {
  if (start === undefined && end === undefined) return video;
  const times = await video.timestamps();
  const first =
    start === undefined
      ? 0
      : Math.max(
          0,
          times.findLastIndex((time) => time <= start),
        );
  const past = end === undefined ? times.length : times.findLastIndex((time) => time < end) + 1;
  if (past <= first || (start !== undefined && start >= videoEnd(times)))
    throw new UsageError(
      `${video.name} has no frame from ${start ?? 0} s to ${end === undefined ? "its end" : `${end} s`}`,
    );
  const inside = times.subarray(first, past);
  async function* frames(indices: readonly number[], signal?: AbortSignal): AsyncGenerator<Frame, void> {
    for await (const frame of video.frames(
      indices.map((index) => index + first),
      signal,
    ))
      yield { ...frame, index: frame.index - first };
  }
  return {
    name: video.name,
    facts: video.facts,
    timestamps: async () => inside,
    frames,
    async *read({ start: from = -1, end: to = Number.POSITIVE_INFINITY, signal }: ReadVideoOptions = {}) {
      yield* frames(
        [...inside.keys()].filter((index) => inside[index]! >= from && inside[index]! < to),
        signal,
      );
    },
    [Symbol.asyncDispose]: () => video[Symbol.asyncDispose](),
  };
}
