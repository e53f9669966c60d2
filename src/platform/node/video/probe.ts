// What a video file says about itself, by ffprobe, checked against the limits before anything is decoded.
import { z } from "zod";
import { LimitError, VideoError } from "../../../errors.ts";
import type { VideoFacts, VideoLimits } from "../../../video/video.ts";
import { type YuvMatrix, yuvMatrix } from "../../../video/yuv-matrix.ts";
import { inputFile, inputGuards } from "./input.ts";
import type { Ffmpeg } from "./programs.ts";
import { RunningProgram } from "./running-program.ts";

/** What decoding needs to know of a file. */
export interface ProbedVideo {
  readonly facts: VideoFacts;
  /** The number of its stream of pictures. */
  readonly stream: number;
  /** Seconds of one unit of its times. */
  readonly timeBase: { readonly num: number; readonly den: number };
  readonly matrix: YuvMatrix | undefined;
  /** Whether it says how long its pictures last, apart from everything else in it. */
  readonly announcesEnd: boolean;
  /** Whether it is turned by a multiple of 90 degrees, which the decoder undoes. */
  readonly isTurned: boolean;
}

const maybeNumber = z.coerce.number().optional().catch(undefined);
const streamSchema = z.object({
  index: z.number().int(),
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  width: maybeNumber,
  height: maybeNumber,
  pix_fmt: z.string().optional(),
  color_space: z.string().optional(),
  bits_per_raw_sample: maybeNumber,
  avg_frame_rate: z.string().optional(),
  time_base: z.string(),
  duration: maybeNumber,
  nb_frames: maybeNumber,
  disposition: z.record(z.string(), z.number()).optional(),
  tags: z.record(z.string(), z.string()).optional(),
  side_data_list: z.array(z.object({ rotation: maybeNumber })).optional(),
});
const probeSchema = z.object({
  streams: z.array(streamSchema).default([]),
  format: z.object({ format_name: z.string().optional(), duration: maybeNumber }).optional(),
});
type Stream = z.infer<typeof streamSchema>;

/** ffprobe's answer is never longer, but for a file that is made so. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20;

/**
 * Asks ffprobe about a file.
 *
 * @throws VideoError when it is no video, damaged or of a kind that is not read; LimitError
 */
export async function probe(
  programs: Ffmpeg,
  path: string,
  name: string,
  limits: Required<VideoLimits>,
  signal?: AbortSignal,
): Promise<ProbedVideo> {
  const args = ["-v", "level+error", ...inputGuards(), "-of", "json", "-show_format", "-show_streams", inputFile(path)];
  const run = new RunningProgram(programs.ffprobe, args, { name, stallMs: limits.stallMs, signal });
  try {
    run.wait();
    let text = "";
    run.output.setEncoding("utf8");
    run.output.on("data", (part: string) => {
      text += part;
      if (text.length > MAX_ANSWER_BYTES) run.kill();
    });
    run.output.resume();
    await run.ended;
    const interruption = run.interruption();
    if (interruption !== undefined) throw interruption;
    if (text.length > MAX_ANSWER_BYTES)
      throw new LimitError(`what ${name} says about itself`, text.length, MAX_ANSWER_BYTES, "bytes");
    if (run.exitCode !== 0) throw openingFailure(name, run.problems);
    return check(readAnswer(text, name), name, limits);
  } finally {
    run.kill();
    await run.ended;
  }
}

function readAnswer(text: string, name: string): z.infer<typeof probeSchema> {
  try {
    return probeSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new VideoError(`${name}: what ffprobe says about it cannot be read`, { cause });
  }
}

/** Why ffprobe did not open it. */
function openingFailure(name: string, problems: readonly string[]): VideoError {
  const said = problems.join("; ");
  const data = { decoder: problems };
  if (/moov atom not found|partial file|ended prematurely|truncat/i.test(said))
    return new VideoError(`${name} is cut off: the part that says what is in it is missing (${said})`, {
      code: "video_cut_off",
      hint: "copy or record the file again; `ffmpeg -i FILE -c copy -movflags +faststart OUT` puts that part first",
      data,
    });
  if (/not on whitelist/i.test(said))
    return new VideoError(`${name} is of a kind that is not opened, because such files can name others to open`, {
      code: "video_unsupported",
      hint: "convert it to MP4 or Matroska with ffmpeg",
      data,
    });
  return new VideoError(`${name} is damaged or no video (${said || "the decoder gives no reason"})`, {
    code: "not_a_video",
    hint: "MP4, MOV, WebM, Matroska, AVI, MPEG-TS, animated GIF and WebP, and folders of pictures are read",
    data,
  });
}

