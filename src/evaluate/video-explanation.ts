// Where a model looked in a video, as a video: the frames with the gaze on them, the label above, the time below.
import { type Color, createPicture, fillRectangle, paste } from "../image/draw.ts";
import type { RawImage } from "../image/raw-image.ts";
import { resample } from "../image/resample.ts";
import { FAINT_INK, INK, PAPER } from "../image/sheet.ts";
import { drawText, fitText, textHeight, textWidth } from "../image/text.ts";
import type { Host } from "../platform/host.ts";
import type { VideoResult } from "../tasks/video/results.ts";
import { drawGazeOnFrame, REGION_COLOR } from "../video/draw-gaze.ts";
import { gazeAt } from "../video/gaze.ts";
import { frameAt, meanFrameSeconds } from "../video/times.ts";
import type { Video } from "../video/video.ts";
import { html } from "./report/html.ts";

export interface ExplainVideoOptions {
  /** Longest side of a frame in pixels. Default 640; smaller frames are enlarged to half of it. */
  readonly size?: number;
  /** Frames at most: a longer video is shown with fewer a second. Default 1500. */
  readonly most?: number;
  readonly signal?: AbortSignal;
}

/** A frame that is shown, and when. */
export interface ShownFrame {
  readonly picture: RawImage;
  readonly seconds: number;
}

/** The frames of a video at a steady rate. */
export interface ShownFrames {
  /** Frames a second. */
  readonly frameRate: number;
  readonly count: number;
  frames(): AsyncGenerator<ShownFrame, void>;
}

const DEFAULT_SIZE = 640;
const DEFAULT_MOST = 1500;
const HIGHEST_RATE = 25;

/** The frames to be shown of a video, scaled. They are decoded when they are taken, one after another. */
export async function shownFrames(
  video: Video,
  { start, end }: Pick<VideoResult, "start" | "end">,
  { size = DEFAULT_SIZE, most = DEFAULT_MOST, signal }: ExplainVideoOptions = {},
): Promise<ShownFrames> {
  const times = await video.timestamps(signal);
  const seconds = Math.max(end - start, 1e-3);
  const frameRate = Math.min(HIGHEST_RATE, 1 / meanFrameSeconds(times), most / seconds);
  const count = Math.max(1, Math.min(most, Math.round(seconds * frameRate)));
  const moments = Array.from({ length: count }, (_, i) => start + i / frameRate);
  const indices = moments.map((moment) => frameAt(times, moment));
  async function* frames(): AsyncGenerator<ShownFrame, void> {
    let next = 0;
    for await (const { image, index } of video.frames([...new Set(indices)], signal)) {
      const picture = scaled(image, size);
      for (; indices[next] === index; next++) yield { picture, seconds: moments[next]! };
    }
  }
  return { frameRate, count, frames };
}

/** Sides are even, because most video formats have half as many colours along each. */
function scaled(image: RawImage, size: number): RawImage {
  const longest = Math.max(image.width, image.height);
  const scale = Math.min(size, Math.max(longest, size / 2)) / longest;
  const side = (length: number) => Math.max(2, 2 * Math.round((length * scale) / 2));
  return resample(image, side(image.width), side(image.height), { filter: "bilinear" });
}

const HEADER = 44;
const FOOTER = 28;
const MARGIN = 10;

/** The video with the gaze on it, frame by frame. */
export async function* explainedFrames(
  shown: ShownFrames,
  result: VideoResult,
  { layTextOver }: Pick<Host, "layTextOver">,
): AsyncGenerator<RawImage, void> {
  const headers = new Map<string, RawImage>();
  for await (const { picture, seconds } of shown.frames()) {
    const headline = headlineAt(result, seconds);
    const key = headline.join("\n");
    const header = headers.get(key) ?? (await drawHeader(headline, picture.width, layTextOver));
    headers.set(key, header);
    const sheet = createPicture(picture.width, HEADER + picture.height + FOOTER, PAPER);
    paste(header, sheet, 0, 0);
    paste(drawGazeOnFrame(picture, gazeAt(result.gaze ?? [], seconds)), sheet, 0, HEADER);
    drawFooter(sheet, result, seconds);
    yield sheet;
  }
}

/** What is said at a moment: the window's answer, or the video's; the likeliest first. */
export function headlineAt(result: VideoResult, seconds: number): string[] {
  const window = result.windows?.findLast(({ start }) => start <= seconds) ?? result;
  const named = window.predictions.slice(0, 3).map(({ label, score }) => `${label} ${Math.round(100 * score)} %`);
  return window.unknown === true ? ["unknown", ...named] : named;
}

async function drawHeader(
  [first = "", ...others]: readonly string[],
  width: number,
  layTextOver: Host["layTextOver"],
): Promise<RawImage> {
  const strip = createPicture(width, HEADER, PAPER);
  const line = others.join(", ");
  const laid = await layTextOver(strip, headerSvg(first, line, width));
  if (laid !== undefined) return laid;
  const shown = fitText(first, width - 2 * MARGIN, 3);
  drawText(strip, shown, MARGIN, Math.round((HEADER - textHeight(3)) / 2) + 2, 3, INK);
  const left = 3 * MARGIN + textWidth(shown, 3);
  drawText(
    strip,
    fitText(line, width - left - MARGIN, 2),
    left,
    Math.round((HEADER - textHeight(2)) / 2) + 3,
    2,
    FAINT_INK,
  );
  return strip;
}

function headerSvg(first: string, others: string, width: number): string {
  const rgb = (color: Color) => `rgb(${color.join(", ")})`;
  const font = "system-ui, 'Noto Sans', 'Noto Sans CJK SC', 'DejaVu Sans', sans-serif, emoji";
  // A label that would not fit is set smaller.
  const size = Math.min(26, (1.55 * (width - 2 * MARGIN)) / Math.max(1, first.length));
  const room = width - 3 * MARGIN - first.length * size * 0.58;
  const small = Math.min(15, (1.6 * room) / Math.max(1, others.length));
  const second =
    small >= 9 &&
    html`<text x="${width - MARGIN}" y="29" text-anchor="end" font-size="${small}" fill="${rgb(FAINT_INK)}" xml:space="preserve">${others}</text>`;
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEADER}" font-family="${font}"><text x="${MARGIN}" y="31" font-size="${size}" fill="${rgb(INK)}">${first}</text>${second}</svg>`
    .text;
}

/** How far the video is, with a tick at every frame that the model saw. */
function drawFooter(sheet: RawImage, { gaze = [], start, end }: VideoResult, seconds: number): void {
  const top = sheet.height - FOOTER;
  const time = `${(seconds - start).toFixed(1)} / ${(end - start).toFixed(1)} s`;
  const textLeft = sheet.width - MARGIN - textWidth(time, 2);
  drawText(sheet, time, textLeft, top + 7, 2, FAINT_INK);
  const [left, right] = [MARGIN, Math.max(2 * MARGIN, textLeft - MARGIN)];
  const xOf = (moment: number) => left + ((right - left) * (moment - start)) / Math.max(end - start, 1e-6);
  fillRectangle(sheet, [left, top + 12, right, top + 16], [60, 64, 72]);
  fillRectangle(sheet, [left, top + 12, xOf(seconds), top + 16], REGION_COLOR);
  const seen = new Set(gaze.flatMap(({ frames }) => frames.map((frame) => frame.seconds)));
  for (const moment of seen)
    fillRectangle(sheet, [xOf(moment) - 0.75, top + 8, xOf(moment) + 0.75, top + 20], INK, 0.7);
}
