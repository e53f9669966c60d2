// saccade classify, where what is classified are videos.
import { SaccadeError, UsageError } from "../errors.ts";
import { explainVideo } from "../evaluate/explain-video.ts";
import { percent } from "../evaluate/percent.ts";
import { isPictureName } from "../image/picture-files.ts";
import { describeUnseen } from "../image/seen-share.ts";
import { describeModel } from "../model-folder/describe.ts";
import { nodeHost } from "../platform/node/host.ts";
import type { TimelineSegment, VideoResult } from "../tasks/video/results.ts";
import { timelineCsv, timelineCsvHeader, timelineSrt } from "../tasks/video/timeline-text.ts";
import { loadVideoClassifier, type VideoClassifier } from "../tasks/video/video-classifier.ts";
import type { ClassifyVideoOptions } from "../tasks/video/video-options.ts";
import { isAnimationName, isFolderOfFrames, isVideoName } from "../video/video-files.ts";
import { drawingPaths, videoFormatOf } from "./drawing-file.ts";
import { type ExitFlags, exitOptions, hasExitOptions } from "./exit-options.ts";
import {
  type DeviceOptions,
  loadOptions,
  type ModelOptions,
  type PrecisionOptions,
  type ResolutionOptions,
  readLines,
  type ScoresOptions,
  type SessionsOptions,
  sessionOptions,
  sessionsOptions,
} from "./options.ts";
import { refuseReplacing } from "./outputs.ts";
import { PictureFailures } from "./picture-failures.ts";
import { expandPictures, type NamedPicture, type SoughtFiles } from "./picture-paths.ts";
import { Progress } from "./progress.ts";
import { noteError, printable, type Terminal } from "./terminal.ts";
import { hasVideoOptions, type VideoFlags, videoOptions } from "./video-options.ts";

export interface ClassifyVideosFlags
  extends ModelOptions,
    DeviceOptions,
    SessionsOptions,
    PrecisionOptions,
    ResolutionOptions,
    ScoresOptions,
    VideoFlags,
    ExitFlags {
  model: string;
  topK: number;
  json?: boolean;
  explain?: string;
  labels?: string;
  fromFile?: string;
  batch?: number;
}

/** Flags that are about pictures alone. */
export interface PictureOnlyFlags {
  readonly views?: unknown;
  readonly decode?: unknown;
  readonly as?: unknown;
  readonly asFile?: unknown;
}

/**
 * Whether a command is about videos: by an option that only they have, a path, a model that takes clips, or folders that have videos and no pictures.
 */
export async function isAboutVideos(paths: readonly string[], flags: VideoFlags & ModelOptions): Promise<boolean> {
  if (hasVideoOptions(flags) || paths.some(isVideoName)) return true;
  if (flags.model !== undefined && (await takesVideos(flags.model))) return true;
  return (await contentOf(paths)) === "videos";
}

/** Whether a model takes clips, as far as its name or folder says; files say it only through their weights. */
async function takesVideos(model: string): Promise<boolean> {
  try {
    const { definition } = await describeModel(nodeHost, model);
    return definition.architecture.input(definition.config).kind === "video";
  } catch (error) {
    if (error instanceof SaccadeError) return false;
    throw error;
  }
}

/**
 * What there is at paths and in the folders below them: videos alone, nothing of interest, or something else. The first picture decides, so that a large
 * folder of pictures is not walked through only to be walked through again.
 */
async function contentOf(paths: readonly string[]): Promise<"videos" | "nothing" | "others"> {
  const { files } = nodeHost;
  let found: "videos" | "nothing" = "nothing";
  for (const path of paths) {
    const entry = await files.stat(path).catch(() => undefined);
    if (entry?.isDirectory !== true) return "others";
    const listed = await files.list(path).catch(() => []);
    const names = listed.filter(({ isDirectory }) => !isDirectory).map(({ path: name }) => name);
    if (names.some(isPictureName)) return "others";
    const folders = listed.filter(({ isDirectory }) => isDirectory).map(({ path: folder }) => folder);
    const below = await contentOf(folders);
    if (below === "others") return "others";
    if (below === "videos" || names.some(isVideoName)) found = "videos";
  }
  return found;
}

const VIDEOS: SoughtFiles = {
  noun: "video",
  isName: (path) => isVideoName(path) || isAnimationName(path),
  isFolder: isFolderOfFrames,
  refusal: (path) =>
    isPictureName(path) && !isAnimationName(path)
      ? new UsageError(
          `${path} is a picture, and videos are classified here`,
          "pictures go without options for videos and with a model of pictures; a folder of pictures is a video",
        )
      : undefined,
};

