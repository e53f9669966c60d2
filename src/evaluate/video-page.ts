// Where a model looked in a video, as a page that needs no other file: the frames, the gaze drawn over them, a slider and a button to play.
import { baseName } from "../image/picture-files.ts";
import { INK, PAPER } from "../image/sheet.ts";
import type { Host, JpegHost } from "../platform/host.ts";
import type { VideoResult } from "../tasks/video/results.ts";
import { gazeAt, type MomentaryGaze } from "../video/gaze.ts";
import { toBase64 } from "./base64.ts";
import { html, Markup } from "./report/html.ts";
import { headlineAt, type ShownFrames } from "./video-explanation.ts";

/** Parts of a frame are kept as whole numbers of this. */
const GRAIN = 1000;
const WEIGHT_GRAIN = 100;
const JPEG_QUALITY = 82;

/** @param name of the video, for the title */
export async function videoPage(
  name: string,
  shown: ShownFrames,
  result: VideoResult,
  { encodeJpeg, encodePng }: Pick<Host, "encodePng"> & Partial<JpegHost>,
): Promise<string> {
  const frames: { image: string; seconds: number; headline: string[]; regions: number[]; points: number[] }[] = [];
  let size = { width: 1, height: 1 };
  for await (const { picture, seconds } of shown.frames()) {
    size = picture;
    const [kind, bytes] =
      encodeJpeg === undefined
        ? (["png", await encodePng(picture)] as const)
        : (["jpeg", await encodeJpeg(picture, JPEG_QUALITY)] as const);
    const looked = gazeAt(result.gaze ?? [], seconds);
    frames.push({
      image: `data:image/${kind};base64,${toBase64(bytes)}`,
      seconds: seconds - result.start,
      headline: headlineAt(result, seconds),
      ...packed(looked),
    });
  }
  const seen = new Set((result.gaze ?? []).flatMap((clip) => clip.frames.map(({ seconds }) => seconds - result.start)));
  const data = {
    frames,
    frameRate: shown.frameRate,
    length: result.end - result.start,
    seen: [...seen].sort((a, b) => a - b),
    segments: (result.segments ?? []).map((segment) => ({
      ...segment,
      start: segment.start - result.start,
      end: segment.end - result.start,
    })),
  };
  return page(baseName(name), result.views.cost, size, data);
}

function packed({ regions, regionWeights, points, pointWeights }: MomentaryGaze) {
  const whole = (value: number) => Math.round(value * GRAIN);
  const weight = (value: number) => Math.round(value * WEIGHT_GRAIN);
  return {
    regions: regions.flatMap((box, i) => [...box.map(whole), weight(regionWeights[i]!)]),
    points: pointWeights.flatMap((value, i) => [whole(points[2 * i]!), whole(points[2 * i + 1]!), weight(value)]),
  };
}

function page(name: string, cost: string, { width, height }: { width: number; height: number }, data: object): string {
  // Nothing in a label can end the element: "<" is written as what JSON reads as "<".
  const json = new Markup(
    JSON.stringify(data).replaceAll("<", "\\u003c").replaceAll("&", "\\u0026").replaceAll(">", "\\u003e"),
  );
  const rgb = (color: readonly number[]) => `rgb(${color.join(", ")})`;
  return html`<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>${name}: where it looked</title>
<style>
body { margin: 0 auto; padding: 1rem; max-width: ${Math.max(width, 720)}px; background: ${rgb(PAPER)}; color: ${rgb(INK)}; font: 1rem/1.4 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif, emoji; }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.25; overflow-wrap: anywhere; min-height: 2.1rem; }
p { margin: 0 0 0.5rem; color: rgb(160, 164, 170); overflow-wrap: anywhere; min-height: 1.4rem; }
canvas { display: block; width: 100%; height: auto; border-radius: 4px; background: #000; }
#bar { position: relative; height: 0.6rem; margin: 0.5rem 0.5rem 0; }
#bar i { position: absolute; top: 0; bottom: 0; width: 2px; margin-left: -1px; background: rgba(240, 240, 236, 0.55); }
#segments { position: relative; height: 1.7rem; margin: 0 0.5rem; font-size: 0.85rem; }
#segments span { position: absolute; top: 0; bottom: 0; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; padding: 0.15rem 0.3rem; box-sizing: border-box; border-left: 2px solid ${rgb(PAPER)}; background: #39404c; cursor: pointer; }
#segments span.now { background: #1f6f9c; }
#segments:empty { display: none; }
input[type="range"] { width: 100%; margin: 0.4rem 0; accent-color: rgb(88, 196, 255); }
#controls { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem 1rem; }
button { font: inherit; min-width: 5.5rem; padding: 0.4rem 1rem; border: 0; border-radius: 4px; background: rgb(88, 196, 255); color: #10141a; cursor: pointer; }
label { user-select: none; }
#time { margin-left: auto; font-variant-numeric: tabular-nums; color: rgb(160, 164, 170); }
footer { margin-top: 0.75rem; font-size: 0.85rem; color: rgb(160, 164, 170); overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1 id="answer"></h1>
<p id="others"></p>
<canvas id="view" width="${width}" height="${height}" role="img" aria-label="the video with the places that the model looked at"></canvas>
<div id="bar" aria-hidden="true"></div>
<div id="segments"></div>
<input id="position" type="range" min="0" max="0" value="0" aria-label="frame"/>
<div id="controls">
<button id="play" type="button">Play</button>
<label><input id="regions" type="checkbox" checked="checked"/> regions</label>
<label><input id="points" type="checkbox" checked="checked"/> points</label>
<label><input id="light" type="checkbox" checked="checked"/> light</label>
<span id="time"></span>
</div>
<footer>${name}; ${cost}. White ticks: frames that the model saw.</footer>
<script type="application/json" id="data">${json}</script>
<script>${new Markup(PLAYER)}</script>
</body>
</html>
`.text;
}

