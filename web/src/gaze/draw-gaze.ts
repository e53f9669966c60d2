// Draws a look over a picture that is below the canvas: a veil, the regions of the tokens, the points where they sampled.
import type { Frame, Look } from "./looks.ts";

export interface DrawnGaze {
  readonly look: Look | undefined;
  /** What the model saw, when that is not all. */
  readonly frame?: Frame | undefined;
  /** Points as a heat map instead of dots. */
  readonly heat?: boolean;
}

const VEIL = "rgb(10 10 20 / 42%)";
const REGION = "rgb(110 205 255 / 78%)";
const POINT = "rgb(255 214 64 / 95%)";
const FRAME = "rgb(255 255 255 / 75%)";
/** Of the longer side. */
const HEAT_RADIUS = 0.07;

/** @param width in CSS pixels, as `height`; the canvas has as many device pixels as the screen */
export function drawGaze(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  { look, frame, heat = false }: DrawnGaze,
): void {
  const scale = Math.min(devicePixelRatio, 2);
  const [columns, rows] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== columns) canvas.width = columns;
  if (canvas.height !== rows) canvas.height = rows;
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  if (look === undefined) return;
  context.fillStyle = VEIL;
  context.fillRect(0, 0, width, height);
  if (frame !== undefined) drawFrame(context, frame, width, height);
  if (heat && look.points.length > 0) drawHeat(context, look, width, height);
  else drawTokens(context, look, width, height);
}

function drawTokens(context: CanvasRenderingContext2D, look: Look, width: number, height: number): void {
  const unit = Math.max(0.75, Math.max(width, height) / 700);
  context.lineWidth = 1.3 * unit;
  context.strokeStyle = REGION;
  for (let i = 0; i < look.regions.length; i += 4) {
    const [x1, y1, x2, y2] = look.regions.subarray(i, i + 4) as unknown as [number, number, number, number];
    context.strokeRect(x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height);
  }
  context.fillStyle = POINT;
  context.beginPath();
  for (let i = 0; i < look.points.length; i += 2) {
    const [x, y] = [look.points[i]! * width, look.points[i + 1]! * height];
    context.moveTo(x + 1.7 * unit, y);
    context.arc(x, y, 1.7 * unit, 0, 2 * Math.PI);
  }
  context.fill();
}

function drawFrame(context: CanvasRenderingContext2D, frame: Frame, width: number, height: number): void {
  const [x, y, w, h] = [frame.x * width, frame.y * height, frame.width * width, frame.height * height];
  context.save();
  context.beginPath();
  context.rect(0, 0, width, height);
  context.rect(x, y, w, h);
  context.fill("evenodd");
  context.restore();
  context.strokeStyle = FRAME;
  context.lineWidth = 1;
  context.setLineDash([5, 4]);
  context.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
  context.setLineDash([]);
}

/** Overlapping soft discs add up. */
function drawHeat(context: CanvasRenderingContext2D, look: Look, width: number, height: number): void {
  const radius = HEAT_RADIUS * Math.max(width, height);
  const strength = Math.min(0.5, 24 / (look.points.length / 2 + 24));
  context.save();
  context.globalCompositeOperation = "lighter";
  for (let i = 0; i < look.points.length; i += 2) {
    const [x, y] = [look.points[i]! * width, look.points[i + 1]! * height];
    const disc = context.createRadialGradient(x, y, 0, x, y, radius);
    disc.addColorStop(0, `rgb(255 150 40 / ${strength})`);
    disc.addColorStop(1, "rgb(120 20 60 / 0%)");
    context.fillStyle = disc;
    context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
  }
  context.restore();
}
