// Random erasing (Zhong et al., https://arxiv.org/abs/1708.04896) on normalised pictures, as timm/data/random_erasing.py does it.
import type { RandomSource } from "../random.ts";
import type { Range } from "./augment-crop.ts";

export const ERASE_MODES = ["pixel", "color", "zero"] as const;
/** What erased pixels become: normal noise for each value, one random colour (timm's "rand"), or zero (timm's "const"). */
export type EraseMode = (typeof ERASE_MODES)[number];

export interface RandomErasingOptions {
  readonly probability: number;
  readonly mode: EraseMode;
  /** Share of the picture that is erased. timm: 0.02 to 1/3. */
  readonly area: Range;
}

const LOWEST_ASPECT = 0.3;
const ATTEMPTS = 10;

/**
 * Erases a random rectangle in place, sometimes.
 *
 * @param values holds (3, height, width) from `offset` on, normalised
 */
export function randomErase(
  values: Float32Array,
  offset: number,
  width: number,
  height: number,
  options: RandomErasingOptions,
  random: RandomSource,
): void {
  if (!random.chance(options.probability)) return;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = random.between(options.area[0], options.area[1]) * width * height;
    const aspect = Math.exp(random.between(Math.log(LOWEST_ASPECT), -Math.log(LOWEST_ASPECT)));
    const boxHeight = Math.round(Math.sqrt(area * aspect));
    const boxWidth = Math.round(Math.sqrt(area / aspect));
    if (boxWidth >= width || boxHeight >= height) continue;
    const top = random.integer(height - boxHeight + 1);
    const left = random.integer(width - boxWidth + 1);
    for (let channel = 0; channel < 3; channel++) {
      const color = options.mode === "color" ? random.normal() : 0;
      for (let y = top; y < top + boxHeight; y++) {
        const start = offset + (channel * height + y) * width + left;
        if (options.mode !== "pixel") values.fill(color, start, start + boxWidth);
        else for (let at = start; at < start + boxWidth; at++) values[at] = random.normal();
      }
    }
    return;
  }
}
