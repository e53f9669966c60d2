// What opens a video in Node: animations and folders of pictures are decoded here; everything else by ffmpeg, or an optional package.
import { resolve } from "node:path";
import { describeValue, isUrl, readBytes } from "../../../byte-sources.ts";
import { NotFoundError, UsageError, VideoError } from "../../../errors.ts";
import { sniff } from "../../../image/sniff.ts";
import type { OpenVideoOptions, Video, VideoLimits, VideoSource } from "../../../video/video.ts";
import { videoLimits } from "../../../video/video.ts";
import { requireNotAborted } from "../../media/frame-requests.ts";
import { openMediaVideo } from "../../media/media-video.ts";
import { nodeFiles } from "../files.ts";
import { pathOf } from "../path-of.ts";
import { readRange } from "../read-range.ts";
import { openAnimation } from "./animation-video.ts";
import { requireFileDecoder } from "./decoders.ts";
import { openFfmpegVideo, type VideoFile } from "./ffmpeg-video.ts";
import { openFolderVideo } from "./folder-video.ts";
import { mediaFile } from "./media-server.ts";
import { writePrivateFile } from "./private-file.ts";

const SNIFFED_BYTES = 4096;
/** Of a video that is handed over as bytes, and of an animation. */
const MAX_BYTES = 2 ** 31;
const DEFAULT_FRAME_RATE = 25;
const IN_MEMORY = "the video";

/**
 * Opens a video file, a folder of frames or an animation.
 *
 * @throws NotFoundError, LimitError, UsageError; VideoError
 */
export async function openVideo(source: VideoSource, options: OpenVideoOptions = {}): Promise<Video> {
  const { signal, frameRate = DEFAULT_FRAME_RATE, ...given } = options;
  const limits = videoLimits(given);
  if (!(frameRate > 0)) throw new UsageError(`a folder of pictures cannot have ${frameRate} frames a second`);
  requireNotAborted(signal, IN_MEMORY);
  if (typeof source === "string" || isUrl(source)) {
    const name = typeof source === "string" ? source : pathOf(source);
    return openPath(name, frameRate, limits, signal);
  }
  const bytes = await readBytes(source, "a video", MAX_BYTES);
  if (bytes === undefined)
    throw new UsageError(
      `a video is opened from a path, a file: URL or bytes, got ${describeValue(source)}`,
      "a camera and an address are live sources: openLive",
    );
  const format = requireVideo(bytes, IN_MEMORY);
  if (format !== undefined) return openAnimation(bytes, format, IN_MEMORY, limits);
  if ((await requireFileDecoder(IN_MEMORY)) === "package")
    return openMediaVideo({ name: IN_MEMORY, source: ({ BufferSource }) => new BufferSource(bytes) }, limits, signal);
  const { path, release } = await writePrivateFile(bytes);
  try {
    return await openFile({ path, name: IN_MEMORY, release }, limits, signal);
  } catch (error) {
    await release();
    throw error;
  }
}

async function openPath(
  name: string,
  frameRate: number,
  limits: Required<VideoLimits>,
  signal: AbortSignal | undefined,
): Promise<Video> {
  const entry = await nodeFiles.stat(name);
  if (entry === undefined)
    throw /^[a-z][a-z0-9+.-]+:\/\//i.test(name)
      ? new UsageError(
          `addresses are not fetched: ${name.slice(0, 200)}`,
          "hand over what fetch answers, or open it as a live source",
        )
      : new NotFoundError("video", name);
  if (entry.isDirectory) return openFolderVideo(name, frameRate, limits);
  const format = requireVideo(await readRange(name, 0, SNIFFED_BYTES), name);
  if (format !== undefined)
    return openAnimation(await nodeFiles.read(name, { maxBytes: MAX_BYTES }), format, name, limits);
  return openFile({ path: resolve(name), name }, limits, signal);
}

async function openFile(
  file: VideoFile,
  limits: Required<VideoLimits>,
  signal: AbortSignal | undefined,
): Promise<Video> {
  const decoder = await requireFileDecoder(file.name);
  return decoder === "package"
    ? openMediaVideo(mediaFile(file.path, file.name), limits, signal)
    : openFfmpegVideo(decoder, file, limits, signal);
}

/**
 * Whether these are the first bytes of an animation, which is decoded here; undefined for what may be a video.
 *
 * @throws VideoError for what is certainly none
 */
function requireVideo(bytes: Uint8Array, name: string): "gif" | "webp" | undefined {
  if (bytes.length === 0)
    throw new VideoError(`${name} is empty: 0 bytes`, { code: "video_empty", hint: "was it copied completely?" });
  const { picture, name: found } = sniff(bytes);
  if (picture === "gif" || picture === "webp") return picture;
  if (found.startsWith("not ")) return undefined;
  const isPicture = picture !== undefined || /picture|drawing|icon/.test(found);
  if (isPicture || /text|page|document|archive|sound/.test(found))
    throw new VideoError(`${name} is ${found}, not a video`, {
      code: "not_a_video",
      hint: isPicture
        ? "pictures are classified one by one; a folder of them can stand for a video"
        : "MP4, MOV, WebM, Matroska, AVI, animated GIF and WebP are read",
      data: { found },
    });
  return undefined;
}
