// From what a detector says of its views to things on the picture.
import { type Box, boxArea, clipBox, onPicture } from "../../boxes/box.ts";
import { suppress } from "../../boxes/suppression.ts";
import { SessionError } from "../../errors.ts";
import type { PictureSize } from "../../image/raw-image.ts";
import type { ViewToPicture } from "../../image/transform.ts";
import { type TensorData, toFloat32 } from "../../tensor.ts";
import type { Detection } from "./results.ts";

/** What is said of one view: boxes and the classes' scores before the sigmoid, a row a candidate. */
export interface ViewCandidates {
  /** (candidates, 4), centre and size in 0..1 of the view. */
  readonly boxes: Float32Array;
  /** (candidates, classes). */
  readonly logits: Float32Array;
  readonly classes: number;
}

/** Outputs `boxes` (N, Q, 4) and `logits` (N, Q, classes), view by view. Throws SessionError for other shapes. */
export function viewCandidates(boxes: TensorData, logits: TensorData): ViewCandidates[] {
  const [views, queries, classes] = logits.shape as [number, number, number];
  if (logits.shape.length !== 3 || boxes.shape.join() !== [views, queries, 4].join())
    throw new SessionError(
      `a detector gives boxes (N, Q, 4) and logits (N, Q, classes), not [${boxes.shape.join(", ")}] and [${logits.shape.join(", ")}]`,
    );
  const [places, scores] = [toFloat32(boxes), toFloat32(logits)];
  if (places.some(Number.isNaN) || scores.some(Number.isNaN))
    throw new SessionError("what the detector gives is not all numbers", {
      hint: "its weights or its arithmetic are damaged: saccade inspect MODEL --check names the first place",
    });
  return Array.from({ length: views }, (_, i) => ({
    boxes: places.subarray(i * queries * 4, (i + 1) * queries * 4),
    logits: scores.subarray(i * queries * classes, (i + 1) * queries * classes),
    classes,
  }));
}

/** Which of the candidates are answers. */
export interface Choice {
  /** The least score, 0..1. */
  readonly threshold: number;
  readonly most: number;
  /** The overlap from which on two boxes of a class are of one thing; undefined where there are no doubles. */
  readonly suppression: number | undefined;
  /** Classes that count; undefined for all. */
  readonly only?: ReadonlySet<number> | undefined;
}

/** So many of the best go into suppression, whose time grows with the square of their number. */
const MOST_CANDIDATES = 5000;

/** @returns things, best first. A candidate may be several: of every class whose score is high enough */
export function chooseDetections(
  ofViews: readonly ViewCandidates[],
  views: readonly ViewToPicture[],
  picture: PictureSize,
  choice: Choice,
  labels: readonly string[] | undefined,
): Detection[] {
  const { threshold, most, suppression, only } = choice;
  const least = threshold <= 0 ? Number.NEGATIVE_INFINITY : Math.log(threshold / (1 - threshold));
  const found: { readonly view: number; readonly row: number; readonly index: number; readonly logit: number }[] = [];
  for (const [view, { logits, classes }] of ofViews.entries())
    for (let at = 0; at < logits.length; at++) {
      const index = at % classes;
      if (logits[at]! >= least && only?.has(index) !== false)
        found.push({ view, row: Math.floor(at / classes), index, logit: logits[at]! });
    }
  found.sort((a, b) => b.logit - a.logit);
  const enough = suppression === undefined ? most : MOST_CANDIDATES;
  const detections: Detection[] = [];
  for (const { view, row, index, logit } of found) {
    if (detections.length >= enough) break;
    const { boxes } = ofViews[view]!;
    const said = [0, 1, 2, 3].map((i) => boxes[4 * row + i]!) as [number, number, number, number];
    const box: Box = clipBox(onPicture(said, views[view]!, picture), picture);
    // What lies beside the picture, in the bars around it, is not on it; neither is what is no number.
    if (!(boxArea(box) > 0)) continue;
    detections.push({ label: labels?.[index] ?? `class ${index}`, index, score: 1 / (1 + Math.exp(-logit)), box });
  }
  return suppression === undefined ? detections : suppress(detections, suppression, most);
}
