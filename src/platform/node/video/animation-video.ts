// Animated GIF and WebP through sharp, which puts frames together as they are shown: each is whole, with what earlier ones left. Frames are decoded in
// groups, because a frame needs those before it; a group is as large as memory for a few frames allows.
import { LimitError, VideoError } from "../../../errors.ts";
import { WHITE } from "../../../image/pixels.ts";
import type { RawImage } from "../../../image/raw-image.ts";
import { looksCutOff } from "../../../image/sniff.ts";
import type { Video, VideoLimits } from "../../../video/video.ts";
import { loadSharp } from "../decode.ts";
import { StillVideo } from "./still-frames.ts";

const GROUP_BYTES = 64 * 2 ** 20;
/** Shorter delays are a mistake that all browsers answer with this one. In seconds. */
const SHORTEST_DELAY = 0.02;
const USUAL_DELAY = 0.1;

/**
 * @param name what to call it in messages
 * @throws VideoError when it is damaged; LimitError; ImageError without sharp
 */
export async function openAnimation(
  bytes: Uint8Array,
  format: "gif" | "webp",
  name: string,
  limits: Required<VideoLimits>,
): Promise<Video> {
  const sharp = await loadSharp();
  const metadata = await sharp(bytes, { limitInputPixels: false, animated: true })
    .metadata()
    .catch((cause: unknown) => {
      throw damaged(name, cause);
    });
  const { width, pages = 1, height, pageHeight = height, delay = [] } = metadata;
  const pixels = width * pageHeight;
  if (pixels > limits.maxPixels)
    throw new LimitError(`${name}, of ${width} x ${pageHeight}`, pixels, limits.maxPixels, "pixels a frame");
  if (pages > limits.maxFrames) throw new LimitError(name, pages, limits.maxFrames, "frames");
  const seconds = Array.from({ length: pages }, (_, i) => {
    const said = (delay[i] ?? 0) / 1000;
    return said < SHORTEST_DELAY ? USUAL_DELAY : said;
  });
  const times = new Float64Array(pages);
  for (let i = 1; i < pages; i++) times[i] = times[i - 1]! + seconds[i - 1]!;
  const announcedSeconds = times.at(-1)! + seconds.at(-1)!;
  if (announcedSeconds > limits.maxSeconds) throw new LimitError(name, announcedSeconds, limits.maxSeconds, "seconds");
  const groups = new Groups(bytes, name, { width, height: pageHeight, pages });
  return new StillVideo({
    name,
    facts: {
      width,
      height: pageHeight,
      rotation: 0,
      codec: format,
      container: format,
      announcedFrames: pages,
      announcedSeconds,
      frameRate: pages / announcedSeconds,
      bitDepth: 8,
      hasAudio: false,
    },
    times,
    isCutOff: looksCutOff(bytes, format),
    decode: (index) => groups.frame(index),
  });
}

interface Size {
  readonly width: number;
  readonly height: number;
  readonly pages: number;
}

/** Frames, decoded a group at a time; the last group is kept. */
class Groups {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  readonly #size: Size;
  readonly #length: number;
  #kept: { readonly group: number; readonly pixels: Promise<Uint8Array> } | undefined;

  constructor(bytes: Uint8Array, name: string, size: Size) {
    this.#bytes = bytes;
    this.#name = name;
    this.#size = size;
    this.#length = Math.max(1, Math.floor(GROUP_BYTES / (size.width * size.height * 3)));
  }

  async frame(index: number): Promise<RawImage> {
    const { width, height } = this.#size;
    const group = Math.floor(index / this.#length);
    if (this.#kept?.group !== group) this.#kept = { group, pixels: this.#decode(group * this.#length) };
    const pixels = await this.#kept.pixels;
    const from = (index - group * this.#length) * width * height * 3;
    return { width, height, data: pixels.slice(from, from + width * height * 3) };
  }

  async #decode(page: number): Promise<Uint8Array> {
    const { width, height, pages } = this.#size;
    const count = Math.min(this.#length, pages - page);
    const [r, g, b] = WHITE;
    const sharp = await loadSharp();
    try {
      const { data } = await sharp(this.#bytes, { page, pages: count, limitInputPixels: false, ignoreIcc: true })
        .flatten({ background: { r, g, b } })
        .toColourspace("srgb")
        .raw()
        .toBuffer({ resolveWithObject: true });
      if (data.length !== count * width * height * 3) throw new Error("its frames differ in size");
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    } catch (cause) {
      throw damaged(this.#name, cause);
    }
  }
}

function damaged(name: string, cause: unknown): VideoError {
  const detail = (cause instanceof Error ? cause.message : String(cause)).replace(/\s*\n\s*/g, "; ").slice(0, 200);
  const isCutOff = /premature end|unexpected end|truncated|end of (data|file)/i.test(detail);
  return new VideoError(`${name}, an animation, is ${isCutOff ? "cut off" : "damaged"} (${detail})`, {
    code: isCutOff ? "video_cut_off" : "video",
    hint: "copy or download it again",
    cause,
  });
}
