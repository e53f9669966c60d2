// Answers of detectors as programs get them over HTTP: names in snake_case, numbers in plain arrays.
import type { DetectionResult } from "./results.ts";

/** Boxes are left, top, right, bottom in pixels. */
export function detectionToJson({ detections, picture, seen }: DetectionResult) {
  return {
    picture: { width: picture.width, height: picture.height },
    seen,
    detections: detections.map(({ label, index, score, box }) => ({ label, index, score, box: [...box] })),
  };
}
