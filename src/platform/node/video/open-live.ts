// Cameras, addresses and standard input, by ffmpeg. Whoever takes a frame gets the newest; memory is the same however long it runs.
import { LimitError, NetworkError, NotFoundError, UsageError, VideoError } from "../../../errors.ts";
import type { Frame, LiveFrames, LiveOptions, LiveSource } from "../../../video/video.ts";
import { DEFAULT_LIMITS } from "../../../video/video.ts";
import { requireNotAborted } from "../../media/frame-requests.ts";
import { requireDecoder } from "./decoders.ts";
import { FramePipe, type PipedFrame, SHOW_FRAMES } from "./frame-pipe.ts";
import { MAX_ALLOCATION, pixelLimit } from "./input.ts";
import { type LiveInput, liveInput } from "./live-source.ts";
import { RunningProgram } from "./running-program.ts";

/**
 * Opens a live source; resolves with its first frame.
 *
 * @throws UsageError, NotFoundError for a camera that is not there, NetworkError for an address that does not answer, LimitError; VideoError
 */
export async function openLive(source: LiveSource, options: LiveOptions = {}): Promise<LiveFrames> {
  const input = liveInput(source, options);
  requireNotAborted(options.signal, input.name);
  const { ffmpeg, passThrough } = await requireDecoder(input.name);
  const live = new FfmpegLive(ffmpeg, passThrough, source, input, options);
  try {
    await live.begin();
    return live;
  } catch (error) {
    await live[Symbol.asyncDispose]();
    throw error;
  }
}

class FfmpegLive implements LiveFrames {
  #facts: LiveFrames["facts"] = { width: 0, height: 0, codec: "unknown", container: "unknown" };
  readonly #source: LiveSource;
  readonly #input: LiveInput;
  readonly #maxPixels: number;
  readonly #program: RunningProgram;
  readonly #pipe: FramePipe;
  /** In seconds. */
  #timeUnit = Number.NaN;
  #first: PipedFrame | undefined;
  #taken = 0;
  #isClosed = false;

  constructor(
    ffmpeg: string,
    passThrough: readonly string[],
    source: LiveSource,
    input: LiveInput,
    { maxPixels = DEFAULT_LIMITS.maxPixels, stallMs = DEFAULT_LIMITS.stallMs, longerSide, signal }: LiveOptions,
  ) {
    if (longerSide !== undefined && !(Number.isInteger(longerSide) && longerSide >= 2))
      throw new UsageError(`frames cannot be ${longerSide} pixels on their longer side`);
    this.#source = source;
    this.#input = input;
    this.#maxPixels = maxPixels;
    const smaller = `scale=w='min(iw,${longerSide})':h='min(ih,${longerSide})':force_original_aspect_ratio=decrease`;
    const filters = [...(longerSide === undefined ? [] : [smaller]), "format=rgb24", SHOW_FRAMES];
    const args = [
      ...["-v", "level+info", "-hide_banner", "-nostats", "-max_alloc", String(MAX_ALLOCATION)],
      ...[...pixelLimit(maxPixels), ...input.args],
      ...[
        "-map",
        "0:V:0",
        "-vf",
        filters.join(","),
        ...passThrough,
        "-enc_time_base",
        "-1",
        "-f",
        "rawvideo",
        "pipe:1",
      ],
    ];
    let program: RunningProgram | undefined;
    this.#pipe = new FramePipe(
      (onLine) => {
        const stdin = input.readsStdin ? "inherit" : "ignore";
        program = new RunningProgram(ffmpeg, ["-nostdin", ...args], {
          name: input.name,
          stallMs,
          signal,
          stdin,
          onLine,
        });
        return program;
      },
      { newestOnly: true, onLine: (line) => this.#hear(line) },
    );
    this.#program = program!;
  }

  get facts(): LiveFrames["facts"] {
    return this.#facts;
  }

  get dropped(): number {
    return this.#pipe.dropped;
  }

  async begin(): Promise<void> {
    this.#first = await this.#pipe.next();
    if (this.#first === undefined) throw this.#failure() ?? this.#nothingCame();
    const { width, height } = this.#first;
    this.#facts = { ...this.#facts, width, height };
  }

  async next(): Promise<Frame | undefined> {
    if (this.#isClosed) return undefined;
    const first = this.#first;
    this.#first = undefined;
    const frame = first ?? (await this.#pipe.next());
    if (frame !== undefined) {
      const { pts, width, height, data } = frame;
      const index = this.#pipe.dropped + this.#taken++;
      return { image: { width, height, data }, seconds: pts * this.#timeUnit, index };
    }
    const failure = this.#isClosed ? undefined : this.#failure();
    if (failure !== undefined) throw failure;
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#program.kill();
    await this.#program.ended;
  }

  #hear(line: string): void {
    const [, container] = /Input #0, (\S+), from /.exec(line) ?? [];
    if (container !== undefined) this.#facts = { ...this.#facts, container };
    const [, codec] = /Stream #0:\d+.*?: Video: (\w+)/.exec(line) ?? [];
    if (codec !== undefined && this.#facts.codec === "unknown") this.#facts = { ...this.#facts, codec };
    const [, num, den] = /showinfo.*config in time_base: (\d+)\/(\d+)/.exec(line) ?? [];
    if (den !== undefined) this.#timeUnit = Number(num) / Number(den);
  }

  #failure(): Error | undefined {
    const interruption = this.#program.interruption();
    if (interruption !== undefined) return interruption;
    const { exitCode, problems } = this.#program;
    const said = problems.join("; ");
    if (/exceeds (specified )?max(imum)?[ _]pixel/i.test(said))
      return new LimitError(`a frame of ${this.#input.name}`, Number.NaN, this.#maxPixels, "pixels", said);
    if (exitCode === 0) return undefined;
    return this.#taken === 0
      ? this.#nothingCame()
      : new VideoError(`${this.#input.name} broke off after ${this.#taken + this.dropped} frames (${said})`, {
          data: { decoder: problems },
        });
  }

  #nothingCame(): Error {
    const { name } = this.#input;
    const { problems } = this.#program;
    const said = withoutAddress(problems.join("; "));
    switch (this.#source.kind) {
      case "camera":
        return /no such|cannot (find|open)|could not (find|open)|not found/i.test(said)
          ? new NotFoundError(
              "camera",
              name.replace(/^the camera /, ""),
              "is it plugged in, and not in use by another program?",
            )
          : new VideoError(`${name} gives no pictures (${said})`, { data: { decoder: problems } });
      case "address":
        return new NetworkError(`${name} gives no video (${said || "it answered, and nothing came"})`, {
          hint: "does it play in another program, with the same address?",
        });
      case "stdin":
        return new VideoError(`standard input has no video that can be read (${said || "it ended before a frame"})`, {
          code: said === "" ? "video_empty" : "not_a_video",
          hint: "Matroska, MPEG-TS, fragmented MP4, MJPEG and YUV4MPEG can be read as they come",
          data: { decoder: problems },
        });
    }
  }
}

/** Addresses may hold passwords. */
const withoutAddress = (text: string): string => text.replace(/\b[a-z]+:\/\/\S+/gi, "it");
