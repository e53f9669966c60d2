// Where a model looked, look by look: numbered boxes on the picture, then each patch as the model saw it, with the answer after it.
import {
  type Color,
  copyPicture,
  createPicture,
  distinctColor,
  fade,
  fillRectangle,
  paste,
  strokeRectangle,
} from "./draw.ts";
import { type Pixels, rgbPixels } from "./pixels.ts";
import type { RawImage } from "./raw-image.ts";
import { resample } from "./resample.ts";
import { describeUnseen, seenShare } from "./seen-share.ts";
import { FAINT_INK, PAPER, type Panel, paintSheet, type Sheet, type SheetOptions, scaleToPanel } from "./sheet.ts";
import { drawText, textHeight, textWidth } from "./text.ts";

/** One look at a part of a picture. */
export interface Glimpse {
  /** "glance", "focus" */
  readonly name: string;
  /** x1, y1, x2, y2 in pixels of the picture; undefined when nothing new was looked at. */
  readonly box: readonly [number, number, number, number] | undefined;
  /** What was thought after it: "guinea pig 83 %". */
  readonly thought: string;
}

const TAG_SCALE = 3;
const TAG_PADDING = 4;
const DARK: Color = [16, 18, 22];

/**
 * Draws looks over their picture, in order.
 *
 * @returns a new picture: headline, the picture with numbered boxes, one panel a look
 * @example
 * const looks: Glimpse[] = [{ name: "glance", box: [40, 60, 360, 380], thought: "guinea pig 83 %" }];
 * await writeFile("looks.png", await encodePng(drawGlimpses(image, looks, { headline: ["guinea pig 83 %"] })));
 */
export function drawGlimpses(pixels: Pixels, glimpses: readonly Glimpse[], options: SheetOptions = {}): RawImage {
  return paintSheet(glimpseSheet(pixels, glimpses, options));
}

/** What `drawGlimpses` draws. */
export function glimpseSheet(pixels: Pixels, glimpses: readonly Glimpse[], options: SheetOptions = {}): Sheet {
  const image = rgbPixels(pixels);
  const picture = scaleToPanel(image, options);
  const overview: Panel = {
    title: "where it looked",
    picture: drawBoxes(picture, image, glimpses),
    detail: [{ text: countLooks(glimpses), color: FAINT_INK }],
  };
  const looks = glimpses.map(
    (glimpse, i): Panel => ({
      title: `${i + 1} ${glimpse.name}`,
      picture: drawPatch(image, glimpse, lookColor(i), picture),
      detail: [{ text: glimpse.thought, color: lookColor(i) }],
    }),
  );
  return {
    headline: options.headline ?? [],
    note: noteOf(image, glimpses[0]?.box),
    panels: [overview, ...looks],
    columns: options.columns,
  };
}

/** The first look is at all that the model sees. */
function noteOf({ width, height }: RawImage, box: Glimpse["box"]): string | undefined {
  if (box === undefined) return undefined;
  const [x1, y1, x2, y2] = box;
  const view = {
    scaleX: (x2 - x1) / width,
    scaleY: (y2 - y1) / height,
    offsetX: x1 / width,
    offsetY: y1 / height,
  };
  return describeUnseen(seenShare([view]));
}

function countLooks({ length }: readonly Glimpse[]): string {
  return length === 1 ? "1 look" : `${length} looks`;
}

const lookColor = (index: number): Color => distinctColor(index + 1);

/** What was not looked at closely is faded; later boxes lie on top. */
function drawBoxes(picture: RawImage, original: RawImage, glimpses: readonly Glimpse[]): RawImage {
  const panel = copyPicture(picture);
  fade(panel, 0.5, 0.55);
  const scale = picture.width / original.width;
  const boxes = glimpses.map(
    ({ box }) => box?.map((value) => value * scale) as [number, number, number, number] | undefined,
  );
  const patches = boxes.slice(1).filter((box) => box !== undefined);
  for (const [x1, y1, x2, y2] of patches.length > 0 ? patches : boxes.filter((box) => box !== undefined))
    pasteWindow(picture, panel, [x1, y1, x2, y2]);
  const tags: { x: number; y: number }[] = [];
  const thickness = Math.max(2, Math.max(panel.width, panel.height) / 200);
  boxes.forEach((box, i) => {
    if (box === undefined) return;
    const inner = inset(box, panel, thickness / 2);
    strokeRectangle(panel, inner, lookColor(i), { thickness });
    drawTag(panel, String(i + 1), inner[0], inner[1], lookColor(i), tags);
  });
  return panel;
}

/** A frame at the picture's edge must not lie half outside of it. */
function inset(
  [x1, y1, x2, y2]: readonly [number, number, number, number],
  { width, height }: RawImage,
  by: number,
): [number, number, number, number] {
  return [Math.max(x1, by), Math.max(y1, by), Math.min(x2, width - by), Math.min(y2, height - by)];
}

/** The number of a look in the corner of its box, moved aside where another one is already. */
function drawTag(
  panel: RawImage,
  text: string,
  left: number,
  top: number,
  color: Color,
  taken: { x: number; y: number }[],
): void {
  const width = textWidth(text, TAG_SCALE) + 2 * TAG_PADDING;
  const height = textHeight(TAG_SCALE) + 2 * TAG_PADDING;
  let x = Math.round(left);
  const y = Math.round(top);
  while (taken.some((tag) => Math.abs(tag.x - x) < width && Math.abs(tag.y - y) < height)) x += width + 2;
  taken.push({ x, y });
  fillRectangle(panel, [x, y, x + width, y + height], color);
  drawText(panel, text, x + TAG_PADDING, y + TAG_PADDING, TAG_SCALE, DARK);
}

/** The window's pixels as they are in the picture. */
function pasteWindow(
  from: RawImage,
  into: RawImage,
  [x1, y1, x2, y2]: readonly [number, number, number, number],
): void {
  const left = Math.max(0, Math.round(x1));
  const top = Math.max(0, Math.round(y1));
  const right = Math.min(from.width, Math.round(x2));
  const bottom = Math.min(from.height, Math.round(y2));
  for (let y = top; y < bottom && left < right; y++) {
    const row = (y * from.width + left) * 3;
    into.data.set(from.data.subarray(row, row + (right - left) * 3), row);
  }
}

/** The patch, as large as a panel allows, on a sheet of the panel's size. */
function drawPatch(image: RawImage, { box }: Glimpse, color: Color, { width, height }: RawImage): RawImage {
  const panel = createPicture(width, height, PAPER);
  if (box === undefined) return panel;
  const [left, top] = [Math.max(0, box[0]), Math.max(0, box[1])];
  const [right, bottom] = [Math.min(image.width, box[2]), Math.min(image.height, box[3])];
  if (!(right > left && bottom > top)) return panel;
  const scale = Math.min(width / (right - left), height / (bottom - top));
  const size = [right - left, bottom - top].map((side) => Math.max(1, Math.round(side * scale))) as [number, number];
  const patch = resample(image, size[0], size[1], { filter: "bicubic", box: [left, top, right, bottom] });
  paste(patch, panel, 0, 0);
  strokeRectangle(panel, [1, 1, size[0] - 1, size[1] - 1], color, { thickness: 2 });
  return panel;
}
