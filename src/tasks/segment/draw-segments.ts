// Segments drawn over their picture.
import { type DrawnPart, type DrawPartsOptions, drawParts, paintTags } from "../../boxes/draw.ts";
import { distinctColor } from "../../image/draw.ts";
import { type Pixels, rgbPixels } from "../../image/pixels.ts";
import type { RawImage } from "../../image/raw-image.ts";
import type { SegmentationResult } from "./results.ts";

/** Smaller ones have no name in drawings: it would hide them. */
const LEAST_NAMED = 0.002;

/** A class that is what nothing else is: the picture shows through. */
export const isBackground = (label: string): boolean => /^background$/i.test(label);

/** What is drawn of a result: a colour a class, but a colour each for things that can be counted. Background is left as it is. */
export function segmentParts({ segments }: Pick<SegmentationResult, "segments">): DrawnPart[] {
  const drawn = segments.filter(({ label }) => !isBackground(label));
  return drawn.map(({ label, index, score, mask, share, isThing }, i) => ({
    name: share < LEAST_NAMED ? "" : `${label}${score === undefined ? "" : ` ${Math.round(100 * score)} %`}`,
    color: distinctColor(isThing === true ? i : index),
    mask,
  }));
}

/**
 * Masks with names over their picture, in a new one.
 *
 * @param image the picture that the result is of
 * @example
 * const segmenter = await Segmenter.load("my-segmenter");
 * const result = await segmenter.segment(image);
 * await writeFile("parts.png", await encodePng(drawSegments(image, result)));
 */
export function drawSegments(image: Pixels, result: SegmentationResult, options: DrawPartsOptions = {}): RawImage {
  return paintTags(drawParts(rgbPixels(image), segmentParts(result), options));
}
