// A segmenter on annotated pictures: mIoU and Dice of classes, average precision of instances, panoptic quality; and the worst pictures.

import type { DrawnPart } from "../../boxes/draw.ts";
import { eachRun, type Mask, maskBox, masksOf, resizeMask } from "../../boxes/masks.ts";
import { polygonMask } from "../../boxes/polygons.ts";
import { loadSemantic } from "../../data/annotated/index-picture.ts";
import { objectsInPixels, placeSemantic, semanticOfObjects } from "../../data/annotated/place-objects.ts";
import { withSegmentMasks } from "../../data/annotated/segment-ids.ts";
import { type AnnotatedObject, IGNORED, type ObjectMask, type PictureAnnotations } from "../../data/annotations.ts";
import type { Dataset } from "../../data/dataset.ts";
import { UsageError } from "../../errors.ts";
import { distinctColor } from "../../image/draw.ts";
import type { PictureSize } from "../../image/raw-image.ts";
import { isBackground, segmentParts } from "../../tasks/segment/draw-segments.ts";
import type { Segmentation, SegmentationResult } from "../../tasks/segment/results.ts";
import type { Segmenter } from "../../tasks/segment/segmenter.ts";
import type { LabelMatch } from "../label-match.ts";
import { DetectionMeter } from "./average-precision.ts";
import {
  type AnnotatedAnswer,
  type DenseEvaluateOptions,
  type DenseEvaluation,
  judgeAll,
  LEAST_SCORE,
  matchClasses,
  WorstPictures,
} from "./evaluation.ts";
import { PanopticMeter, type Segment as PanopticSegment } from "./panoptic-quality.ts";
import { SemanticMeter } from "./semantic.ts";

export interface SegmenterEvaluateOptions extends DenseEvaluateOptions {
  /** Which way. Default: the model's usual one. */
  readonly kind?: Segmentation;
  readonly batchSize?: number;
}

/** What one way of segmenting is measured by. */
interface Judge {
  add(answered: AnnotatedAnswer<SegmentationResult>): Promise<void> | void;
  result(): Pick<DenseEvaluation, "boxes" | "masks" | "semantic" | "panoptic">;
}

interface JudgeContext {
  readonly match: LabelMatch;
  readonly dataset: Dataset;
  readonly worst: WorstPictures;
  readonly options: SegmenterEvaluateOptions;
  /** By class of the match. */
  readonly isThing: readonly boolean[];
}

/**
 * Measures a segmenter. Labels are matched by name; answers of classes that the data does not have are wrong where they are, and what is of a class that the
 * model does not know counts as missed. Where the data has outlines of things and no maps of classes, maps are made of the outlines.
 *
 * @throws UsageError for data without annotations or outlines, and where the model knows none of its labels; FormatError when no picture can be measured; AbortedError
 */
export async function evaluateSegmenter(
  segmenter: Segmenter,
  dataset: Dataset,
  options: SegmenterEvaluateOptions,
): Promise<DenseEvaluation> {
  const { kind = segmenter.kinds[0], batchSize, signal } = options;
  const match = matchClasses(dataset, segmenter.labels);
  const worst = new WorstPictures();
  const isThing = match.classes.map(({ modelIndex }) => modelIndex < 0 || segmenter.isThing(modelIndex) !== false);
  const judge = JUDGES[kind]({ match, dataset, worst, options, isThing });
  const task = segmenter.segmentTask<{ readonly index: number }>({
    kind,
    ...(kind === "instance" ? { threshold: LEAST_SCORE } : {}),
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(signal === undefined ? {} : { signal }),
  });
  const judged = await judgeAll(task, dataset, options, async (answered) => {
    const annotations = await withSegmentMasks(answered.annotations, answered.answer.picture, options);
    await judge.add({ ...answered, annotations });
  });
  return {
    kind,
    classes: match.classes.map(({ label }) => label),
    ...judge.result(),
    worst: worst.all,
    unknownLabels: match.unknown,
    labelNotes: match.notes,
    ...judged,
  };
}

