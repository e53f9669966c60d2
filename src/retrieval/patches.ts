// Sub-patches of a picture at several scales, as in "CNN features off-the-shelf" (arXiv 1403.6382): at scale s there are s x s of them, equally
// large, that overlap by half and cover the picture.
import { createPicture, paste } from "../image/draw.ts";
import type { RawImage } from "../image/raw-image.ts";
import { resample } from "../image/resample.ts";

/** At so many scales a picture has 55 patches. */
export const MOST_LEVELS = 5;
/** Longest side of what is cut: models see a few hundred pixels of each patch. */
const LONGEST_SIDE = 1024;

/** Patches of a picture that is cut at scales 1 to `levels`. */
export function patchesOf(levels: number): number {
  return (levels * (levels + 1) * (2 * levels + 1)) / 6;
}

/** The patches of a picture, the whole picture first. */
export function cutPatches(picture: RawImage, levels: number): RawImage[] {
  if (levels === 1) return [picture];
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  const small =
    scale === 1 ? picture : resample(picture, side(picture.width), side(picture.height), { filter: "bilinear" });
  const patches: RawImage[] = [];
  for (let level = 1; level <= levels; level++)
    for (let row = 0; row < level; row++)
      for (let column = 0; column < level; column++) {
        const [x, width] = span(small.width, column, level);
        const [y, height] = span(small.height, row, level);
        const patch = createPicture(width, height, [0, 0, 0]);
        paste(small, patch, -x, -y);
        patches.push(patch);
      }
  return patches;
}

/** Of `count` pieces of a length, each 2 / (count + 1) of it, the i-th: where it begins, and how long it is. */
function span(length: number, i: number, count: number): [start: number, length: number] {
  const piece = Math.max(1, Math.round((2 * length) / (count + 1)));
  const start = count === 1 ? 0 : Math.round((i * (length - piece)) / (count - 1));
  return [start, count === 1 ? length : piece];
}
