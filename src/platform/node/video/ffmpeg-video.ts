// A video file by ffmpeg and ffprobe, which run as programs of their own beside this process and hand frames over through a pipe.
import { LimitError, UsageError, VideoError } from "../../../errors.ts";
import type { Frame, ReadVideoOptions, Video, VideoFacts, VideoLimits } from "../../../video/video.ts";
import { firstAtOrAfter, requireAscending } from "../../media/frame-requests.ts";
import { FramePipe, type PipedFrame, SHOW_FRAMES } from "./frame-pipe.ts";
import { keyBefore, planParts, selection } from "./frame-plan.ts";
import { type FrameTimes, listFrameTimes } from "./frame-times.ts";
import { inputFile, inputGuards, pixelLimit } from "./input.ts";
import { type ProbedVideo, probe } from "./probe.ts";
import type { Ffmpeg } from "./programs.ts";
import { RunningProgram } from "./running-program.ts";

/** A file on the disk, perhaps one that is ours to delete. */
export interface VideoFile {
  /** Absolute. */
  readonly path: string;
  /** What to call it in messages. */
  readonly name: string;
  /** Deletes it, where it is ours. */
  readonly release?: () => Promise<void>;
}

/** Frames from the first to the last, without those between that `chosen`, an expression of ffmpeg, is false for. */
interface Wanted {
  readonly first: number;
  readonly last: number;
  readonly chosen?: string | undefined;
}

/** In these a time is found by an index; in others by trying, which may end after it. */
const INDEXED = /^(mov,|matroska,)/;

/**
 * @throws VideoError, LimitError
 */
export async function openFfmpegVideo(
  programs: Ffmpeg,
  file: VideoFile,
  limits: Required<VideoLimits>,
  signal?: AbortSignal,
): Promise<Video> {
  return new FfmpegVideo(programs, file, await probe(programs, file.path, file.name, limits, signal), limits);
}

class FfmpegVideo implements Video {
  readonly name: string;
  readonly facts: VideoFacts;
  readonly #programs: Ffmpeg;
  readonly #file: VideoFile;
  readonly #video: ProbedVideo;
  readonly #limits: Required<VideoLimits>;
  readonly #running = new Set<RunningProgram>();
  #times: FrameTimes | undefined;
  #isClosed = false;

  constructor(programs: Ffmpeg, file: VideoFile, video: ProbedVideo, limits: Required<VideoLimits>) {
    this.name = file.name;
    this.facts = video.facts;
    this.#programs = programs;
    this.#file = file;
    this.#video = video;
    this.#limits = limits;
  }

  async timestamps(signal?: AbortSignal): Promise<Float64Array> {
    const { pts } = await this.#listed(signal);
    return pts.map((one) => this.#seconds(one));
  }

  async cutOff(signal?: AbortSignal): Promise<VideoError | undefined> {
    const times = await this.#listed(signal);
    return times.isCutOff ? this.#cutOff(times.pts.length, times) : undefined;
  }

  async *read({ start, end, signal }: ReadVideoOptions = {}): AsyncGenerator<Frame, void> {
    const times = await this.#listed(signal);
    const seconds = times.pts.map((one) => this.#seconds(one));
    const from = start === undefined ? 0 : firstAtOrAfter(seconds, start);
    const to = end === undefined ? seconds.length : firstAtOrAfter(seconds, end);
    if (from >= to) return;
    let next = from;
    for await (const frame of this.#decode(times, { first: from, last: to - 1 }, signal)) {
      next = frame.index + 1;
      yield frame;
    }
    if (to < seconds.length) {
      if (next < to) throw this.#missing(next, times);
    } else if (times.isCutOff || next < times.stated) throw this.#cutOff(next, times);
  }

  async *frames(indices: readonly number[], signal?: AbortSignal): AsyncGenerator<Frame, void> {
    const times = await this.#listed(signal);
    requireAscending(indices, times.pts.length, this.name);
    for (const part of planParts(indices, times, this.facts.width * this.facts.height)) {
      const wanted = { first: part[0]!, last: part.at(-1)!, chosen: selection(part, times.pts) };
      let at = 0;
      for await (const frame of this.#decode(times, wanted, signal)) {
        if (frame.index !== part[at]) break;
        at++;
        yield frame;
        if (at === part.length) break; // its program need not look for the end
      }
      if (at < part.length) throw this.#missing(part[at]!, times);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const running = [...this.#running];
    for (const run of running) run.kill();
    await Promise.all(running.map(({ ended }) => ended));
    await this.#file.release?.();
  }

  async #listed(signal: AbortSignal | undefined): Promise<FrameTimes> {
    this.#requireOpen();
    this.#times ??= await listFrameTimes(this.#programs, this.#file.path, this.name, this.#video, this.#limits, signal);
    return this.#times;
  }

  async *#decode(times: FrameTimes, wanted: Wanted, signal: AbortSignal | undefined): AsyncGenerator<Frame, void> {
    const first = times.pts[wanted.first]!;
    const starts = this.#starts(times, first);
    for (const [attempt, start] of starts.entries()) {
      const run = await this.#start(start, times, wanted, signal);
      try {
        let index = wanted.first;
        let isFirst = true;
        for (let frame = await run.pipe.next(); frame !== undefined; frame = await run.pipe.next()) {
          // The decoder began too late to have it: earlier, then.
          if (isFirst && frame.pts !== first && attempt < starts.length - 1) break;
          isFirst = false;
          while (index <= wanted.last && times.pts[index]! < frame.pts) index++;
          if (index > wanted.last) break;
          if (times.pts[index] !== frame.pts) continue; // a frame that the file does not list
          yield this.#frame(frame, index++);
        }
        this.#requireOpen();
        const failure = run.program.interruption() ?? this.#limitFailure(run.program);
        if (failure !== undefined) throw failure;
        if (!isFirst || attempt === starts.length - 1) return;
      } finally {
        run.program.kill();
        await run.program.ended;
        this.#running.delete(run.program);
      }
    }
  }

  /** Where decoding may begin for a frame, best first: times of frames that need no other, and at last the beginning of the file. */
  #starts({ keys }: FrameTimes, first: number): (number | undefined)[] {
    const key = keyBefore(keys, first);
    const place = key === undefined ? 0 : firstAtOrAfter(keys, key);
    const back = INDEXED.test(this.facts.container) ? [0, 1, 4] : [2, 6];
    const sought = back.flatMap((steps) => (place - steps > 0 ? [keys[place - steps]!] : []));
    return [...sought, undefined];
  }