const JUDGES: { readonly [K in Segmentation]: (context: JudgeContext) => Judge } = {
  semantic: semanticJudge,
  instance: instanceJudge,
  panoptic: panopticJudge,
};

const UNMOVED = [1, 0, 0, 0, 1, 0] as const;

/** The data's label of each pixel of a map of that size; 255 where nothing is known. */
async function trueClasses(
  annotations: PictureAnnotations,
  picture: PictureSize,
  size: PictureSize,
  { dataset, options }: JudgeContext,
): Promise<Uint8Array | Uint16Array> {
  const { semantic } = annotations;
  if (semantic !== undefined) {
    const values = await loadSemantic(semantic, picture, options);
    if (size.width === picture.width && size.height === picture.height) return values;
    return Uint8Array.from(placeSemantic(values, picture, UNMOVED, picture, size), Number);
  }
  const objects = objectsInPixels(annotations, picture);
  if (objects.some(({ mask }) => mask === undefined))
    throw new UsageError(
      "the data has boxes and no outlines, so nobody knows which pixels are what",
      "a segmenter is measured on outlines or maps of classes; a detector on boxes",
    );
  const background = dataset.labels.findIndex((label) => /^background$/i.test(label));
  const map = semanticOfObjects(objects, picture, UNMOVED, picture, size, background < 0 ? IGNORED : background);
  return Uint16Array.from(map, Number);
}

function semanticJudge(context: JudgeContext): Judge {
  const { match, worst } = context;
  const { classes, classOf, classOfPrediction } = match;
  const meter = new SemanticMeter(classes.length);
  const nowhere = classes.length;
  return {
    async add({ index, name, annotations, answer }) {
      const { ids, ...size } = answer.map!;
      const labels = await trueClasses(annotations, answer.picture, size, context);
      const targets = Int32Array.from(labels, (label) => (label === IGNORED ? IGNORED + nowhere : classOf[label]!));
      const answers = Int32Array.from(ids, (id) => {
        const place = id === 0 ? -1 : classOfPrediction[id - 1]!;
        return place < 0 ? nowhere : place;
      });
      const { pixels, right } = meter.add(targets, answers);
      const wrong = pixels === 0 ? 0 : 1 - right / pixels;
      worst.add(wrong, () => ({
        index,
        name,
        note: `${Math.round(100 * wrong)} % of the pixels wrong`,
        truth: classParts(targets, size, classes),
        found: classParts(answers, size, classes),
      }));
    },
    result: () => ({ semantic: meter.result() }),
  };
}

/** Maps of classes as parts, in the same colours for truth and answers. */
function classParts(places: Int32Array, size: PictureSize, classes: LabelMatch["classes"]): DrawnPart[] {
  const isDrawn = (place: number) => place < classes.length && !isBackground(classes[place]!.label);
  const ids = places.map((place) => (isDrawn(place) ? place + 1 : 0));
  return [...masksOf(ids, size)].map(([id, mask]) => ({
    name: classes[id - 1]!.label,
    color: distinctColor(id - 1),
    mask,
  }));
}

function maskOfObject(mask: ObjectMask | undefined, picture: PictureSize, name: string): Mask {
  if (mask === undefined)
    throw new UsageError(
      "the data has boxes and no outlines, so masks cannot be compared",
      "a segmenter is measured on outlines; a detector on boxes",
    );
  return "polygons" in mask ? polygonMask(mask.polygons, picture, name) : mask;
}

