// The times of all frames of a file, in its own units, without decoding: ffprobe lists its packets. For codecs whose packets and frames are not one
// to one, and for files whose packets have no times, it decodes and lists frames.
import { LimitError, VideoError } from "../../../errors.ts";
import type { VideoLimits } from "../../../video/video.ts";
import { inputFile, inputGuards, pixelLimit } from "./input.ts";
import type { ProbedVideo } from "./probe.ts";
import type { Ffmpeg } from "./programs.ts";
import { RunningProgram } from "./running-program.ts";

export interface FrameTimes {
  /** In units of the stream, ascending. */
  readonly pts: Float64Array;
  /** The times of the frames that can be decoded without earlier ones, ascending. */
  readonly keys: Float64Array;
  /** So many of the first times are the file's. Those after it are of last frames that have none: each a frame's duration after the one before, as ffmpeg has it. */
  readonly stated: number;
  /** Whether the file ends before it should. */
  readonly isCutOff: boolean;
}

/** One packet is one frame, and hidden frames travel with shown ones. */
const ONE_PACKET_A_FRAME: ReadonlySet<string> = new Set(["h264", "hevc", "vp9", "av1", "mjpeg", "prores", "ffv1"]);
const CUT_OFF = /partial file|ended prematurely|truncat/i;
/** A file may announce this much more than it has before it counts as cut off: headers are rounded. */
const LENIENCE = { seconds: 1, share: 0.05 };

/**
 * @throws VideoError "video_empty" for a file without frames, or when it is damaged; LimitError
 */
export async function listFrameTimes(
  programs: Ffmpeg,
  path: string,
  name: string,
  video: ProbedVideo,
  limits: Required<VideoLimits>,
  signal?: AbortSignal,
): Promise<FrameTimes> {
  const list = (what: "packet" | "frame") => new Listing(what, name, video, limits).run(programs, path, signal);
  const byPackets = ONE_PACKET_A_FRAME.has(video.facts.codec) ? await list("packet") : undefined;
  const listing = byPackets?.hasAllTimes === true ? byPackets : await list("frame");
  return listing.result();
}

class Listing {
  #someHaveNone = false;
  readonly #pts = new Times();
  readonly #keys = new Times();
  #end = Number.NEGATIVE_INFINITY;
  #duration = 0;
  /** Frames without a time after the last one that has one. */
  #untimed = 0;
  #saidCutOff = false;
  #problems: readonly string[] = [];

  constructor(
    readonly what: "packet" | "frame",
    readonly name: string,
    readonly video: ProbedVideo,
    readonly limits: Required<VideoLimits>,
  ) {}

