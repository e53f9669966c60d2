// Answers of segmenters as programs get them over HTTP: names in snake_case, numbers in plain arrays, masks as COCO's compressed runs.
import { cocoMask } from "../../boxes/coco.ts";
import type { SegmentationResult } from "./results.ts";

/** Boxes are left, top, right, bottom in pixels. */
export function segmentationToJson({ kind, segments, picture, seen }: SegmentationResult) {
  return {
    kind,
    picture: { width: picture.width, height: picture.height },
    seen,
    segments: segments.map(({ id, label, index, score, mask, box, share, isThing }) => ({
      id,
      label,
      index,
      ...(score === undefined ? {} : { score }),
      ...(isThing === undefined ? {} : { is_thing: isThing }),
      box: [...box],
      share,
      mask: cocoMask(mask),
    })),
  };
}
