// A clip's frames from what happens in it: pieces of real pictures over another one, out of focus, that passes by behind them.
import { pasteCutOut, viewThrough } from "../../image/cut-out.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { resample } from "../../image/resample.ts";
import type { RandomSource } from "../../random.ts";
import { LARGEST, type Thing } from "./motions.ts";

/** The background's side, in sides of a frame. */
const GROUND = 1.7;
/** How many times fewer pixels the background has than it is shown with. */
const BLUR = 5;
/** How far the background passes by in a clip, in sides of a frame. */
const PASSING = [0.15, 0.6] as const;

/** Side of the pictures that pieces are cut out of, so that the largest piece has all its pixels. */
export const pieceSide = (size: number): number => Math.ceil(size * LARGEST);

/**
 * Draws the frames.
 *
 * @param moments what is to be seen in each
 * @param pieces square pictures by `Thing.piece`
 * @param ground a square picture
 * @param size side of a frame
 */
export function drawClip(
  moments: readonly (readonly Thing[])[],
  pieces: readonly RawImage[],
  ground: RawImage,
  size: number,
  random: RandomSource,
): RawImage[] {
  const side = Math.ceil(size * GROUND);
  const coarse = Math.max(2, Math.round(side / BLUR));
  const background = resample(resample(ground, coarse, coarse), side, side);
  const way = random.between(...PASSING) * size;
  const direction = 2 * Math.PI * random.uniform();
  const reach = (part: number) => {
    const room = side - size - Math.abs(part);
    return Math.max(0, -part) + random.uniform() * Math.max(0, room);
  };
  const [dx, dy] = [way * Math.cos(direction), way * Math.sin(direction)];
  const [x, y] = [reach(dx), reach(dy)];
  const ownSide = pieceSide(size);
  const small = pieces.map((piece) => resample(piece, ownSide, ownSide));
  return moments.map((things, frame) => {
    const time = frame / moments.length;
    const image = viewThrough(background, x + dx * time, y + dy * time, size, size);
    for (const thing of things)
      pasteCutOut(small[thing.piece]!, image, {
        x: thing.x * size,
        y: thing.y * size,
        diameter: thing.size * size,
        angle: thing.angle,
        isGrey: thing.isGrey,
      });
    return image;
  });
}
