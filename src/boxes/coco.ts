// COCO's format: what data sets are annotated in, and what annotation tools and pycocotools read. Category ids are class indexes plus one.
import { type Box, toCocoBox } from "./box.ts";
import { type Mask, maskArea, printCounts } from "./masks.ts";

/** Something that was found on a picture. */
export interface CocoFinding {
  /** Of the class. */
  readonly index: number;
  readonly label: string;
  readonly box: Box;
  /** 0..1; absent where the model does not say. */
  readonly score?: number | undefined;
  readonly mask?: Mask | undefined;
}

/** @param id of the annotation, `imageId` of the picture: both from 1 */
export function cocoAnnotation(id: number, imageId: number, { index, box, score, mask }: CocoFinding) {
  const [x, y, width, height] = toCocoBox(box).map(hundredths) as [number, number, number, number];
  return {
    id,
    image_id: imageId,
    category_id: index + 1,
    bbox: [x, y, width, height],
    area: mask === undefined ? hundredths(width * height) : maskArea(mask),
    iscrowd: 0,
    ...(score === undefined ? {} : { score: Number(score.toFixed(5)) }),
    ...(mask === undefined ? {} : { segmentation: cocoMask(mask) }),
  };
}

/** A mask as compressed runs. */
export function cocoMask(mask: Mask) {
  return { size: [mask.height, mask.width], counts: printCounts(mask) };
}

export function cocoCategory(index: number, name: string) {
  return { id: index + 1, name };
}

const hundredths = (value: number): number => Math.round(100 * value) / 100;