  async run(programs: Ffmpeg, path: string, signal: AbortSignal | undefined): Promise<this> {
    const fields =
      this.what === "packet"
        ? "packet=pts,duration,flags"
        : "frame=best_effort_timestamp,key_frame,pkt_duration,duration";
    const run = new RunningProgram(
      programs.ffprobe,
      [
        ...["-v", "level+error", ...inputGuards(), ...pixelLimit(this.limits.maxPixels)],
        ...["-select_streams", String(this.video.stream), "-show_entries", fields, "-of", "compact=p=0"],
        inputFile(path),
      ],
      {
        name: this.name,
        stallMs: this.limits.stallMs,
        signal,
        onLine: (line) => {
          if (CUT_OFF.test(line)) this.#saidCutOff = true;
        },
      },
    );
    try {
      let rest = "";
      let failure: Error | undefined;
      run.wait();
      run.output.setEncoding("latin1");
      run.output.on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop()!;
        try {
          for (const line of lines) this.#take(line);
        } catch (error) {
          failure ??= error as Error;
          run.kill();
        }
      });
      run.output.resume(); // a list that is longer than a pipe holds ends only when it is read
      await run.ended;
      failure ??= run.interruption();
      if (failure !== undefined) throw failure;
      this.#problems = run.problems;
      return this;
    } finally {
      run.kill();
      await run.ended;
    }
  }

  /** "pts=512|duration=512|flags=K_" or "key_frame=1|best_effort_timestamp=512"; side data may follow. */
  #take(line: string): void {
    if (line === "") return;
    const flags = field(line, "flags");
    if (flags?.includes("D") === true) return; // decoded for others, never shown
    const pts = Number(field(line, "pts") ?? field(line, "best_effort_timestamp") ?? "N/A");
    if (Number.isNaN(pts)) {
      this.#someHaveNone = true;
      this.#untimed++;
      this.#requireFew();
      return;
    }
    this.#untimed = 0;
    this.#duration = Number(field(line, "duration") ?? field(line, "pkt_duration")) || this.#duration;
    this.#pts.add(pts);
    if (flags?.startsWith("K") === true || field(line, "key_frame") === "1") this.#keys.add(pts);
    this.#end = Math.max(this.#end, pts + (Number(field(line, "duration")) || 0));
    this.#requireFew();
  }

  #requireFew(): void {
    const frames = this.#pts.length + this.#untimed;
    if (frames > this.limits.maxFrames)
      throw new LimitError(this.name, frames, this.limits.maxFrames, "frames", "maxFrames sets the limit");
  }

  result(): FrameTimes {
    const stated = this.#pts.length;
    // A decoder that held frames back gives them out at the end; in AVI there may be no packet left to take a time from.
    if (this.what === "frame" && stated > 0 && this.#duration > 0)
      for (const last = this.#pts.last; this.#untimed > 0; this.#untimed--)
        this.#pts.add(last + (this.#pts.length - stated + 1) * this.#duration);
    const pts = this.#pts.sorted();
    if (pts.length === 0)
      throw new VideoError(
        `${this.name} has no frame${this.#problems.length === 0 ? "" : ` (${this.#problems.join("; ")})`}`,
        {
          code: this.#saidCutOff ? "video_cut_off" : "video_empty",
          hint: "was it recorded and copied to its end?",
        },
      );
    const seconds = ((pts.at(-1)! - pts[0]!) * this.video.timeBase.num) / this.video.timeBase.den;
    if (seconds > this.limits.maxSeconds)
      throw new LimitError(this.name, seconds, this.limits.maxSeconds, "seconds", "maxSeconds sets the limit");
    return { pts, stated, keys: this.#keys.sorted(), isCutOff: this.#saidCutOff || this.#endsEarly(pts) };
  }

  /** Whether each has a time of its own. */
  get hasAllTimes(): boolean {
    return !this.#someHaveNone && !this.#pts.hasTwins();
  }

  #endsEarly(pts: Float64Array): boolean {
    const { facts, timeBase, announcesEnd } = this.video;
    if (facts.announcedSeconds === undefined || !announcesEnd) return false;
    const frame = pts.length > 1 ? (pts.at(-1)! - pts[0]!) / (pts.length - 1) : 0;
    const end = Math.max(this.#end, pts.at(-1)! + frame);
    const missing = facts.announcedSeconds - ((end - Math.min(pts[0]!, 0)) * timeBase.num) / timeBase.den;
    return missing > Math.max(LENIENCE.seconds, LENIENCE.share * facts.announcedSeconds);
  }
}

function field(line: string, name: string): string | undefined {
  const at = line.startsWith(`${name}=`) ? 0 : line.indexOf(`|${name}=`) + 1;
  if (at === 0 && !line.startsWith(`${name}=`)) return undefined;
  const from = at + name.length + 1;
  const end = line.indexOf("|", from);
  return line.slice(from, end < 0 ? undefined : end);
}

/** Numbers, eight bytes each however many there are. */
class Times {
  length = 0;
  #values = new Float64Array(1024);

  add(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Float64Array(2 * this.length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  get last(): number {
    return this.#values[this.length - 1]!;
  }

  sorted(): Float64Array {
    return this.#values.slice(0, this.length).sort();
  }

  hasTwins(): boolean {
    const values = this.sorted();
    return values.some((value, i) => i > 0 && value === values[i - 1]);
  }
}
