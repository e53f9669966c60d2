// Where a model looked in a video, as data, and what of it belongs to a moment: regions that come and go as tubes through time.
import type { ViewToPicture } from "../image/transform.ts";

/**
 * One look of a token at a clip. Time is measured as a part of the clip: frame i of n is at (i + 0.5) / n. Places are parts of the model's view, 0 to 1, and
 * may lie outside of it.
 */
export interface ClipGazeStage {
  readonly name: string;
  readonly tokens: number;
  readonly pointsPerToken: number;
  /** tokens x (x1, y1, t1, x2, y2, t2) */
  readonly regions: Float32Array;
  /** tokens x points x (x, y, t) */
  readonly points: Float32Array;
}

/** Where a model looked in one crop of one clip. A model of pictures looks at one frame at a time: a clip of one frame. */
export interface ClipGaze {
  /** The frames of the clip, in its order. */
  readonly frames: readonly { readonly index: number; readonly seconds: number }[];
  readonly stages: readonly ClipGazeStage[];
  /** From the model's view to the whole frame. */
  readonly viewToPicture: ViewToPicture;
}

/** What is looked at at a moment, in 0..1 of the frame, each with how much it belongs to the moment, above 0 to 1. */
export interface MomentaryGaze {
  /** x1, y1, x2, y2 */
  readonly regions: readonly (readonly [number, number, number, number])[];
  readonly regionWeights: readonly number[];
  /** x, y, x, y, … */
  readonly points: readonly number[];
  readonly pointWeights: readonly number[];
}

/** Frames of a model of pictures that are nearer than this are one movement; farther ones stand alone. */
const MOVEMENT_SECONDS = 0.5;
/** How long a look at a single frame is still seen. */
const AFTERGLOW_SECONDS = 0.3;
/** What fades outside of a region's time, in parts of the clip. */
const FADING = 0.04;
const LEAST_WEIGHT = 0.04;

/** The last look of every clip (the one that the answer is made of), at a moment. */
export function gazeAt(gaze: readonly ClipGaze[], seconds: number): MomentaryGaze {
  const found = new Collector();
  const singles = new Map<string, ClipGaze[]>();
  for (const clip of gaze) {
    if (clip.frames.length > 1) addClip(found, clip, seconds);
    else {
      const view = JSON.stringify(clip.viewToPicture); // crops move apart from each other
      singles.set(view, [...(singles.get(view) ?? []), clip]);
    }
  }
  for (const ofView of singles.values()) addSingles(found, ofView, seconds);
  return found;
}

class Collector implements MomentaryGaze {
  readonly regions: [number, number, number, number][] = [];
  readonly regionWeights: number[] = [];
  readonly points: number[] = [];
  readonly pointWeights: number[] = [];

  region(view: ViewToPicture, [x1, y1, x2, y2]: readonly [number, number, number, number], weight: number): void {
    if (weight < LEAST_WEIGHT) return;
    const [left, top] = place(view, x1, y1);
    const [right, bottom] = place(view, x2, y2);
    this.regions.push([left, top, right, bottom]);
    this.regionWeights.push(weight);
  }

  point(view: ViewToPicture, x: number, y: number, weight: number): void {
    if (weight < LEAST_WEIGHT) return;
    this.points.push(...place(view, x, y));
    this.pointWeights.push(weight);
  }
}

const place = ({ scaleX, scaleY, offsetX, offsetY }: ViewToPicture, x: number, y: number): [number, number] => [
  x * scaleX + offsetX,
  y * scaleY + offsetY,
];

const bell = (distance: number, width: number) => Math.exp(-0.5 * (distance / width) ** 2);

