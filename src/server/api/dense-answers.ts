// What detectors and segmenters answer, as JSON: boxes in pixels of the picture, masks as COCO's compressed runs.
import { printCounts } from "../../boxes/masks.ts";
import type { DetectionResult } from "../../tasks/detect/results.ts";
import type { SegmentationResult } from "../../tasks/segment/results.ts";

export function detectionToJson({ detections, picture, seen }: DetectionResult): Record<string, unknown> {
  return { detections, picture: { width: picture.width, height: picture.height }, seen };
}

/** Without the map of all pixels, which the masks say already. */
export function segmentationToJson({ kind, segments, picture, seen }: SegmentationResult): Record<string, unknown> {
  return {
    kind,
    segments: segments.map(({ id, label, index, score, mask, box, share, isThing }) => ({
      ...{ id, label, index, score, box, share, is_thing: isThing },
      mask: { size: [mask.height, mask.width], counts: printCounts(mask) },
    })),
    picture: { width: picture.width, height: picture.height },
    seen,
  };
}
