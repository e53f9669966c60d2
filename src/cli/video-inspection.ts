// What saccade inspect says of a video: what its header says, and the times of its frames.
import { VideoError } from "../errors.ts";
import { sniff } from "../image/sniff.ts";
import { nodeHost } from "../platform/node/host.ts";
import { describeDecoder } from "../platform/node/video/decoders.ts";
import type { Video, VideoFacts } from "../video/video.ts";
import { isVideoName } from "../video/video-files.ts";
import { type Fact, listFacts } from "./facts.ts";
import { printable } from "./terminal.ts";

export interface VideoInspection {
  readonly path: string;
  readonly facts: VideoFacts;
  readonly frames: number;
  /** Times of the first and the last frame, in seconds. */
  readonly first: number;
  readonly last: number;
  /** The shortest and the longest time from one frame to the next, in seconds; undefined for a single frame. */
  readonly gaps: readonly [shortest: number, longest: number] | undefined;
  /** Whether it has less than it announces. */
  readonly isCutOff: boolean;
  readonly decoder: string;
}

const SNIFFED_BYTES = 4096;

/** Whether a path leads to a file that is a video or an animation by its content, or is called one and shall say what it is instead. */
export async function isVideoFile(path: string): Promise<boolean> {
  const entry = await nodeHost.files.stat(path).catch(() => undefined);
  if (entry === undefined || entry.isDirectory) return false;
  if (isVideoName(path)) return true;
  const { picture, name } = sniff(await nodeHost.readRange(path, 0, SNIFFED_BYTES));
  return / video$/.test(name) || picture === "gif" || picture === "webp";
}

/** @throws what opening a video throws */
export async function inspectVideo(path: string, signal: AbortSignal): Promise<VideoInspection> {
  await using video = await nodeHost.openVideo(path, { signal });
  const times = await video.timestamps(signal);
  const gaps = times.slice(1).map((time, i) => time - times[i]!);
  const isStill = video.facts.codec === "gif" || video.facts.codec === "webp";
  return {
    path,
    facts: video.facts,
    frames: times.length,
    first: times[0]!,
    last: times.at(-1)!,
    gaps: gaps.length === 0 ? undefined : [smallest(gaps), largest(gaps)],
    isCutOff: await endsEarly(video, times.at(-1)!, signal),
    decoder: isStill ? "sharp" : ((await describeDecoder()) ?? "unknown"),
  };
}

/** Reading on to the end tells. */
async function endsEarly(video: Video, last: number, signal: AbortSignal): Promise<boolean> {
  try {
    for await (const _ of video.read({ start: last, signal }));
    return false;
  } catch (error) {
    if (error instanceof VideoError && error.code === "video_cut_off") return true;
    throw error;
  }
}

const smallest = (values: Float64Array) => values.reduce((a, b) => Math.min(a, b));
const largest = (values: Float64Array) => values.reduce((a, b) => Math.max(a, b));

export function videoJson({ path, facts, frames, first, last, gaps, isCutOff, decoder }: VideoInspection) {
  return {
    path,
    kind: "video",
    width: facts.width,
    height: facts.height,
    rotation: facts.rotation,
    codec: facts.codec,
    container: facts.container,
    bit_depth: facts.bitDepth,
    has_audio: facts.hasAudio,
    announced_frames: facts.announcedFrames,
    announced_seconds: facts.announcedSeconds,
    frame_rate: facts.frameRate,
    frames,
    first_seconds: first,
    last_seconds: last,
    shortest_gap_seconds: gaps?.[0],
    longest_gap_seconds: gaps?.[1],
    cut_off: isCutOff,
    decoder,
  };
}

export function describeVideo(found: VideoInspection, columns: number): string {
  const { path, facts, frames, first, last, isCutOff, decoder } = found;
  const turned = facts.rotation === 0 ? "" : `, turned by ${facts.rotation} degrees`;
  const list: Fact[] = [
    ["video", `${facts.codec} in ${facts.container}, ${facts.bitDepth} bits a channel`],
    ["size", `${facts.width} x ${facts.height}${turned}`],
    ["frames", `${frames}, from ${first.toFixed(3)} s to ${last.toFixed(3)} s${rateText(found)}`],
    ...(facts.announcedSeconds === undefined ? [] : [["announced", announcedText(facts)] as Fact]),
    ["sound", facts.hasAudio ? "yes, which is not used" : "none"],
    ...(isCutOff ? [["note", "it is cut off: it ends before what it announces"] as Fact] : []),
    ["decoded by", decoder],
  ];
  return `${printable(path)}\n${listFacts(list, columns)}`;
}

function announcedText({ announcedSeconds = 0, announcedFrames }: VideoFacts): string {
  return `${announcedSeconds.toFixed(3)} s${announcedFrames === undefined ? "" : `, ${announcedFrames} frames`}`;
}

/** ", 25 a second"; of a variable rate, how far frames are apart. */
function rateText({ gaps, frames, first, last }: VideoInspection): string {
  if (gaps === undefined || last === first) return "";
  const [shortest, longest] = gaps;
  const rate = `, ${Number(((frames - 1) / (last - first)).toFixed(2))} a second`;
  // Containers round times to milliseconds.
  return longest - shortest < 0.0021
    ? rate
    : `${rate} on average, ${shortest.toFixed(3)} s to ${longest.toFixed(3)} s apart`;
}
