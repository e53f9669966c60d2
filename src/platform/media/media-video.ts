// A video file by mediabunny, which reads containers, and WebCodecs, which decodes: the browser's, or in Node what the package @mediabunny/server puts in its place. Both are
// loaded when the first video comes.
import type { InputVideoTrack, Source, VideoSample, VideoSampleSink } from "mediabunny";
import { AbortedError, LimitError, SaccadeError, UsageError, VideoError } from "../../errors.ts";
import { turnUpright } from "../../image/orientation.ts";
import type { RawImage } from "../../image/raw-image.ts";
import type { Frame, ReadVideoOptions, Video, VideoFacts, VideoLimits } from "../../video/video.ts";
import { isYuvFormat, yuvToRgb } from "../../video/yuv.ts";
import { yuvMatrix } from "../../video/yuv-matrix.ts";
import { firstAtOrAfter, requireAscending, requireNotAborted } from "./frame-requests.ts";

export type Media = typeof import("./mediabunny.ts");

export interface MediaFile {
  /** What to call it in messages. */
  readonly name: string;
  readonly source: (media: Media) => Source | Promise<Source>;
}

/** Browsers count in whole microseconds. */
const SAME_TIME = 2e-6;
/** A file may announce this much more than it has before it counts as cut off. */
const LENIENCE = { seconds: 1, share: 0.05 };

/**
 * @throws VideoError, LimitError; AbortedError
 */
export async function openMediaVideo(
  file: MediaFile,
  limits: Required<VideoLimits>,
  signal?: AbortSignal,
): Promise<Video> {
  const { name } = file;
  const media = await import("./mediabunny.ts");
  const { MP4, QTFF, MATROSKA, WEBM, MPEG_TS } = media;
  const input = new media.Input({ formats: [MP4, QTFF, MATROSKA, WEBM, MPEG_TS], source: await file.source(media) });
  try {
    const patience = new Patience(name, limits.stallMs, signal);
    const track = await patience.wait(input.getPrimaryVideoTrack()).catch((error: unknown) => {
      throw openingFailure(name, error);
    });
    if (track === null) throw new VideoError(`${name} has no moving pictures`, { code: "not_a_video" });
    const facts = await patience.wait(
      factsOf(track, await input.getMimeType(), (await input.getAudioTracks()).length > 0),
    );
    checkFacts(facts, name, limits);
    if (!(await patience.wait(track.canDecode())))
      throw new VideoError(`${name}: ${facts.codec} is not decoded here`, {
        code: "video_unsupported",
        hint: "H.264, VP9 and AV1 are decoded by most browsers, HEVC by those with the hardware; convert it with ffmpeg",
        data: { codec: facts.codec },
      });
    const colors = await patience.wait(track.getColorSpace());
    const sink = new media.VideoSampleSink(track);
    return new MediaVideo(name, facts, track, sink, media, colors, limits, () => input.dispose());
  } catch (error) {
    input.dispose();
    throw error;
  }
}

