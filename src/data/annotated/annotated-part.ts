// What readers of annotation files give: one split's pictures, with the names of classes in place of numbers.
import type { PictureSize } from "../../image/raw-image.ts";
import type { AnnotatedObject, SegmentIds, SemanticMap } from "../annotations.ts";
import type { PictureSource } from "../files.ts";
import type { SplitName } from "../samples.ts";
import type { Faults } from "./faults.ts";

/** A thing whose class is still a name. */
export interface NamedObject extends Omit<AnnotatedObject, "label"> {
  readonly label: string;
}

export interface AnnotatedSample {
  readonly name: string;
  readonly picture: PictureSource;
  readonly size?: PictureSize;
  readonly unit: "pixels" | "shares";
  readonly objects: readonly NamedObject[];
  readonly semantic?: SemanticMap;
  readonly segments?: SegmentIds;
}

export interface AnnotatedPart {
  readonly samples: readonly AnnotatedSample[];
  /** All classes in their official order. */
  readonly labels: readonly string[];
  readonly notes?: readonly string[];
  /** Classes that cannot be counted, where the format tells them from things. */
  readonly stuff?: readonly string[];
}

/** Annotated data as it was found. */
export interface AnnotatedFound {
  /** "COCO annotations" */
  readonly layout: string;
  readonly parts: { readonly [S in SplitName]?: AnnotatedPart };
  readonly faults: Faults;
  readonly notes: readonly string[];
}
