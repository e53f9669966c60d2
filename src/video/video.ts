// A video as everything above the decoders sees it: facts, the times of its frames, and frames when they are asked for. Who decodes is the platform's business.
import type { ByteSource, UrlLike } from "../byte-sources.ts";
import { UsageError, type VideoError } from "../errors.ts";
import type { RawImage } from "../image/raw-image.ts";

/** A path or a file: URL (a video file, a folder of frames, an animated GIF or WebP), or the bytes of such a file. */
export type VideoSource = string | UrlLike | ByteSource;

/** One picture of a video. */
export interface Frame {
  /** Upright: the file's rotation is applied. */
  readonly image: RawImage;
  /** When it is shown: its presentation time in seconds, as the file says it (the first need not be 0). */
  readonly seconds: number;
  /** Its number in order of presentation, from 0. */
  readonly index: number;
}

export interface VideoFacts {
  /** As shown, in pixels: the rotation is applied. */
  readonly width: number;
  readonly height: number;
  /** What the file asks for, in degrees clockwise. */
  readonly rotation: 0 | 90 | 180 | 270;
  /** "h264", "hevc", "vp9", "av1", "gif", "webp", "frames" (a folder of pictures), … */
  readonly codec: string;
  /** "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "gif", "webp", "folder", … */
  readonly container: string;
  /** How many frames the file announces; undefined where it says nothing. `Video.timestamps` is the truth. */
  readonly announcedFrames?: number;
  /** How long it announces to be. */
  readonly announcedSeconds?: number;
  /** Frames a second on average, as announced. */
  readonly frameRate?: number;
  /** Bits a channel; 8 where nothing is said. */
  readonly bitDepth: number;
  readonly hasAudio: boolean;
}

/** Limits are checked on what the file announces, before anything is decoded, and again while it is. */
export interface VideoLimits {
  /** Width times height of a frame. Default 2^26. */
  readonly maxPixels?: number;
  /** Default a day. */
  readonly maxSeconds?: number;
  /** Frames a second. Default 1000. */
  readonly maxFrameRate?: number;
  /** Frames of a video, when all its times are listed. Default 10 million. */
  readonly maxFrames?: number;
  /** How long a decoder may say nothing before it counts as hanging, in milliseconds. Default 30,000. */
  readonly stallMs?: number;
}

/** What holds where nothing else is asked for. */
export const DEFAULT_LIMITS: Required<VideoLimits> = {
  maxPixels: 2 ** 26,
  maxSeconds: 86_400,
  maxFrameRate: 1000,
  maxFrames: 10_000_000,
  stallMs: 30_000,
};

/** What was asked for, and what holds for the rest. Throws UsageError for a limit that is no number above 0. */
export function videoLimits(given: VideoLimits): Required<VideoLimits> {
  const limit = (name: keyof VideoLimits): number => {
    const value = given[name] ?? DEFAULT_LIMITS[name];
    if (!(value > 0)) throw new UsageError(`${name} is ${value}`, "a number above 0; Infinity is no limit");
    return value;
  };
  return {
    maxPixels: limit("maxPixels"),
    maxSeconds: limit("maxSeconds"),
    maxFrameRate: limit("maxFrameRate"),
    maxFrames: limit("maxFrames"),
    stallMs: limit("stallMs"),
  };
}

export interface OpenVideoOptions extends VideoLimits {
  /** Frames a second of a folder of pictures, which says nothing of it. Default 25. */
  readonly frameRate?: number;
  readonly signal?: AbortSignal;
}

export interface ReadVideoOptions {
  /** The first frame is the first at or after this time, in seconds. Default: the first of all. */
  readonly start?: number;
  /** Frames at or after this time are left out. Default: none. */
  readonly end?: number;
  readonly signal?: AbortSignal;
}

/** An open video. Frames are decoded as they are taken, a few ahead and never more; whoever stops taking them ends the decoder. */
export interface Video extends AsyncDisposable {
  /** What to call it in messages: its path, or "the video". */
  readonly name: string;
  readonly facts: VideoFacts;
  /**
   * The times of all frames in order of presentation, in seconds, without decoding them. Asked for once and kept.
   *
   * @throws VideoError when the file is damaged; LimitError
   */
  timestamps(signal?: AbortSignal): Promise<Float64Array>;
  /**
   * Why the file ends before it should, as far as its times tell: what `read` throws at the end. Who asks for single frames hears it here. Absent where
   * nobody can know.
   */
  cutOff?(signal?: AbortSignal): Promise<VideoError | undefined>;
  /** Frames one after the other. A file that is cut off gives what can be decoded, then throws VideoError "video_cut_off". */
  read(options?: ReadVideoOptions): AsyncGenerator<Frame, void>;
  /**
   * The frames with these numbers (ascending, none twice), sought exactly.
   *
   * @throws UsageError for a number that is not there; VideoError
   */
  frames(indices: readonly number[], signal?: AbortSignal): AsyncGenerator<Frame, void>;
}

/** Moving pictures without an end: a camera, a network address, a pipe. */
export type LiveSource =
  | { readonly kind: "camera"; readonly device?: string }
  | { readonly kind: "address"; readonly url: string }
  | { readonly kind: "stdin" };

export interface LiveOptions extends Pick<VideoLimits, "maxPixels" | "stallMs"> {
  /** Frames are scaled to at most this many pixels on the longer side by the decoder; default: as they come. */
  readonly longerSide?: number;
  /** What a camera is asked for. */
  readonly frameRate?: number;
  readonly signal?: AbortSignal;
}

/** A live source: whoever takes a frame gets the newest; those that nobody took in time are dropped and counted. */
export interface LiveFrames extends AsyncDisposable {
  readonly facts: Pick<VideoFacts, "width" | "height" | "codec" | "container">;
  /** How many frames came and were not taken. */
  readonly dropped: number;
  /** The newest frame that was not given yet, when there is one; undefined when the source has ended. */
  next(): Promise<Frame | undefined>;
}