function addClip(found: Collector, clip: ClipGaze, seconds: number): void {
  const stage = clip.stages.at(-1);
  const time = clipTime(clip, seconds);
  if (stage === undefined || time === undefined) return;
  const { tokens, pointsPerToken, regions, points } = stage;
  for (let token = 0; token < tokens; token++) {
    const [x1, y1, t1, x2, y2, t2] = regions.subarray(token * 6, token * 6 + 6) as unknown as number[];
    const outside = Math.max(Math.min(t1!, t2!) - time, time - Math.max(t1!, t2!), 0);
    found.region(clip.viewToPicture, [x1!, y1!, x2!, y2!], bell(outside, FADING));
  }
  for (let i = 0; i < tokens * pointsPerToken; i++) {
    const token = Math.floor(i / pointsPerToken);
    // A point stands for its share of the token's time.
    const lasts = Math.abs(regions[token * 6 + 5]! - regions[token * 6 + 2]!) / 3;
    const width = Math.max(0.5 / clip.frames.length, FADING, lasts);
    found.point(clip.viewToPicture, points[3 * i]!, points[3 * i + 1]!, bell(points[3 * i + 2]! - time, width));
  }
}

/** A moment as a part of a clip; undefined where the clip is elsewhere. */
function clipTime({ frames }: ClipGaze, seconds: number): number | undefined {
  const count = frames.length;
  const spacing = (frames[count - 1]!.seconds - frames[0]!.seconds) / (count - 1);
  if (seconds < frames[0]!.seconds - spacing / 2 || seconds > frames[count - 1]!.seconds + spacing) return undefined;
  let next = frames.findIndex((frame) => frame.seconds > seconds);
  if (next === -1) next = count;
  const before = Math.max(0, next - 1);
  const [from, to] = [frames[before]!.seconds, frames[Math.min(next, count - 1)]!.seconds];
  const within = to > from ? (seconds - from) / (to - from) : spacing > 0 ? (seconds - from) / spacing : 0;
  return Math.min(1, Math.max(0, (before + 0.5 + Math.min(1, Math.max(-0.5, within))) / count));
}

function addSingles(found: Collector, clips: readonly ClipGaze[], seconds: number): void {
  const sorted = [...clips].sort((a, b) => a.frames[0]!.seconds - b.frames[0]!.seconds);
  const secondsOf = (clip: ClipGaze) => clip.frames[0]!.seconds;
  const next = sorted.find((clip) => secondsOf(clip) > seconds);
  const before = sorted.findLast((clip) => secondsOf(clip) <= seconds);
  const gap =
    next === undefined || before === undefined ? Number.POSITIVE_INFINITY : secondsOf(next) - secondsOf(before);
  if (gap <= MOVEMENT_SECONDS) {
    addBetween(found, before!, next!, (seconds - secondsOf(before!)) / gap);
    return;
  }
  const [nearest] = [before, next]
    .filter((clip) => clip !== undefined)
    .sort((a, b) => Math.abs(secondsOf(a) - seconds) - Math.abs(secondsOf(b) - seconds));
  if (nearest === undefined) return;
  addBetween(found, nearest, nearest, 0, 1 - Math.abs(secondsOf(nearest) - seconds) / AFTERGLOW_SECONDS);
}

/** Tokens on their way from one look to the next. */
function addBetween(found: Collector, from: ClipGaze, to: ClipGaze, part: number, weight = 1): void {
  const [a, b] = [from.stages.at(-1), to.stages.at(-1)];
  if (a === undefined || b === undefined || weight <= 0) return;
  const isSame = a.tokens === b.tokens && a.pointsPerToken === b.pointsPerToken;
  const [stage, other, share] = isSame ? [a, b, part] : part < 0.5 ? [a, a, 0] : [b, b, 0];
  const mixed = (values: Float32Array, others: Float32Array, at: number) =>
    values[at]! + (others[at]! - values[at]!) * share;
  for (let token = 0; token < stage.tokens; token++) {
    const corner = (i: number) => mixed(stage.regions, other.regions, token * 6 + i);
    found.region(from.viewToPicture, [corner(0), corner(1), corner(3), corner(4)], weight);
  }
  for (let i = 0; i < stage.tokens * stage.pointsPerToken; i++)
    found.point(
      from.viewToPicture,
      mixed(stage.points, other.points, 3 * i),
      mixed(stage.points, other.points, 3 * i + 1),
      weight,
    );
}
