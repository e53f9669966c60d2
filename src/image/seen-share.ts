// How much of a picture a model gets to see: preprocessing crops what does not fit.
import type { ViewToPicture } from "./transform.ts";

/** The part of a picture's area that lies in the model's view, 0 to 1. */
export function seenShare({ scaleX, scaleY, offsetX, offsetY }: ViewToPicture): number {
  return shareOfAxis(offsetX, scaleX) * shareOfAxis(offsetY, scaleY);
}

function shareOfAxis(offset: number, scale: number): number {
  return Math.max(0, Math.min(1, offset + scale) - Math.max(0, offset));
}

/** Where less than this is seen, people are told. Cropping the middle of a 4 : 3 photograph shows 57 %. */
const LITTLE = 0.5;

/** "28 % of the picture was seen, 72 % never" for a panorama or a sliver; undefined where enough is seen. */
export function describeUnseen(seen: number): string | undefined {
  if (!(seen < LITTLE)) return undefined;
  const percent = Math.max(1, Math.round(100 * seen));
  return `only ${percent} % of the picture was seen`;
}
