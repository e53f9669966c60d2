// What a loader of annotated pictures asks before it begins, and what its batches say of all pictures alike.
import { UsageError } from "../../errors.ts";
import type { Dataset } from "../dataset.ts";
import type { LoaderOptions } from "../loader.ts";

/** @throws UsageError where annotations cannot come with pictures */
export function requireAnnotated({ dataset, sampler, second, clip, flips }: LoaderOptions, movesAlong: boolean): void {
  if (dataset.annotations === undefined)
    throw new UsageError(
      "the pictures have labels and no boxes or outlines",
      "give COCO's JSON, Pascal VOC, YOLO or LabelMe annotations, or pictures with masks",
    );
  if (!movesAlong)
    throw new UsageError(
      "boxes and outlines cannot follow this augmentation",
      "leave out rand_augment and rotate; scale_jitter, random_resized_crop, random_crop, random_affine and flip move them along",
    );
  if (sampler.mixes || second !== undefined || clip !== undefined || flips !== undefined)
    throw new UsageError("pictures with boxes and outlines are not mixed, doubled or flipped into other classes");
}

/** Where a class is called so, it is that of pixels where nothing is. */
export function backgroundOf({ labels }: Dataset): { readonly background?: number } {
  const background = labels.findIndex((label) => label.toLowerCase() === "background");
  return background === -1 ? {} : { background };
}
