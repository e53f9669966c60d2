// A sheet of pictures of any shapes, each in a square panel with a caption.
import { createPicture, paste } from "./draw.ts";
import type { RawImage } from "./raw-image.ts";
import { FAINT_INK, PAPER, type Panel, type Sheet, type SheetOptions, scaleToPanel } from "./sheet.ts";

/** A picture with its caption; without a picture the panel is empty. */
export interface Captioned {
  readonly title: string;
  readonly detail: string;
  readonly picture: RawImage | undefined;
}

const DEFAULT_SIDE = 288;

/** All pictures at one size, which shows the whole of each. */
export function contactSheet(pictures: readonly Captioned[], options: SheetOptions = {}): Sheet {
  const { headline = [], panelSize: side = DEFAULT_SIDE, columns } = options;
  const panels: Panel[] = pictures.map(({ title, detail, picture }) => ({
    title,
    detail: [{ text: detail, color: FAINT_INK }],
    picture: inSquare(picture, side),
  }));
  return { headline, note: undefined, panels, columns };
}

function inSquare(picture: RawImage | undefined, side: number): RawImage {
  const square = createPicture(side, side, PAPER);
  if (picture === undefined) return square;
  const scaled = scaleToPanel(picture, { panelSize: side });
  paste(scaled, square, Math.floor((side - scaled.width) / 2), Math.floor((side - scaled.height) / 2));
  return square;
}