export async function classifyVideos(
  paths: readonly string[],
  flags: ClassifyVideosFlags & PictureOnlyFlags,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): Promise<void> {
  refusePictureOptions(flags);
  const options = videoOptions(flags);
  const found = await expandPictures(nodeHost, { paths, fromFile: flags.fromFile }, terminal, VIDEOS);
  const { pictures: videos, problems } = found;
  if (flags.srt && videos.length > 1)
    throw new UsageError(
      `subtitles are of one video, and there are ${videos.length}`,
      "--csv has a column for the path",
    );
  const drawings = flags.explain === undefined ? undefined : await drawingPaths(flags.explain, videos, "videos");
  await refuseReplacing(drawings === undefined ? [] : [...drawings.paths.values()], {
    models: [flags.model],
    paths: [...videos.map(({ name }) => name), flags.labels, flags.fromFile],
  });
  await using classifier = await openClassifier(flags, looksExpected(videos.length, flags), terminal);
  if (drawings !== undefined && !classifier.looks)
    throw new UsageError(
      `${classifier.card.name} does not look sparsely: there is nothing to draw`,
      "leave --explain out, or take a SparseFormer",
    );
  if (drawings?.folder !== undefined) await nodeHost.files.makeDirectory(drawings.folder);
  const explained = drawings === undefined ? {} : { explain: "last" as const, ...denser(classifier, options) };
  const failures = new PictureFailures(terminal, flags.json, "videos");
  for (const { name, error } of problems) failures.add(name, error);
  const progress = new VideoProgressLine(terminal, videos.length);
  if (flags.csv) terminal.out(timelineCsvHeader);
  const answers = classifier.classifyAll(
    videos.map(({ source }) => source),
    {
      ...options,
      ...exitOptions(flags),
      ...explained,
      topK: flags.topK,
      ...(flags.batch === undefined ? {} : { batchSize: flags.batch }),
      onProgress: (state) => progress.show(state),
      signal: terminal.signal,
    },
  );
  let next = 0;
  for await (const { answer, error } of answers) {
    const video = videos[next++]!;
    if (terminal.outputClosed && drawings === undefined) break;
    progress.advance();
    if (error !== undefined) {
      failures.add(video.name, error);
      continue;
    }
    const drawn = drawings === undefined ? undefined : drawings.paths.get(video)!;
    if (drawn !== undefined) await draw(video, answer, drawn, options, terminal);
    terminal.out(textOf(video, answer, classifier, flags, videos.length > 1, drawn));
    if (answer.cutOff !== undefined) {
      noteError(terminal, answer.cutOff, printable(video.name));
      finish(1);
    }
  }
  progress.finish();
  if (!failures.finish(videos.length + problems.length)) finish(1);
}

/** A model of pictures is shown looking at more frames, so that its gaze moves. */
const EXPLAINED_FRAMES = 32;

function denser({ kind, card }: VideoClassifier, { frames, every }: ClassifyVideoOptions): { frames?: number } {
  const isSaid = frames !== undefined || every !== undefined || card.clip !== undefined;
  return kind === "clips" || isSaid ? {} : { frames: EXPLAINED_FRAMES };
}

async function draw(
  { source }: NamedPicture,
  result: VideoResult,
  out: string,
  { frameRate }: ClassifyVideoOptions,
  terminal: Terminal,
): Promise<void> {
  const { signal } = terminal;
  await using video = await nodeHost.openVideo(source, { signal, ...(frameRate === undefined ? {} : { frameRate }) });
  await nodeHost.files.writeAtomic(
    out,
    await explainVideo(nodeHost, video, result, { format: videoFormatOf(out), signal }),
  );
}

function refusePictureOptions(flags: PictureOnlyFlags): void {
  const named = { views: "--views", decode: "--decode", as: "--as", asFile: "--as-file" } as const;
  for (const [name, option] of Object.entries(named))
    if (flags[name as keyof PictureOnlyFlags] !== undefined)
      throw new UsageError(
        `${option} is for pictures, and videos are classified here`,
        option === "--views" ? "--crops says how much of a frame is seen" : "leave it out",
      );
}

/** Windows of a timeline, as a guess: its length is not known before it is open. */
const EXPECTED_WINDOWS = 60;
/** Frames of a clip, as a guess: the model that says it is not open. */
const EXPECTED_CLIP_FRAMES = 8;

/** About how many pictures will be looked at. */
function looksExpected(
  videos: number,
  { every, clips = 1, frames = EXPECTED_CLIP_FRAMES, crops = 1 }: VideoFlags,
): number {
  return videos * frames * crops * (every === undefined ? clips : EXPECTED_WINDOWS);
}

async function openClassifier(
  flags: ClassifyVideosFlags,
  expectedLooks: number,
  terminal: Terminal,
): Promise<VideoClassifier> {
  const labels = flags.labels === undefined ? undefined : await readLines(nodeHost.files, flags.labels);
  return loadVideoClassifier(nodeHost, flags.model, {
    ...loadOptions(flags, terminal),
    ...sessionOptions(flags, terminal),
    ...sessionsOptions(flags, expectedLooks),
    precision: flags.precision,
    ...(hasExitOptions(flags) ? { inSteps: true } : {}),
    ...(labels === undefined ? {} : { labels }),
    ...(flags.resolution === undefined ? {} : { resolution: flags.resolution }),
    ...(flags.scores === undefined ? {} : { scores: flags.scores }),
  });
}

