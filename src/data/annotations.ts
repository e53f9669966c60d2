// What is known of a picture besides one label: things with boxes and outlines, and a class for every pixel. As data sets have it, and as batches carry it.
import type { Box } from "../boxes/box.ts";
import type { Mask } from "../boxes/masks.ts";
import type { Polygon } from "../boxes/polygons.ts";
import type { PictureSize } from "../image/raw-image.ts";
import type { TensorData } from "../tensor.ts";
import type { PictureSource } from "./files.ts";

/** The pixels of a thing: runs, or the outlines of its parts. */
export type ObjectMask = Mask | { readonly polygons: readonly Polygon[] };

/** One thing on a picture. */
export interface AnnotatedObject {
  /** Index into the data set's labels. */
  readonly label: number;
  readonly box: Box;
  readonly mask?: ObjectMask;
  /**
   * Many of a kind under one outline (COCO's iscrowd), or too hard to be asked for (Pascal VOC's difficult): nothing is learnt from it, and an answer
   * there is neither right nor wrong.
   */
  readonly isIgnored?: boolean;
  /** Sky, grass: it cannot be counted. It is learnt where masks are, and detectors know nothing of it. */
  readonly isStuff?: true;
}

/** A picture whose values say a class for each pixel. */
export interface SemanticMap {
  readonly picture: PictureSource;
  /** For messages. */
  readonly name: string;
  /** How many classes there are: values from there on are faults, but for 255, which says nothing of a pixel. */
  readonly classes: number;
}

/** A picture whose colours are the ids of a picture's segments: masks that are read when they are wanted (annotated/segment-ids.ts). */
export interface SegmentIds {
  readonly picture: PictureSource;
  /** For messages. */
  readonly name: string;
  /** Of each object, in their order. */
  readonly ids: readonly number[];
  /** Those that are listed, and of which nothing can be used. */
  readonly unused: readonly number[];
}

/** All that is annotated on one picture. */
export interface PictureAnnotations {
  /** Of the upright picture they were made on, where the file says it. */
  readonly size?: PictureSize;
  /** Coordinates are pixels, or shares of the picture's width and height. */
  readonly unit: "pixels" | "shares";
  readonly objects: readonly AnnotatedObject[];
  readonly semantic?: SemanticMap;
  /** Where the masks of all objects are. */
  readonly segments?: SegmentIds;
}

/** What a loader makes of annotations: graphs have fixed shapes, so pictures with fewer things are filled up. */
export interface AnnotationShape {
  /** Things a picture, at most: T. Of more the largest are taken. */
  readonly most: number;
  /** Size of the mask of each thing, where masks are wanted. */
  readonly masks?: PictureSize | undefined;
  /** Size of the map of classes, where it is wanted. */
  readonly semantic?: PictureSize | undefined;
}

/** What pixels are of which nothing is known, in maps of classes. */
export const IGNORED = 255;

/** Annotations of N pictures, as they lie after augmentation. */
export interface BatchAnnotations {
  /** (N, T), 0 where there is nothing */
  readonly classes: TensorData<"int64">;
  /** (N, T, 4): centre, width and height as shares of the network's input; 0.5, 0.5, 1, 1 where there is nothing */
  readonly boxes: TensorData<"float32">;
  /** (N): how many things there are; they come first */
  readonly count: TensorData<"int64">;
  /** (N, T, h, w), 1 where the thing is */
  readonly masks?: TensorData<"uint8">;
  /** (N, h, w); 255 where nothing is known */
  readonly semantic?: TensorData<"int64">;
}