function openingFailure(name: string, error: unknown): Error {
  if (error instanceof SaccadeError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new VideoError(`${name} is damaged or no video (${detail})`, {
    code: "not_a_video",
    hint: "MP4, MOV, WebM, Matroska and MPEG-TS are read",
    cause: error,
  });
}

/** mediabunny's names of codecs to ffmpeg's. */
const CODECS: Readonly<Record<string, string>> = { avc: "h264" };
const CONTAINERS: readonly (readonly [mime: RegExp, container: string])[] = [
  [/mp4|quicktime/, "mov,mp4,m4a,3gp,3g2,mj2"],
  [/matroska|webm/, "matroska,webm"],
  [/mp2t/i, "mpegts"],
];

async function factsOf(track: InputVideoTrack, mime: string, hasAudio: boolean): Promise<VideoFacts> {
  const [width, height, rotation, codec] = await Promise.all([
    track.getCodedWidth(),
    track.getCodedHeight(),
    track.getRotation(),
    track.getCodec(),
  ]);
  const seconds = (await track.getDurationFromMetadata()) ?? 0;
  const isOnItsSide = rotation === 90 || rotation === 270;
  return {
    width: isOnItsSide ? height : width,
    height: isOnItsSide ? width : height,
    rotation,
    codec: CODECS[codec ?? ""] ?? codec ?? "unknown",
    container: CONTAINERS.find(([pattern]) => pattern.test(mime))?.[1] ?? mime,
    ...(seconds > 0 ? { announcedSeconds: seconds } : {}),
    bitDepth: bitDepthOf(await track.getCodecParameterString()),
    hasAudio,
  };
}

/** "vp09.02.10.10", "av01.0.04M.10" and HEVC's second profile have ten bits. */
function bitDepthOf(codec: string | null): number {
  const [, vp9] = /^vp09\.\d+\.\d+\.(\d+)/.exec(codec ?? "") ?? [];
  const [, av1] = /^av01\.\d+\.\w+\.(\d+)/.exec(codec ?? "") ?? [];
  if (/^(hvc1|hev1)\.2\b/.test(codec ?? "")) return 10;
  return Number(vp9 ?? av1 ?? 8);
}

function checkFacts({ width, height, announcedSeconds = 0 }: VideoFacts, name: string, limits: Required<VideoLimits>) {
  if (!(width > 0 && height > 0))
    throw new VideoError(`${name}: its header does not say how large its pictures are`, { code: "video_empty" });
  if (width * height > limits.maxPixels)
    throw new LimitError(`${name}, of ${width} x ${height}`, width * height, limits.maxPixels, "pixels a frame");
  if (announcedSeconds > limits.maxSeconds)
    throw new LimitError(name, announcedSeconds, limits.maxSeconds, "seconds", "maxSeconds sets the limit");
}

class MediaVideo implements Video {
  readonly name: string;
  readonly facts: VideoFacts;
  readonly #track: InputVideoTrack;
  readonly #sink: VideoSampleSink;
  readonly #media: Media;
  /** What the file says of its colours; decoders guess where it says nothing. */
  readonly #colors: VideoColorSpaceInit;
  readonly #limits: Required<VideoLimits>;
  readonly #dispose: () => void;
  #times: Float64Array | undefined;
  #isClosed = false;

  constructor(
    name: string,
    facts: VideoFacts,
    track: InputVideoTrack,
    sink: VideoSampleSink,
    media: Media,
    colors: VideoColorSpaceInit,
    limits: Required<VideoLimits>,
    dispose: () => void,
  ) {
    this.name = name;
    this.facts = facts;
    this.#track = track;
    this.#sink = sink;
    this.#media = media;
    this.#colors = colors;
    this.#limits = limits;
    this.#dispose = dispose;
  }

  async timestamps(signal?: AbortSignal): Promise<Float64Array> {
    return (await this.#listed(signal)).slice();
  }

  async cutOff(signal?: AbortSignal): Promise<VideoError | undefined> {
    const times = await this.#listed(signal);
    return this.#endsEarly(times) ? this.#cutOff(times.length) : undefined;
  }

  async *read({ start, end, signal }: ReadVideoOptions = {}): AsyncGenerator<Frame, void> {
    const times = await this.#listed(signal);
    const from = start === undefined ? 0 : firstAtOrAfter(times, start);
    const to = end === undefined ? times.length : firstAtOrAfter(times, end);
    if (from >= to) return;
    let index = from;
    const samples = this.#sink.samples(times[from]!, to < times.length ? times[to]! : undefined);
    for await (const sample of this.#taken(samples, signal)) {
      if (sample === null) continue;
      while (index < to && times[index]! < sample.timestamp - SAME_TIME) index++;
      if (index >= to || Math.abs(times[index]! - sample.timestamp) > SAME_TIME) continue;
      yield { image: await this.#image(sample), seconds: times[index]!, index };
      index++;
    }
    if (to === times.length && (index < to || this.#endsEarly(times))) throw this.#cutOff(index);
  }

  async *frames(indices: readonly number[], signal?: AbortSignal): AsyncGenerator<Frame, void> {
    const times = await this.#listed(signal);
    requireAscending(indices, times.length, this.name);
    let at = 0;
    const samples = this.#sink.samplesAtTimestamps(indices.map((index) => times[index]!));
    for await (const sample of this.#taken(samples, signal)) {
      const index = indices[at++]!;
      if (sample === null || Math.abs(sample.timestamp - times[index]!) > SAME_TIME)
        throw new VideoError(`${this.name}: frame ${index} cannot be decoded; the file is damaged there`, {
          data: { frame: index },
        });
      yield { image: await this.#image(sample), seconds: times[index]!, index };
    }
    if (at < indices.length) throw this.#cutOff(indices[at]!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#dispose();
  }

  /** By the headers of packets, which are not decoded. */
  async #listed(signal: AbortSignal | undefined): Promise<Float64Array> {
    this.#requireOpen();
    if (this.#times !== undefined) return this.#times;
    const patience = new Patience(this.name, this.#limits.stallMs, signal);
    const packets = new this.#media.EncodedPacketSink(this.#track).packets(undefined, undefined, {
      metadataOnly: true,
    });
    const times: number[] = [];
    try {
      for (
        let next = await patience.wait(packets.next());
        next.done !== true;
        next = await patience.wait(packets.next())
      ) {
        // Before 0 is what an edit has left in the file for others to refer to.
        if (next.value.timestamp >= 0) times.push(next.value.timestamp);
        if (times.length > this.#limits.maxFrames)
          throw new LimitError(this.name, times.length, this.#limits.maxFrames, "frames", "maxFrames sets the limit");
      }
    } finally {
      await packets.return?.(undefined);
    }
    if (times.length === 0) throw new VideoError(`${this.name} has no frame`, { code: "video_empty" });
    this.#times = Float64Array.from(times).sort();
    return this.#times;
  }

  /** Samples, each closed when the next is asked for; a decoder that fails or says nothing is an error of ours. */
  async *#taken(
    samples: AsyncGenerator<VideoSample | null, void, unknown>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<VideoSample | null, void> {
    const patience = new Patience(this.name, this.#limits.stallMs, signal);
    try {
      for (;;) {
        this.#requireOpen();
        const next = await patience.wait(samples.next()).catch((error: unknown) => {
          if (error instanceof SaccadeError) throw error;
          throw new VideoError(`${this.name} is damaged: ${error instanceof Error ? error.message : error}`, {
            cause: error,
          });
        });
        if (next.done === true) return;
        try {
          yield next.value;
        } finally {
          next.value?.close();
        }
      }
    } finally {
      void samples.return?.(undefined);
    }
  }

  async #image(sample: VideoSample): Promise<RawImage> {
    const stored = await pixelsOf(sample, this.#colors);
    return turnUpright(stored, { 0: 1, 90: 6, 180: 3, 270: 8 }[this.facts.rotation]);
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new UsageError(`${this.name} has been closed`, "read it before it is disposed of");
  }

  #endsEarly(times: Float64Array): boolean {
    const { announcedSeconds = 0 } = this.facts;
    const frame = times.length > 1 ? (times.at(-1)! - times[0]!) / (times.length - 1) : 0;
    return announcedSeconds - times.at(-1)! - frame > Math.max(LENIENCE.seconds, LENIENCE.share * announcedSeconds);
  }

  #cutOff(frames: number): VideoError {
    return new VideoError(`${this.name} is cut off after ${frames} frames`, {
      code: "video_cut_off",
      hint: "copy or record it again; what came before was given",
      data: { frames },
    });
  }
}

async function pixelsOf(sample: VideoSample, colors: VideoColorSpaceInit): Promise<RawImage> {
  const { format } = sample;
  const { width, height } = sample.visibleRect;
  const isYuv = format !== null && isYuvFormat(format);
  // What a decoder keeps to itself, in a graphics card say, it converts itself.
  const options: VideoFrameCopyToOptions & { format?: "RGBA" } = isYuv ? {} : { format: "RGBA" };
  const bytes = new Uint8Array(sample.allocationSize(options));
  const planes = await sample.copyTo(bytes, options);
  if (!isYuv) return { width, height, data: withoutAlpha(bytes, planes[0]!, width, height) };
  const matrix = yuvMatrix("", colors.matrix ?? undefined, height) ?? "bt709";
  return {
    width,
    height,
    data: yuvToRgb(bytes, planes, format, { width, height }, matrix, colors.fullRange === true),
  };
}

function withoutAlpha(
  bytes: Uint8Array,
  { offset, stride }: { readonly offset: number; readonly stride: number },
  width: number,
  height: number,
): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  for (let row = 0, to = 0; row < height; row++)
    for (let x = 0, from = offset + row * stride; x < width; x++, from += 4) {
      rgb[to++] = bytes[from]!;
      rgb[to++] = bytes[from + 1]!;
      rgb[to++] = bytes[from + 2]!;
    }
  return rgb;
}

/** Waits for one thing after another, each no longer than is allowed. */
class Patience {
  readonly #name: string;
  readonly #stallMs: number;
  readonly #signal: AbortSignal | undefined;

  constructor(name: string, stallMs: number, signal: AbortSignal | undefined) {
    this.#name = name;
    this.#stallMs = stallMs;
    this.#signal = signal;
  }

  async wait<T>(work: Promise<T>): Promise<T> {
    const signal = this.#signal;
    requireNotAborted(signal, this.#name);
    let giveUp: (() => void) | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const impatience = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new VideoError(`${this.#name}: the decoder has said nothing for ${this.#stallMs / 1000} s`, {
              code: "video_stalled",
              data: { stallMs: this.#stallMs },
            }),
          ),
        this.#stallMs,
      );
      giveUp = () => reject(new AbortedError(`reading ${this.#name}`, signal?.reason));
      signal?.addEventListener("abort", giveUp, { once: true });
    });
    try {
      return await Promise.race([work, impatience]);
    } finally {
      clearTimeout(timer);
      if (giveUp !== undefined) signal?.removeEventListener("abort", giveUp);
    }
  }
}
