// A folder of pictures as a video: its pictures in the natural order of their names, so that frame-2 comes before frame-10.
import { ImageError, LimitError, SaccadeError, VideoError } from "../../../errors.ts";
import { baseName, isPictureName } from "../../../image/picture-files.ts";
import type { RawImage } from "../../../image/raw-image.ts";
import type { Video, VideoLimits } from "../../../video/video.ts";
import { decodeWithSharp } from "../decode.ts";
import { nodeFiles } from "../files.ts";
import { StillVideo } from "./still-frames.ts";

/** Numbers in names count as numbers, of whatever length. */
const naturalOrder = new Intl.Collator("en", { numeric: true });

/**
 * @param frameRate frames a second
 * @throws VideoError "video_empty" for a folder without pictures; LimitError; what decoding the first picture throws
 */
export async function openFolderVideo(path: string, frameRate: number, limits: Required<VideoLimits>): Promise<Video> {
  const entries = await nodeFiles.list(path);
  const pictures = entries
    .filter((entry) => !entry.isDirectory && isPictureName(entry.path))
    .map((entry) => entry.path)
    .sort((a, b) => naturalOrder.compare(baseName(a), baseName(b)) || (a < b ? -1 : 1));
  if (pictures.length === 0)
    throw new VideoError(`${path} has no pictures that could be frames`, {
      code: "video_empty",
      hint: "a folder stands for a video when its frames are pictures in it, numbered: frame-1.png, frame-2.png",
    });
  if (pictures.length > limits.maxFrames) throw new LimitError(path, pictures.length, limits.maxFrames, "frames");
  if (frameRate > limits.maxFrameRate) throw new LimitError(path, frameRate, limits.maxFrameRate, "frames a second");
  if (pictures.length / frameRate > limits.maxSeconds)
    throw new LimitError(path, pictures.length / frameRate, limits.maxSeconds, "seconds");
  const { width, height } = await decodeFrame(pictures[0]!, limits);
  return new StillVideo({
    name: path,
    facts: {
      width,
      height,
      rotation: 0,
      codec: "frames",
      container: "folder",
      announcedFrames: pictures.length,
      announcedSeconds: pictures.length / frameRate,
      frameRate,
      bitDepth: 8,
      hasAudio: false,
    },
    times: Float64Array.from(pictures, (_, i) => i / frameRate),
    decode: async (index) => {
      const image = await decodeFrame(pictures[index]!, limits);
      if (image.width !== width || image.height !== height)
        throw new VideoError(
          `${pictures[index]} is ${image.width} x ${image.height}, and the first frame of ${path} ${width} x ${height}`,
          { hint: "the frames of a video have one size; other pictures do not belong into its folder" },
        );
      return image;
    },
  });
}

async function decodeFrame(path: string, { maxPixels }: Required<VideoLimits>): Promise<RawImage> {
  try {
    return await decodeWithSharp(await nodeFiles.read(path), { maxPixels });
  } catch (error) {
    if (error instanceof ImageError)
      throw new VideoError(`${path}, a frame: ${error.message}`, {
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        cause: error,
      });
    if (error instanceof SaccadeError) throw error;
    throw new VideoError(`${path}, a frame, cannot be decoded`, { cause: error });
  }
}
