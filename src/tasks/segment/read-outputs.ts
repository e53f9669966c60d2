// From what a model of segments gives for the views of a picture to segments of the picture.
import { type Mask, maskArea, maskBox, masksOf, resizeMask } from "../../boxes/masks.ts";
import { SessionError, UsageError } from "../../errors.ts";
import type { PictureSize } from "../../image/raw-image.ts";
import type { ViewToPicture } from "../../image/transform.ts";
import type { Answers } from "../../models/answers.ts";
import { type TensorData, toFloat32 } from "../../tensor.ts";
import { largestClasses } from "./largest-classes.ts";
import { panopticInference } from "./panoptic-inference.ts";
import { instanceInference, NO_PAUSE, type Pause, type Queries } from "./query-inference.ts";
import type { Segment, Segmentation, SegmentMap } from "./results.ts";
import { type ScoreGrid, UNSEEN } from "./score-grid.ts";
import { semanticInference } from "./semantic-inference.ts";

/** Maps are computed at no more pixels than these, and enlarged: the masks of a large photograph are no sharper than the model's own maps. */
const MOST_MAP_PIXELS = 2 ** 22;

export interface SegmentChoice {
  readonly kind: Segmentation;
  /** The least score of an instance, or how sure a segment's class must be. */
  readonly threshold: number;
  readonly most: number;
  readonly isThing: (index: number) => boolean;
  readonly only: ReadonlySet<number> | undefined;
}

/** What a model says of each view: maps (N, C, h, w), of "queries" those of the masks beside class logits (N, Q, classes + 1). */
export type ViewScores = Omit<ScoreGrid, "view"> & { readonly classLogits?: Float32Array; readonly classes: number };

/** @throws SessionError for outputs of other shapes, and for what is no number */
export function viewScores(answers: Answers, first: TensorData, masks: TensorData | undefined): ViewScores[] {
  const maps = answers === "queries" ? masks! : first;
  const [views, count, height, width] = maps.shape as [number, number, number, number];
  const columns = answers === "queries" ? first.shape[2]! : 0;
  const fits = answers !== "queries" || first.shape.join() === [views, count, columns].join();
  if (maps.shape.length !== 4 || !fits)
    throw new SessionError(
      answers === "queries"
        ? `a model of masks gives class_logits (N, Q, classes + 1) and mask_logits (N, Q, h, w), not [${first.shape.join(", ")}] and [${maps.shape.join(", ")}]`
        : `a model of segments gives logits (N, classes, h, w), not [${maps.shape.join(", ")}]`,
    );
  const data = toFloat32(maps);
  const logits = answers === "queries" ? toFloat32(first) : undefined;
  if (data.some(Number.isNaN) || logits?.some(Number.isNaN) === true)
    throw new SessionError("what the model gives is not all numbers", {
      hint: "its weights or its arithmetic are damaged: saccade inspect MODEL --check names the first place",
    });
  const size = count * height * width;
  return Array.from({ length: views }, (_, i) => ({
    data: data.subarray(i * size, (i + 1) * size),
    maps: count,
    width,
    height,
    classes: logits === undefined ? count : columns - 1,
    ...(logits === undefined ? {} : { classLogits: logits.subarray(i * count * columns, (i + 1) * count * columns) }),
  }));
}

/** The segments of one picture, and their map where each pixel is in one at most. @param pause between pieces of the work */
export async function segmentsOf(
  ofViews: readonly ViewScores[],
  views: readonly ViewToPicture[],
  picture: PictureSize,
  choice: SegmentChoice,
  labels: readonly string[] | undefined,
  pause: Pause = NO_PAUSE,
): Promise<{ readonly segments: Segment[]; readonly map?: SegmentMap }> {
  const size = mapSize(picture);
  const found = await partsOf(ofViews, views, size, choice, pause);
  const area = picture.width * picture.height;
  const segments: Segment[] = [];
  for (const { mask: small, index, ...part } of found.parts) {
    if (choice.only?.has(index) === false) continue;
    await pause();
    const mask = resizeMask(small, picture);
    const box = maskBox(mask);
    const label = labels?.[index] ?? `class ${index}`;
    if (box !== undefined) segments.push({ ...part, label, index, mask, box, share: maskArea(mask) / area });
  }
  const sorted = segments.sort((a, b) => (choice.kind === "semantic" ? b.share - a.share : b.score! - a.score!));
  return { segments: sorted, ...(found.ids === undefined ? {} : { map: { ...size, ids: found.ids } }) };
}

function mapSize({ width, height }: PictureSize): PictureSize {
  const shrink = Math.sqrt(Math.min(1, MOST_MAP_PIXELS / (width * height)));
  const side = (length: number) => Math.max(1, Math.floor(length * shrink));
  return { width: side(width), height: side(height) };
}

type Part = Pick<Segment, "id" | "index" | "score" | "isThing"> & { readonly mask: Mask };

async function partsOf(
  ofViews: readonly ViewScores[],
  views: readonly ViewToPicture[],
  size: PictureSize,
  { kind, threshold, most, isThing }: SegmentChoice,
  pause: Pause,
): Promise<{ readonly parts: Part[]; readonly ids?: Int32Array }> {
  const grids = ofViews.map((scores, i): ScoreGrid => ({ ...scores, view: views[i]! }));
  const [first] = ofViews;
  if (first!.classLogits === undefined) return semanticParts(await largestClasses(grids, size, pause), size);
  if (grids.length > 1)
    throw new UsageError("masks of several views do not add up", "take views center or whole for this model");
  const queries: Queries = { classLogits: first!.classLogits, masks: grids[0]!, classes: first!.classes };
  switch (kind) {
    case "semantic":
      return semanticParts(await semanticInference(queries, size, pause), size);
    case "instance": {
      const found = await instanceInference(queries, size, { topK: most, isThing, threshold }, pause);
      return { parts: found.map((instance, i) => ({ id: i + 1, isThing: true, ...instance })) };
    }
    case "panoptic": {
      const { ids, segments } = await panopticInference(queries, size, { isThing, threshold }, pause);
      const masks = masksOf(ids, size);
      const parts = segments.flatMap((segment) => {
        const mask = masks.get(segment.id);
        return mask === undefined ? [] : [{ ...segment, mask }];
      });
      return { parts, ids };
    }
  }
}

function semanticParts(classes: Uint16Array, size: PictureSize): { readonly parts: Part[]; readonly ids: Int32Array } {
  const ids = new Int32Array(classes.length);
  for (let i = 0; i < ids.length; i++) ids[i] = classes[i] === UNSEEN ? 0 : classes[i]! + 1;
  return { parts: [...masksOf(ids, size)].map(([id, mask]) => ({ id, index: id - 1, mask })), ids };
}
