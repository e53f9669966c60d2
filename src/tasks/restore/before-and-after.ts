// A picture and what became of it in one picture, beside each other, or one above the other where they are wide.
import type { RawImage } from "../../image/raw-image.ts";

const WHITE = 255;
/** Of the longer side, between the two. */
const GAP_SHARE = 0.01;

/** Both of one size: before at the left (or above), after at the right (or below). */
export function beforeAndAfter(before: RawImage, after: RawImage): RawImage {
  const { width, height } = after;
  const gap = Math.max(2, Math.round(GAP_SHARE * Math.max(width, height)));
  const isWide = width > 1.5 * height;
  const all = isWide ? { width, height: 2 * height + gap } : { width: 2 * width + gap, height };
  const data = new Uint8Array(all.width * all.height * 3).fill(WHITE);
  const place = (picture: RawImage, left: number, top: number) => {
    for (let y = 0; y < height; y++)
      data.set(picture.data.subarray(y * width * 3, (y + 1) * width * 3), ((top + y) * all.width + left) * 3);
  };
  place(before, 0, 0);
  place(after, isWide ? 0 : width + gap, isWide ? height + gap : 0);
  return { ...all, data };
}