function check(
  { streams, format }: z.infer<typeof probeSchema>,
  name: string,
  limits: Required<VideoLimits>,
): ProbedVideo {
  const isCover = ({ disposition }: Stream) => disposition?.attached_pic === 1;
  const moving = streams.filter((one) => one.codec_type === "video" && !isCover(one));
  const stream = moving.find(({ disposition }) => disposition?.default === 1) ?? moving[0];
  const hasAudio = streams.some(({ codec_type }) => codec_type === "audio");
  if (stream === undefined)
    throw new VideoError(`${name} has ${hasAudio ? "sound, but " : ""}no moving pictures`, {
      code: "not_a_video",
      data: { streams: streams.map(({ codec_type, codec_name }) => `${codec_type} ${codec_name}`) },
    });
  const { width = 0, height = 0, pix_fmt = "", codec_name = "unknown" } = stream;
  if (width < 1 || height < 1) {
    const isEmpty = stream.nb_frames === 0 || stream.nb_frames === undefined;
    throw new VideoError(
      `${name}: its header does not say how large its pictures are${isEmpty ? "; it may have none" : ""}`,
      {
        code: isEmpty ? "video_empty" : "video",
      },
    );
  }
  if (width * height > limits.maxPixels)
    throw new LimitError(`${name}, of ${width} x ${height}`, width * height, limits.maxPixels, "pixels a frame");
  const frameRate = ratio(stream.avg_frame_rate);
  if (frameRate !== undefined && frameRate > limits.maxFrameRate)
    throw new LimitError(name, frameRate, limits.maxFrameRate, "frames a second");
  const ownSeconds = positive(stream.duration) ?? clockTime(stream.tags?.DURATION);
  const announcedSeconds = ownSeconds ?? positive(format?.duration);
  if (announcedSeconds !== undefined && announcedSeconds > limits.maxSeconds)
    throw new LimitError(name, announcedSeconds, limits.maxSeconds, "seconds", "maxSeconds sets the limit");
  const announcedFrames = positive(stream.nb_frames) ?? positive(Number(stream.tags?.NUMBER_OF_FRAMES));
  if (announcedFrames !== undefined && announcedFrames > limits.maxFrames)
    throw new LimitError(name, announcedFrames, limits.maxFrames, "frames", "maxFrames sets the limit");
  const [num, den] = stream.time_base.split("/").map(Number);
  if (!(num! > 0 && den! > 0)) throw new VideoError(`${name}: it measures time in units of ${stream.time_base}`);
  const rotation = rotationOf(stream);
  const isOnItsSide = rotation === 90 || rotation === 270;
  return {
    facts: {
      width: isOnItsSide ? height : width,
      height: isOnItsSide ? width : height,
      rotation: rotation ?? 0,
      codec: codec_name,
      container: format?.format_name ?? "unknown",
      ...(announcedFrames === undefined ? {} : { announcedFrames }),
      ...(announcedSeconds === undefined ? {} : { announcedSeconds }),
      ...(frameRate === undefined ? {} : { frameRate }),
      bitDepth: positive(stream.bits_per_raw_sample) ?? depthOf(pix_fmt),
      hasAudio,
    },
    stream: stream.index,
    timeBase: { num: num!, den: den! },
    matrix: yuvMatrix(pix_fmt, stream.color_space, height),
    announcesEnd: ownSeconds !== undefined || !hasAudio,
    isTurned: rotation !== undefined,
  };
}

const positive = (value: number | undefined): number | undefined =>
  value !== undefined && Number.isFinite(value) && value > 0 ? value : undefined;

/** "30000/1001" */
function ratio(text: string | undefined): number | undefined {
  const [num, den] = (text ?? "").split("/").map(Number);
  return positive(num! / (den ?? 1));
}

/** "00:01:10.500000000" in seconds. */
function clockTime(text: string | undefined): number | undefined {
  const [, hours, minutes, seconds] = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(text ?? "") ?? [];
  return seconds === undefined ? undefined : positive(3600 * Number(hours) + 60 * Number(minutes) + Number(seconds));
}

/** In degrees clockwise; ffprobe counts the other way. undefined for angles that are no multiple of 90: they are not turned. */
function rotationOf({ side_data_list = [] }: Stream): VideoFacts["rotation"] | undefined {
  const counterclockwise = side_data_list.find(({ rotation }) => rotation !== undefined)?.rotation ?? 0;
  const turns = -counterclockwise / 90;
  if (!(Math.abs(turns - Math.round(turns)) < 1 / 90)) return undefined;
  return ([0, 90, 180, 270] as const)[((Math.round(turns) % 4) + 4) % 4];
}

/** "yuv420p10le" has 10 bits. */
function depthOf(pixelFormat: string): number {
  if (/^(rgb48|bgr48|rgba64|bgra64)/.test(pixelFormat)) return 16;
  const [, depth] = /(?:p|gray|y|gbrp|gbrap|p0|p2|p4|x2rgb|x2bgr)(9|10|12|14|16)(?:le|be)?$/.exec(pixelFormat) ?? [];
  return depth === undefined ? 8 : Number(depth);
}
