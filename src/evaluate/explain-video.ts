// A video with where the model looked, as the bytes of a file.
import { UsageError } from "../errors.ts";
import type { Host, JpegHost, VideoWritingHost } from "../platform/host.ts";
import type { VideoResult } from "../tasks/video/results.ts";
import type { Video } from "../video/video.ts";
import { type ExplainVideoOptions, explainedFrames, shownFrames } from "./video-explanation.ts";
import { videoPage } from "./video-page.ts";

export const EXPLANATION_FORMATS = ["mp4", "webp", "html"] as const;
/** "mp4": any length, written by ffmpeg. "webp": an animation that repeats. "html": a page with a slider that needs no other file. */
export type ExplanationFormat = (typeof EXPLANATION_FORMATS)[number];

/** Frames at most, where they are in memory or in one page together. */
const MOST_TOGETHER = 160;
const SIZE_TOGETHER = 480;

/**
 * Draws a gaze over its video. A video that is too long for its format is shown with fewer frames a second.
 *
 * @param result with `gaze`: from `classify` with `explain`
 * @throws UsageError for a result without a gaze; VideoError, "video_decoder_missing" for an MP4 without ffmpeg
 * @example
 * const result = await classifier.classify("clip.mp4", { frames: 32, explain: "last" });
 * await writeFile("looked.mp4", await encodeVideoGaze(await openVideo("clip.mp4"), result, { format: "mp4" }));
 */
export async function explainVideo(
  host: Pick<Host, "layTextOver" | "encodePng"> & Partial<JpegHost> & VideoWritingHost,
  video: Video,
  result: VideoResult,
  { format, ...options }: ExplainVideoOptions & { readonly format: ExplanationFormat },
): Promise<Uint8Array> {
  if (result.gaze === undefined)
    throw new UsageError("there is no gaze to draw", "classify with explain, and a model that looks sparsely");
  const together =
    format === "mp4" ? {} : { most: MOST_TOGETHER, ...(format === "webp" ? { size: SIZE_TOGETHER } : {}) };
  const shown = await shownFrames(video, result, { ...together, ...options });
  if (format === "html") return new TextEncoder().encode(await videoPage(video.name, shown, result, host));
  const { signal } = options;
  return host.encodeVideo(explainedFrames(shown, result, host), {
    format,
    frameRate: shown.frameRate,
    ...(format === "webp" ? { quality: 80 } : {}),
    ...(signal === undefined ? {} : { signal }),
  });
}
