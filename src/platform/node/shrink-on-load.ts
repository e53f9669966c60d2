// Decoding fewer pixels than a picture has. A JPEG stores blocks of 8 x 8 pixels as frequencies: leaving the high ones out gives a picture
// of a half, a quarter or an eighth of the size, for much less work. libvips does so when a smaller picture is asked for, WebP likewise.
import type { Metadata, Sharp } from "sharp";
import type { PictureSize } from "../../image/raw-image.ts";
import type { PictureFormat } from "../../image/sniff.ts";
import type { Rendition } from "../../image/view.ts";

/**
 * What is asked for, and what is left out in the JPEG's own domain for it. sharp shrinks by 8, 4 and 2 only where more than that is asked for,
 * and does the small rest with a filter.
 */
const STEPS = [
  { asked: 9, inside: 8 },
  { asked: 5, inside: 4 },
  { asked: 3, inside: 2 },
] as const;

/** EXIF's orientations that turn by a quarter, and those that put the stored picture's right or bottom edge at the other side. */
const TURNED: ReadonlySet<number> = new Set([5, 6, 7, 8]);
const STARTS_LEFT_OUT: ReadonlySet<number> = new Set([2, 3, 6, 7]);
const STARTS_TOP_OUT: ReadonlySet<number> = new Set([3, 4, 7, 8]);

export interface Shrinking {
  /** The size that is asked for, upright. */
  readonly target: PictureSize;
  /** Of what the pixels will be a rendition. */
  readonly stands: Omit<Rendition, "pixels">;
}

/**
 * How a picture can be decoded with fewer pixels; undefined where it cannot.
 *
 * @param stored its size as it is stored
 * @param readMetadata called only when there is something to gain
 */
export async function planShrinking(
  stored: PictureSize & Pick<Metadata, "space" | "hasAlpha">,
  format: PictureFormat,
  mostShrinking: (size: PictureSize) => number,
  readMetadata: () => Promise<Metadata>,
): Promise<Shrinking | undefined> {
  const isPlain = stored.space === "srgb" || stored.space === "b-w";
  if ((format !== "jpeg" && format !== "webp") || !isPlain || stored.hasAlpha) return undefined;
  const least = STEPS.at(-1)!.asked;
  const { width, height } = stored;
  if (mostShrinking({ width, height }) < least && mostShrinking({ width: height, height: width }) < least)
    return undefined;
  const { orientation = 1 } = await readMetadata();
  const isTurned = TURNED.has(orientation);
  const picture = isTurned ? { width: height, height: width } : { width, height };
  const step = STEPS.find(({ asked }) => asked <= mostShrinking(picture));
  if (step === undefined) return undefined;
  const target = {
    width: Math.floor(picture.width / step.asked),
    height: Math.floor(picture.height / step.asked),
  };
  if (format !== "jpeg") return { target, stands: { picture, box: [0, 0, target.width, target.height] } };
  // libvips cuts off what does not fill a pixel of the smaller picture, at the stored picture's right and bottom.
  const across = reach(picture.width, target.width, step.inside, STARTS_LEFT_OUT.has(orientation));
  const down = reach(picture.height, target.height, step.inside, STARTS_TOP_OUT.has(orientation));
  return { target, stands: { picture, box: [across[0], down[0], across[1], down[1]] } };
}

/** Where a picture begins and ends on pixels that lack a strip of it at one side. */
function reach(size: number, pixels: number, inside: number, lacksStart: boolean): readonly [number, number] {
  const whole = (pixels * size) / (Math.floor(size / inside) * inside);
  return lacksStart ? [pixels - whole, pixels] : [0, whole];
}

export function shrink(picture: Sharp, { target }: Shrinking): Sharp {
  return picture.resize(target.width, target.height, { fit: "fill", kernel: "lanczos3" });
}