/** One video: its windows; several: the videos. */
class VideoProgressLine {
  readonly #terminal: Terminal;
  readonly #videos: Progress | undefined;
  #windows: Progress | undefined;

  constructor(terminal: Terminal, videos: number) {
    this.#terminal = terminal;
    this.#videos = videos > 1 ? new Progress(terminal, "videos", videos) : undefined;
  }

  show({ done, clips }: { readonly done: number; readonly clips: number }): void {
    if (this.#videos !== undefined || clips < 2) return;
    this.#windows ??= new Progress(this.#terminal, "clips", clips);
    this.#windows.reach(done);
  }

  advance(): void {
    this.#videos?.advance();
  }

  finish(): void {
    this.#windows?.finish();
    const { done, seconds, rate } = this.#videos?.finish() ?? { done: 0, seconds: 0, rate: 0 };
    if (done > 1 && seconds > 2)
      this.#terminal.note(`${done} videos in ${seconds.toFixed(1)} s, ${rate.toFixed(1)} videos/s`);
  }
}

function textOf(
  video: NamedPicture,
  result: VideoResult,
  classifier: VideoClassifier,
  flags: ClassifyVideosFlags,
  several: boolean,
  drawn: string | undefined,
): string {
  if (flags.json) return jsonLine(video.name, classifier, result, drawn);
  if (flags.csv) return timelineCsv(video.name, result.segments ?? []);
  if (flags.srt) return timelineSrt(result.segments ?? []);
  const indent = several ? "  " : "";
  const lines = [
    ...(result.segments ?? []).map((segment) => segmentLine(segment, indent)),
    ...(result.segments === undefined ? [] : [`${indent}in all:`]),
    ...(result.unknown === true ? [`${indent}unknown: it is none of the model's classes. The likeliest are`] : []),
    ...result.predictions.map(({ label, score }) => `${indent}${percent(score).padStart(6)}  ${printable(label)}`),
    `${indent}${describeViews(result)}`,
    ...(result.views.steps === undefined ? [] : [`${indent}${describeSteps(result.views)}`]),
  ];
  const unseen = describeUnseen(result.seen);
  if (unseen !== undefined) lines.push(`${indent}${unseen}`);
  if (drawn !== undefined) lines.push(`${indent}where it looked: ${printable(drawn)}`);
  return `${several ? `${printable(video.name)}\n` : ""}${lines.join("\n")}\n`;
}

function segmentLine({ start, end, label, score }: TimelineSegment, indent: string): string {
  return `${indent}${clock(start)} - ${clock(end)}  ${percent(score).padStart(6)}  ${printable(label)}`;
}

/** "8 frames of 12.4 s, averaged; 0.430 GFLOPs x (8 frames x 1 crop)" */
function describeViews({ views, start, end }: VideoResult): string {
  const { kind, clips, frames, cost } = views;
  const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  const shown =
    kind === "frames"
      ? `${plural(clips * frames, "frame")}${clips * frames > 1 ? " averaged" : ""}`
      : `${plural(clips, "clip")} of ${plural(frames, "frame")}`;
  return `${shown}, ${(end - start).toFixed(1)} s of video; ${cost}`;
}

/** "stopped after: 3 glance, 1 focus; 4.00 of 8.82 GMACs a clip" */
function describeSteps({ kind, steps = [], macs, macsInAll }: VideoResult["views"]): string {
  const counts = steps.map(({ name, stopped }) => `${stopped} ${name}`).join(", ");
  const gigas = (value: number) => (value / 1e9).toPrecision(3);
  const cost =
    macs === undefined || macsInAll === undefined
      ? ""
      : `; ${gigas(macs)} of ${gigas(macsInAll)} GMACs a ${kind === "frames" ? "frame" : "clip"}`;
  return `stopped after: ${counts}${cost}`;
}

/** 75.25 -> "1:15.3" */
function clock(seconds: number): string {
  const tenths = Math.round(10 * Math.abs(seconds));
  const [hours, minutes] = [Math.floor(tenths / 36_000), Math.floor(tenths / 600) % 60];
  const rest = `${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
  const sign = seconds < 0 && tenths > 0 ? "-" : "";
  return hours > 0 ? `${sign}${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${sign}${minutes}:${rest}`;
}

function jsonLine(name: string, classifier: VideoClassifier, result: VideoResult, drawn: string | undefined): string {
  const { predictions, unknown, seen, views, start, end, windows, segments, cutOff } = result;
  const gaze = result.gaze?.map((clip) => ({
    view_to_picture: clip.viewToPicture,
    frames: clip.frames,
    stages: clip.stages.map((stage) => ({
      name: stage.name,
      tokens: stage.tokens,
      points_per_token: stage.pointsPerToken,
      regions: Array.from(stage.regions),
      points: Array.from(stage.points),
    })),
  }));
  return `${JSON.stringify({
    path: name,
    model: classifier.card.name,
    device: classifier.device,
    predictions,
    unknown,
    seen,
    start,
    end,
    views,
    windows,
    segments,
    gaze,
    explained: drawn,
    cut_off: cutOff && { code: cutOff.code, message: cutOff.message },
  })}\n`;
}