  async #start(
    start: number | undefined,
    { pts }: FrameTimes,
    { first, last, chosen }: Wanted,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly program: RunningProgram; readonly pipe: FramePipe }> {
    const isWhole = first === 0 && last === pts.length - 1;
    const seek = start === undefined ? [] : ["-noaccurate_seek", "-seek_timestamp", "1", "-ss", this.#clock(start)];
    const filters = [
      ...(isWhole ? [] : [`trim=start_pts=${pts[first]}:end_pts=${pts[last]! + 1}`]),
      ...(chosen === undefined ? [] : [`select='${chosen}'`]),
      this.#scaling(),
      "format=rgb24",
      SHOW_FRAMES,
    ];
    let program: RunningProgram | undefined;
    const pipe = await FramePipe.open((onLine, socket) => {
      this.#requireOpen();
      program = new RunningProgram(
        this.#programs.ffmpeg,
        [
          ...["-v", "level+info", "-nostdin", "-nostats", ...inputGuards()],
          ...[...pixelLimit(this.#limits.maxPixels), ...seek, "-copyts"],
          ...(this.#video.isTurned ? [] : ["-noautorotate"]),
          ...["-i", inputFile(this.#file.path), "-map", `0:${this.#video.stream}`, "-vf", filters.join(",")],
          ...[
            ...this.#programs.passThrough,
            "-enc_time_base",
            "-1",
            "-f",
            "rawvideo",
            "-avioflags",
            "direct",
            "pipe:1",
          ],
        ],
        { name: this.name, stallMs: this.#limits.stallMs, signal, onLine, socket },
      );
      this.#running.add(program);
      return program;
    });
    return { program: program!, pipe };
  }

  /** To one size, whatever a damaged file says later, and to RGB. */
  #scaling(): string {
    const { facts, matrix } = this.#video;
    return `scale=${facts.width}:${facts.height}${matrix === undefined ? "" : `:in_color_matrix=${matrix}`}`;
  }

  #frame({ pts, width, height, data }: PipedFrame, index: number): Frame {
    return { image: { width, height, data }, seconds: this.#seconds(pts), index };
  }

  #seconds(pts: number): number {
    const { num, den } = this.#video.timeBase;
    return (pts * num) / den;
  }

  /** For ffmpeg, which counts in microseconds: a little later, so that rounding does not go to the frame before. */
  #clock(pts: number): string {
    const { num, den } = this.#video.timeBase;
    return (Math.ceil((pts * num * 1e6) / den) / 1e6).toFixed(6);
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new UsageError(`${this.name} has been closed`, "read it before it is disposed of");
  }

  #limitFailure({ problems }: RunningProgram): Error | undefined {
    const said = problems.find((line) => /exceeds (specified )?max(imum)?[ _]pixel/i.test(line));
    return said === undefined
      ? undefined
      : new LimitError(`${this.name}: a frame`, Number.NaN, this.#limits.maxPixels, "pixels", said);
  }

  #missing(index: number, times: FrameTimes): VideoError {
    if (times.isCutOff) return this.#cutOff(index, times);
    return new VideoError(`${this.name}: frame ${index} cannot be decoded; the file is damaged there`, {
      hint: "other parts of it may be fine",
      data: { frame: index },
    });
  }

  #cutOff(frames: number, { isCutOff, pts }: FrameTimes): VideoError {
    const { announcedSeconds } = this.facts;
    if (!isCutOff)
      return new VideoError(`${this.name}: the last ${pts.length - frames} of ${pts.length} frames cannot be decoded`, {
        hint: "the file is damaged there; what came before was given",
        data: { frames },
      });
    return new VideoError(
      `${this.name} is cut off after ${frames} frames, ${this.#seconds(pts[frames - 1] ?? 0).toFixed(2)} s${announcedSeconds === undefined ? "" : ` of ${announcedSeconds.toFixed(2)} s that it announces`}`,
      { code: "video_cut_off", hint: "copy or record it again; what came before was given", data: { frames } },
    );
  }
}