/** Neither "<" nor "&" is in it, so that the page is well-formed XML too. */
const PLAYER = `
"use strict";
const get = (id) => document.getElementById(id);
const data = JSON.parse(get("data").textContent);
const canvas = get("view");
const context = canvas.getContext("2d");
const position = get("position");
const pictures = data.frames.map((frame) => { const image = new Image(); image.src = frame.image; return image; });
position.max = String(data.frames.length - 1);
const shade = document.createElement("canvas");
shade.width = canvas.width; shade.height = canvas.height;
const dark = shade.getContext("2d");
for (const seconds of data.seen) {
  const tick = document.createElement("i");
  tick.style.left = 100 * seconds / data.length + "%";
  get("bar").append(tick);
}
const parts = data.segments.map((segment) => {
  const part = document.createElement("span");
  part.textContent = segment.label + " " + Math.round(100 * segment.score) + " %";
  part.title = part.textContent + ", " + segment.start.toFixed(1) + " to " + segment.end.toFixed(1) + " s";
  part.style.left = 100 * segment.start / data.length + "%";
  part.style.width = 100 * (segment.end - segment.start) / data.length + "%";
  part.addEventListener("click", () => show(Math.round(segment.start * data.frameRate)));
  get("segments").append(part);
  return part;
});
function show(number) {
  const at = Math.max(0, Math.min(data.frames.length - 1, number));
  position.value = String(at);
  const frame = data.frames[at];
  const width = canvas.width, height = canvas.height;
  context.globalAlpha = 1;
  if (pictures[at].complete) context.drawImage(pictures[at], 0, 0, width, height);
  else pictures[at].addEventListener("load", () => { if (Number(position.value) === at) show(at); }, { once: true });
  if (get("light").checked) {
    dark.globalCompositeOperation = "source-over";
    dark.clearRect(0, 0, width, height);
    dark.fillStyle = "rgba(10, 12, 16, 0.62)";
    dark.fillRect(0, 0, width, height);
    dark.globalCompositeOperation = "destination-out";
    const radius = 0.055 * Math.max(width, height);
    const step = frame.points.length > 3000 ? 9 : 3;
    for (let i = 0; frame.points.length > i; i += step) {
      const x = frame.points[i] * width / 1000, y = frame.points[i + 1] * height / 1000;
      const glow = dark.createRadialGradient(x, y, 0, x, y, radius);
      glow.addColorStop(0, "rgba(0, 0, 0, " + 0.0022 * frame.points[i + 2] * step / 3 + ")");
      glow.addColorStop(1, "rgba(0, 0, 0, 0)");
      dark.fillStyle = glow;
      dark.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
    }
    context.drawImage(shade, 0, 0);
  }
  const unit = Math.max(width, height) / 480;
  if (get("regions").checked) {
    context.strokeStyle = "rgb(88, 196, 255)";
    context.lineWidth = 1.2 * unit;
    for (let i = 0; frame.regions.length > i; i += 5) {
      const [x1, y1, x2, y2, weight] = frame.regions.slice(i, i + 5);
      context.globalAlpha = 0.006 * weight;
      context.strokeRect(x1 * width / 1000, y1 * height / 1000, (x2 - x1) * width / 1000, (y2 - y1) * height / 1000);
    }
  }
  if (get("points").checked) {
    context.fillStyle = "rgb(255, 214, 64)";
    for (let i = 0; frame.points.length > i; i += 3) {
      context.globalAlpha = 0.008 * frame.points[i + 2];
      context.beginPath();
      context.arc(frame.points[i] * width / 1000, frame.points[i + 1] * height / 1000, 1.4 * unit, 0, 7);
      context.fill();
    }
  }
  context.globalAlpha = 1;
  get("answer").textContent = frame.headline[0];
  get("others").textContent = frame.headline.slice(1).join(", ");
  get("time").textContent = frame.seconds.toFixed(1) + " / " + data.length.toFixed(1) + " s";
  parts.forEach((part, i) => {
    const segment = data.segments[i];
    part.classList.toggle("now", frame.seconds >= segment.start - 1e-6 ? segment.end - 1e-6 > frame.seconds : false);
  });
}
let timer;
function play(wanted) {
  clearInterval(timer);
  timer = undefined;
  get("play").textContent = wanted ? "Pause" : "Play";
  if (!wanted) return;
  if (Number(position.value) === data.frames.length - 1) show(0);
  timer = setInterval(() => {
    const next = Number(position.value) + 1;
    if (next >= data.frames.length) play(false);
    else show(next);
  }, 1000 / data.frameRate);
}
get("play").addEventListener("click", () => play(timer === undefined));
position.addEventListener("input", () => { play(false); show(Number(position.value)); });
for (const id of ["regions", "points", "light"]) get(id).addEventListener("change", () => show(Number(position.value)));
document.addEventListener("keydown", (event) => {
  if (event.target.tagName === "INPUT" || event.target.tagName === "BUTTON") return;
  if (event.key === " ") { event.preventDefault(); play(timer === undefined); }
  if (event.key === "ArrowRight") show(Number(position.value) + 1);
  if (event.key === "ArrowLeft") show(Number(position.value) - 1);
});
show(0);
`;
