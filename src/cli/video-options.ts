// Options about videos: how they are looked at, and what is said about them.
import { type Command, InvalidArgumentError } from "commander";
import { UsageError } from "../errors.ts";
import type { ClassifyVideoOptions } from "../tasks/video/video-options.ts";
import { MOST_CLIP_CROPS } from "../video/evaluation-plan.ts";
import { integer } from "./options.ts";

export interface VideoFlags {
  every?: number;
  frames?: number;
  clips?: number;
  crops?: number;
  secondsBetweenFrames?: number;
  frameRate?: number;
  csv?: boolean;
  srt?: boolean;
}

const NAMES = ["every", "frames", "clips", "crops", "secondsBetweenFrames", "frameRate", "csv", "srt"] as const;

/** Options that only videos have. */
export function addVideoOptions(command: Command): Command {
  return command
    .option("--every <time>", "videos: a timeline, with an answer for every window of 1s, 500ms, 2min", duration)
    .option(
      "--frames <n>",
      "videos: frames of a clip (default: the model's; 8 averaged for a model of pictures)",
      integer(1),
    )
    .option("--clips <n>", "videos: clips whose answers are averaged (default: the model's, else 1)", integer(1))
    .option(
      "--crops <n>",
      `videos: crops along the longer side, up to ${MOST_CLIP_CROPS}, averaged (default: 1)`,
      integer(1),
    )
    .option(
      "--seconds-between-frames <time>",
      "videos: from a frame of a clip to the next (default: the model's, else spread over the video or window)",
      duration,
    )
    .option("--frame-rate <n>", "frames a second of a folder of pictures that is a video (default: 25)", positive)
    .option("--csv", "videos: the timeline as a table")
    .option("--srt", "videos: the timeline of one video as subtitles");
}

/** Whether somebody asks for what only videos have. */
export function hasVideoOptions(flags: VideoFlags): boolean {
  return NAMES.some((name) => flags[name] !== undefined);
}

/** What a classifier of videos takes. Throws UsageError for what does not go together. */
export function videoOptions(flags: VideoFlags & { readonly json?: boolean }): ClassifyVideoOptions {
  const { every, frames, clips, crops, secondsBetweenFrames, frameRate } = flags;
  if (flags.csv && flags.srt) throw new UsageError("--csv and --srt cannot be together", "one of them at a time");
  if ((flags.csv || flags.srt) && flags.json)
    throw new UsageError(
      `--${flags.csv ? "csv" : "srt"} and --json cannot be together`,
      "one of them at a time; the JSON has the timeline too",
    );
  if ((flags.csv || flags.srt) && every === undefined)
    throw new UsageError(`--${flags.csv ? "csv" : "srt"} writes a timeline`, "say of which windows: --every 1s");
  const all = { every, frames, clips, crops, secondsBetweenFrames, frameRate };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, "": 1, min: 60, m: 60, h: 3600 };

/** "500ms", "1.5s", "2", "1min" to seconds. */
export function duration(text: string): number {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|min|m|h|)$/.exec(text.trim()) ?? [];
  const seconds = Number(number) * UNITS[unit]!;
  if (!(seconds > 0)) throw new InvalidArgumentError("It must be a time, such as 1s, 500ms or 2min.");
  return seconds;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError("It must be a number above 0.");
  return value;
}