function instanceJudge({ match, worst }: JudgeContext): Judge {
  const { classes, classOf, classOfPrediction } = match;
  const meters = [new DetectionMeter(classes.length, "box"), new DetectionMeter(classes.length, "mask")] as const;
  return {
    add({ index, name, annotations, answer }) {
      const objects = objectsInPixels(annotations, answer.picture).filter(({ isStuff }) => isStuff !== true);
      const things = objects.map(({ label, box, mask, isIgnored }) => ({
        category: classOf[label]!,
        box,
        mask: maskOfObject(mask, answer.picture, name),
        crowd: isIgnored === true,
      }));
      const found = answer.segments.flatMap(({ index: of, score = 0, box, mask }) => {
        const category = classOfPrediction[of]!;
        return category < 0 ? [] : [{ category, score, box, mask }];
      });
      for (const meter of meters) meter.add(things, found);
      const sure = answer.segments.filter(({ score = 0 }) => score >= 0.5);
      const badness = Math.abs(sure.length - objects.filter(({ isIgnored }) => isIgnored !== true).length);
      worst.add(badness, () => ({
        index,
        name,
        note: `${objects.length} there, ${sure.length} found`,
        truth: objectParts(objects, things, ({ label }) => classes[classOf[label]!]!.label),
        found: segmentParts({ segments: sure }),
      }));
    },
    result: () => ({ boxes: meters[0].result(), masks: meters[1].result() }),
  };
}

function objectParts(
  objects: readonly AnnotatedObject[],
  things: readonly { readonly mask: Mask }[],
  nameOf: (object: AnnotatedObject) => string,
): DrawnPart[] {
  return objects.map((object, i) => ({ name: nameOf(object), color: distinctColor(i), mask: things[i]!.mask }));
}

/** Ids of stuff come after those of things. */
const STUFF_IDS = 1 << 20;

function panopticJudge(context: JudgeContext): Judge {
  const { match, worst, isThing } = context;
  const { classes, classOf, classOfPrediction } = match;
  const meter = new PanopticMeter(isThing);
  return {
    async add({ index, name, annotations, answer }) {
      const { ids, ...size } = answer.map!;
      const objects = objectsInPixels(annotations, answer.picture);
      const truth = new Int32Array(size.width * size.height);
      const segments = new Map<number, PanopticSegment>();
      if (annotations.semantic !== undefined) {
        const labels = await trueClasses(annotations, answer.picture, size, context);
        for (const [at, label] of labels.entries()) {
          const category = label === IGNORED ? -1 : classOf[label]!;
          if (category < 0 || isThing[category]!) continue; // things are counted one by one, by their outlines
          truth[at] = STUFF_IDS + category;
          segments.set(STUFF_IDS + category, { id: STUFF_IDS + category, category });
        }
      }
      const masks = objects.map(({ mask }) => maskOfObject(mask, answer.picture, name));
      paintThings(truth, size, masks);
      objects.forEach(({ label, isIgnored }, i) => {
        segments.set(i + 1, { id: i + 1, category: classOf[label]!, crowd: isIgnored === true });
      });
      const visible = new Set(truth);
      const there = [...segments.values()].filter(({ id }) => visible.has(id));
      const found = answer.segments.flatMap(({ id, index: of }) => {
        const category = classOfPrediction[of]!;
        return category < 0 ? [] : [{ id, category }];
      });
      const matches = meter.add({ ids: truth, segments: there }, { ids, segments: found });
      worst.add(there.length + found.length - 2 * matches.length, () => ({
        index,
        name,
        note: `${there.length} there, ${found.length} found, ${matches.length} of them right`,
        truth: [...masksOf(truth, size)].map(([id, mask]) => {
          const { category } = segments.get(id)!;
          return { name: classes[category]!.label, color: distinctColor(id >= STUFF_IDS ? category : id), mask };
        }),
        found: segmentParts(answer),
      }));
    },
    result: () => ({ panoptic: meter.result() }),
  };
}

/** Smaller things lie on larger ones; numbers are their places from 1. */
function paintThings(map: Int32Array, size: PictureSize, masks: readonly Mask[]): void {
  const area = (mask: Mask) => {
    const box = maskBox(mask);
    return box === undefined ? 0 : (box[2] - box[0]) * (box[3] - box[1]);
  };
  const order = masks.map((mask, i) => ({ mask, id: i + 1 })).sort((a, b) => area(b.mask) - area(a.mask));
  for (const { mask, id } of order) {
    const small = resizeMask(mask, size);
    eachRun(small, (x, y0, y1) => {
      for (let y = y0; y < y1; y++) map[y * size.width + x] = id;
    });
  }
}
