// Clips for training and validation: which frames of a video make one, and getting them. Short videos are decoded whole, so that they can be kept like
// pictures are; of long ones only the frames that a clip has.
import { UsageError, VideoError } from "../errors.ts";
import type { RawImage } from "../image/raw-image.ts";
import type { RandomSource } from "../random.ts";
import { clipsAtRandomTimestamps, clipsOfSegments } from "../video/clips.ts";
import { plannedClips } from "../video/evaluation-plan.ts";
import { readClips } from "../video/read-clips.ts";
import type { Video } from "../video/video.ts";
import { partOfVideo } from "../video/video-part.ts";
import type { PictureSource, StackedFrames } from "./files.ts";

/** How clips are taken from videos. Plain data: any thread can do it. */
export interface ClipSampling {
  readonly frames: number;
  /** From a frame to the next one. Undefined: spread over the whole video, a frame in each of `frames` equal parts. */
  readonly secondsBetweenFrames?: number | undefined;
  /** "random": anywhere, and anywhere in each part; "regular": the middle. */
  readonly picking: "random" | "regular";
  /** Whether a batch is (N, 3, frames, height, width); without it, of one frame, (N, 3, height, width), as models of pictures take it. */
  readonly hasTime: boolean;
}

/** Opens a video: a `VideoHost`'s `openVideo`. */
export type OpenClip = (path: string) => Promise<Video>;

/** The frames of a clip, and the whole video where it was decoded. */
export interface LoadedClip {
  readonly frames: readonly RawImage[];
  readonly whole?: StackedFrames;
}

/** Videos that take up to so many bytes as pixels are decoded whole. */
const WHOLE_BYTES = 4 * 2 ** 20;

/**
 * Gets a clip out of a video.
 *
 * @param open undefined where videos cannot be opened
 * @throws VideoError, NotFoundError, LimitError; UsageError for pictures, and for a part that the video does not have
 */
export async function loadClip(
  source: PictureSource,
  clip: ClipSampling,
  random: RandomSource,
  open: OpenClip | undefined,
): Promise<LoadedClip> {
  if (source.kind === "frames") return { frames: clipOfStack(source.frames, clip, random) };
  if (source.kind !== "video")
    throw new UsageError("this is a picture, and videos are wanted here", "models of videos learn from clips");
  if (open === undefined)
    throw new VideoError(`${source.path} is a video, and none can be opened here`, { code: "video_decoder_missing" });
  await using whole = await open(source.path);
  const video = await partOfVideo(whole, source);
  const times = await video.timestamps();
  const bytes = 3 * video.facts.width * video.facts.height * times.length;
  if (bytes > WHOLE_BYTES) {
    const indices = pickFrames(times, clip, random);
    for await (const { frames } of readClips(video, [{ indices }], ({ image }) => image)) return { frames };
    throw new VideoError(`${video.name} has no frames`);
  }
  const images: RawImage[] = [];
  for await (const { image } of video.frames([...times.keys()])) images.push(image);
  const stack = { image: stacked(images), times };
  return { frames: clipOfStack(stack, clip, random), whole: stack };
}

/** A clip out of frames that are there. Nothing is copied. */
export function clipOfStack({ image, times }: StackedFrames, clip: ClipSampling, random: RandomSource): RawImage[] {
  const height = image.height / times.length;
  const size = image.width * height * 3;
  return pickFrames(times, clip, random).map((index) => ({
    width: image.width,
    height,
    data: image.data.subarray(index * size, (index + 1) * size),
  }));
}

/** Numbers of the frames of one clip. */
function pickFrames(times: Float64Array, clip: ClipSampling, random: RandomSource): readonly number[] {
  const { frames, secondsBetweenFrames } = clip;
  if (clip.picking === "regular")
    return plannedClips(times, { clips: 1, frames, secondsBetweenFrames, crops: 1 })[0]!.indices;
  const [picked] =
    secondsBetweenFrames === undefined
      ? clipsOfSegments(times.length, { frames, random })
      : clipsAtRandomTimestamps(times, { frames, secondsBetweenFrames, random });
  return picked!.indices;
}

function stacked(images: readonly RawImage[]): RawImage {
  const { width, height } = images[0]!;
  if (images.some((image) => image.width !== width || image.height !== height))
    throw new VideoError("its frames differ in size");
  const size = width * height * 3;
  const data = new Uint8Array(size * images.length);
  images.forEach((image, i) => {
    data.set(image.data, i * size);
  });
  return { width, height: height * images.length, data };
}
