// Scores on coarse grids, read at the pixels of a picture: bilinearly between the centres of cells, as PyTorch's interpolate does without aligned corners.
import type { PictureSize } from "../../image/raw-image.ts";
import type { ViewToPicture } from "../../image/transform.ts";

/** Several maps of one view of a picture. */
export interface ScoreGrid {
  /** Map by map, row by row. */
  readonly data: Float32Array;
  readonly maps: number;
  readonly width: number;
  readonly height: number;
  /** Where the view lies on the picture. */
  readonly view: ViewToPicture;
}

/** Between which two cells pixels lie along one side, and how far: `from` + share * (`to` - `from`). */
export interface Taps {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly shares: Float32Array;
  /** The pixels that lie in the view: from the first to before the last. */
  readonly start: number;
  readonly end: number;
}

/** @param pixels along the picture's side, @param cells along the grid's; `scale` and `offset` place the view on the picture */
export function taps(pixels: number, cells: number, scale: number, offset: number): Taps {
  const from = new Int32Array(pixels);
  const to = new Int32Array(pixels);
  const shares = new Float32Array(pixels);
  let [start, end] = [pixels, 0];
  for (let i = 0; i < pixels; i++) {
    const inView = ((i + 0.5) / pixels - offset) / scale;
    if (!(inView >= 0 && inView <= 1)) continue;
    start = Math.min(start, i);
    end = i + 1;
    const at = Math.max(0, inView * cells - 0.5);
    from[i] = Math.min(Math.floor(at), cells - 1);
    to[i] = Math.min(from[i]! + 1, cells - 1);
    shares[i] = at - from[i]!;
  }
  return { from, to, shares, start: Math.min(start, end), end };
}

/** The taps of both sides of a picture. */
export function tapsOf(grid: ScoreGrid, picture: PictureSize): { readonly x: Taps; readonly y: Taps } {
  const { scaleX, scaleY, offsetX, offsetY } = grid.view;
  return {
    x: taps(picture.width, grid.width, scaleX, offsetX),
    y: taps(picture.height, grid.height, scaleY, offsetY),
  };
}

/** Which class has no pixel: there is no view of it. */
export const UNSEEN = 0xffff;
