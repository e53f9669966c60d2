// Detections drawn over their picture.
import { type DrawnPart, type DrawPartsOptions, drawParts, paintTags } from "../../boxes/draw.ts";
import { distinctColor } from "../../image/draw.ts";
import { type Pixels, rgbPixels } from "../../image/pixels.ts";
import type { RawImage } from "../../image/raw-image.ts";
import type { DetectionResult } from "./results.ts";

/** What is drawn of a result: a colour a class. */
export function detectionParts({ detections }: Pick<DetectionResult, "detections">): DrawnPart[] {
  return detections.map(({ label, index, score, box }) => ({
    name: `${label} ${Math.round(100 * score)} %`,
    color: distinctColor(index),
    box,
  }));
}

/**
 * Boxes with names over their picture, in a new one.
 *
 * @param image the picture that the result is of
 * @example
 * const detector = await Detector.load("my-detector");
 * const result = await detector.detect(image);
 * await writeFile("found.png", await encodePng(drawDetections(image, result)));
 */
export function drawDetections(image: Pixels, result: DetectionResult, options: DrawPartsOptions = {}): RawImage {
  return paintTags(drawParts(rgbPixels(image), detectionParts(result), options));
}
