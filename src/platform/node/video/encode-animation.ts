// Frames as the bytes of an animated WebP, through sharp: a video file that needs no ffmpeg to be written or read.
import { ImageError } from "../../../errors.ts";
import type { RawImage } from "../../../image/raw-image.ts";
import { loadSharp } from "../decode.ts";

/** Of 0 to 6: twice as fast as the usual 4, for files that are a few per cent larger. */
const EFFORT = 2;

export interface AnimationOptions {
  /** Frames a second; WebP keeps whole milliseconds. */
  readonly frameRate: number;
  /** 1 to 100. Default 90. */
  readonly quality?: number;
}

/**
 * Frames of one size as an animated WebP that repeats. Frames that are equal to the ones before them become longer frames.
 *
 * @throws ImageError for no frames and frames of several sizes
 * @example await writeFile("clip.webp", await encodeAnimation(frames, { frameRate: 16 }));
 */
export async function encodeAnimation(frames: readonly RawImage[], options: AnimationOptions): Promise<Uint8Array> {
  const { frameRate, quality = 90 } = options;
  const [first] = frames;
  if (first === undefined) throw new ImageError("an animation has at least one frame");
  const { width, height } = first;
  if (frames.some((frame) => frame.width !== width || frame.height !== height))
    throw new ImageError("the frames of an animation are of one size");
  const data = new Uint8Array(frames.length * first.data.length);
  for (const [i, frame] of frames.entries()) data.set(frame.data, i * first.data.length);
  // Rounded times and not rounded durations, so that the rate holds on the whole.
  const shownAt = (i: number) => Math.round((1000 * i) / frameRate);
  const delay = frames.map((_, i) => Math.max(1, shownAt(i + 1) - shownAt(i)));
  const sharp = await loadSharp();
  const raw = { width, height: frames.length * height, channels: 3 as const, pageHeight: height };
  const webp = await sharp(data, { raw, limitInputPixels: false })
    .webp({ quality, loop: 0, delay, effort: EFFORT })
    .toBuffer();
  return new Uint8Array(webp.buffer, webp.byteOffset, webp.byteLength);
}
