// The annotations of one batch: a row for each picture, filled up to a fixed number of things.
import type { AffineMatrix } from "../../image/augment-affine.ts";
import type { PictureSize } from "../../image/raw-image.ts";
import type { AnnotationShape, BatchAnnotations, PictureAnnotations } from "../annotations.ts";
import { loadSemantic, type MaskPlace } from "./index-picture.ts";
import { objectsInPixels, placeMask, placeObjects, placeSemantic, semanticOfObjects } from "./place-objects.ts";
import { withSegmentMasks } from "./segment-ids.ts";

export interface AnnotatedRows {
  /**
   * @param picture before augmentation
   * @param map from its pixels to the view's
   * @throws FormatError for annotations of a picture of another size, or a map of classes that has others
   */
  add(
    row: number,
    annotations: PictureAnnotations,
    picture: PictureSize,
    map: AffineMatrix,
    view: PictureSize,
    place: MaskPlace,
  ): Promise<void>;
  finish(): BatchAnnotations;
}

/** @param background the class of pixels where nothing is annotated; absent where nothing is known of them */
export function annotateRows(
  { most, masks, semantic }: AnnotationShape,
  rows: number,
  background: number | undefined,
): AnnotatedRows {
  const classes = new BigInt64Array(rows * most);
  const boxes = Float32Array.from({ length: rows * most * 4 }, (_, i) => (i % 4 < 2 ? 0.5 : 1));
  const count = new BigInt64Array(rows);
  const maskPlane = masks === undefined ? 0 : masks.width * masks.height;
  const maskData = new Uint8Array(rows * most * maskPlane);
  const semanticPlane = semantic === undefined ? 0 : semantic.width * semantic.height;
  const semanticData = new BigInt64Array(rows * semanticPlane).fill(255n);
  return {
    async add(row, annotations, picture, map, view, place) {
      const isMasked = masks !== undefined || semantic !== undefined;
      const known = isMasked ? await withSegmentMasks(annotations, picture, place) : annotations;
      // Stuff has no box that says anything.
      const objects = objectsInPixels(known, picture).filter(({ isStuff }) => isMasked || isStuff !== true);
      const placed = placeObjects(objects, map, view, most);
      count[row] = BigInt(placed.length);
      for (const [i, { object, box }] of placed.entries()) {
        const at = row * most + i;
        classes[at] = BigInt(object.label);
        boxes.set(relativeTo(view, box), 4 * at);
        if (masks !== undefined) maskData.set(placeMask(object, map, view, masks), at * maskPlane);
      }
      if (semantic === undefined) return;
      const values =
        annotations.semantic === undefined
          ? semanticOfObjects(objects, picture, map, view, semantic, background)
          : placeSemantic(await loadSemantic(annotations.semantic, picture, place), picture, map, view, semantic);
      semanticData.set(values, row * semanticPlane);
    },
    finish: () => ({
      classes: { dtype: "int64", shape: [rows, most], data: classes },
      boxes: { dtype: "float32", shape: [rows, most, 4], data: boxes },
      count: { dtype: "int64", shape: [rows], data: count },
      ...(masks === undefined
        ? {}
        : { masks: { dtype: "uint8", shape: [rows, most, masks.height, masks.width], data: maskData } }),
      ...(semantic === undefined
        ? {}
        : { semantic: { dtype: "int64", shape: [rows, semantic.height, semantic.width], data: semanticData } }),
    }),
  };
}

/** Centre, width and height as shares. */
function relativeTo({ width, height }: PictureSize, [x0, y0, x1, y1]: readonly number[]): readonly number[] {
  return [(x0! + x1!) / 2 / width, (y0! + y1!) / 2 / height, (x1! - x0!) / width, (y1! - y0!) / height];
}
