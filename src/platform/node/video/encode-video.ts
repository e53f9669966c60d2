// Frames as the bytes of a video file: MP4 by ffmpeg through a pipe, animated WebP by sharp, which needs no ffmpeg.
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LimitError, SaccadeError, VideoError } from "../../../errors.ts";
import type { RawImage } from "../../../image/raw-image.ts";
import type { EncodeVideoOptions } from "../../host.ts";
import { encodeAnimation } from "./encode-animation.ts";
import { findFfmpeg } from "./programs.ts";
import { RunningProgram } from "./running-program.ts";

/** An animation's frames are in memory together. */
const MOST_ANIMATION_BYTES = 2 ** 30;
const STALL_MS = 60_000;
/** What ffmpeg says of a full disk at the end, where it may call itself done all the same. */
const HALF_WRITTEN = /error (writing|closing)|no space left/i;

/**
 * Frames of one size as a video. An MP4 takes them one by one, and holds none.
 *
 * @throws VideoError "video_decoder_missing" for an MP4 without ffmpeg, "video" where it fails; LimitError for an animation that does not fit
 */
export async function encodeVideo(
  frames: AsyncIterable<RawImage> | Iterable<RawImage>,
  options: EncodeVideoOptions,
): Promise<Uint8Array> {
  return options.format === "webp" ? encodeWebp(frames, options) : encodeMp4(frames, options);
}

async function encodeWebp(
  frames: AsyncIterable<RawImage> | Iterable<RawImage>,
  { frameRate, quality }: EncodeVideoOptions,
): Promise<Uint8Array> {
  const all: RawImage[] = [];
  let bytes = 0;
  for await (const frame of frames) {
    bytes += frame.data.length;
    if (bytes > MOST_ANIMATION_BYTES)
      throw new LimitError("an animation", bytes, MOST_ANIMATION_BYTES, "bytes", "an MP4 holds any length");
    all.push(frame);
  }
  return encodeAnimation(all, { frameRate, ...(quality === undefined ? {} : { quality }) });
}

async function encodeMp4(
  frames: AsyncIterable<RawImage> | Iterable<RawImage>,
  { frameRate, signal }: EncodeVideoOptions,
): Promise<Uint8Array> {
  const found = await findFfmpeg();
  if (found === undefined)
    throw new VideoError("an MP4 is written by ffmpeg, which is not on the PATH", {
      code: "video_decoder_missing",
      hint: "install ffmpeg, or take .webp, which needs none",
    });
  // An MP4 begins with what is known at its end, so it is no stream: ffmpeg writes a file that nobody else can see.
  const folder = await mkdtemp(join(tmpdir(), "saccade-encode-"));
  const file = join(folder, "video.mp4");
  try {
    await pipeFrames(found.ffmpeg, frames, file, frameRate, signal);
    return await readFile(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pipeFrames(
  ffmpeg: string,
  frames: AsyncIterable<RawImage> | Iterable<RawImage>,
  file: string,
  frameRate: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  let program: RunningProgram | undefined;
  let size: Pick<RawImage, "width" | "height"> | undefined;
  try {
    for await (const { width, height, data } of frames) {
      size ??= { width, height };
      if (width !== size.width || height !== size.height)
        throw new VideoError(`frames of ${size.width} x ${size.height} and ${width} x ${height} are no video`);
      program ??= new RunningProgram(ffmpeg, encoderArguments(size, frameRate, file), {
        name: "the video that is written",
        stallMs: STALL_MS,
        stdin: "pipe",
        signal,
      });
      const input = program.input!;
      if (!program.isOver && !input.write(data)) await Promise.race([once(input, "drain"), program.ended]);
      if (program.isOver) throw failure(program);
    }
    if (program === undefined) throw new VideoError("a video has at least one frame", { code: "video_empty" });
    program.input!.end();
    program.output.resume();
    await program.ended;
    if (program.exitCode !== 0 || program.problems.some((line) => HALF_WRITTEN.test(line))) throw failure(program);
  } finally {
    program?.kill();
  }
}

/** H.264 where this ffmpeg has it: it chooses itself. Players want colours at half the size, and sides that are even for it. */
function encoderArguments(
  { width, height }: Pick<RawImage, "width" | "height">,
  frameRate: number,
  file: string,
): string[] {
  return [
    ...["-hide_banner", "-loglevel", "level+error", "-nostdin", "-xerror"],
    ...["-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", `${width}x${height}`, "-framerate", String(frameRate)],
    ...[
      "-i",
      "pipe:0",
      "-vf",
      "pad=ceil(iw/2)*2:ceil(ih/2)*2",
      "-pix_fmt",
      "yuv420p",
      "-an",
      "-movflags",
      "+faststart",
    ],
    ...["-f", "mp4", "-y", `file:${file}`],
  ];
}

function failure(program: RunningProgram): Error {
  const { problems } = program;
  const interruption = program.interruption();
  if (interruption instanceof SaccadeError) return interruption;
  const isFull = problems.some((line) => /no space left/i.test(line));
  return new VideoError(`ffmpeg could not write the video: ${problems.at(-1) ?? `it ended with ${program.exitCode}`}`, {
    ...(isFull ? { hint: `it is made in ${tmpdir()} first, which is full: TMPDIR names another folder` } : {}),
  });
}
