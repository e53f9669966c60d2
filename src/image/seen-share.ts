// How much of a picture a model gets to see: preprocessing crops what does not fit.
import type { ViewToPicture } from "./transform.ts";

/** The part of a picture's area that lies in the model's views, 0 to 1; what several show counts once. */
export function seenShare(views: readonly ViewToPicture[]): number {
  const boxes = views.map(({ scaleX, scaleY, offsetX, offsetY }) => ({
    left: inPicture(offsetX),
    right: inPicture(offsetX + scaleX),
    top: inPicture(offsetY),
    bottom: inPicture(offsetY + scaleY),
  }));
  const edges = boxes.flatMap(({ left, right }) => [left, right]).toSorted((a, b) => a - b);
  // Between two edges next to each other, a view is there over the whole width or not at all.
  return edges.slice(1).reduce((sum, edge, i) => {
    const start = edges[i]!;
    const here = boxes.filter(({ left, right }) => left <= start && right >= edge);
    return sum + (edge - start) * lengthOfUnion(here.map(({ top, bottom }) => [top, bottom]));
  }, 0);
}

const inPicture = (position: number): number => Math.min(1, Math.max(0, position));

function lengthOfUnion(spans: readonly (readonly [start: number, end: number])[]): number {
  let length = 0;
  let reached = 0;
  for (const [start, end] of spans.toSorted(([a], [b]) => a - b)) {
    length += Math.max(0, end - Math.max(start, reached));
    reached = Math.max(reached, end);
  }
  return length;
}

/** Where less than this is seen, people are told. Cropping the middle of a 4 : 3 photograph shows 57 %. */
const LITTLE = 0.5;

/** "28 % of the picture was seen, 72 % never" for a panorama or a sliver; undefined where enough is seen. */
export function describeUnseen(seen: number): string | undefined {
  if (!(seen < LITTLE)) return undefined;
  const percent = Math.max(1, Math.round(100 * seen));
  return `only ${percent} % of the picture was seen`;
}
