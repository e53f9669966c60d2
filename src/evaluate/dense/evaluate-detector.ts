// A detector on annotated pictures: COCO's average precision, and the pictures on which most is wrong.
import { type Box, boxArea, boxIou, sharedArea } from "../../boxes/box.ts";
import type { DrawnPart } from "../../boxes/draw.ts";
import { objectsInPixels } from "../../data/annotated/place-objects.ts";
import type { AnnotatedObject } from "../../data/annotations.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Color } from "../../image/draw.ts";
import type { Detector } from "../../tasks/detect/detector.ts";
import type { Detection } from "../../tasks/detect/results.ts";
import { DetectionMeter } from "./average-precision.ts";
import {
  type DenseEvaluateOptions,
  type DenseEvaluation,
  judgeAll,
  LEAST_SCORE,
  matchClasses,
  WorstPictures,
} from "./evaluation.ts";

/** What is drawn, and said of the worst pictures: surer answers than these. */
export const DRAWN_SCORE = 0.3;
/** From which overlap on an answer is drawn as right. */
const RIGHT = 0.5;

const RIGHT_COLOR: Color = [94, 214, 128];
const WRONG_COLOR: Color = [255, 134, 72];
const MISSED_COLOR: Color = [255, 255, 255];

/**
 * Measures a detector. Labels are matched by name; answers of classes that the data does not have do not count, and what is of a class that the model does
 * not know counts as missed.
 *
 * @throws UsageError for data without annotations, and where the model knows none of its labels; FormatError when no picture can be measured; AbortedError
 * @example
 * const { validation } = await openDataset(files, "coco/");
 * const { boxes } = await evaluateDetector(detector, validation, { files, decode: host.decode });
 * console.log(boxes?.ap);
 */
export async function evaluateDetector(
  detector: Detector,
  dataset: Dataset,
  options: DenseEvaluateOptions & { readonly batchSize?: number },
): Promise<DenseEvaluation> {
  const match = matchClasses(dataset, detector.labels);
  const meter = new DetectionMeter(match.classes.length, "box");
  const worst = new WorstPictures();
  const task = detector.detectTask<{ readonly index: number }>({
    threshold: LEAST_SCORE,
    ...(options.batchSize === undefined ? {} : { batchSize: options.batchSize }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const judged = await judgeAll(task, dataset, options, ({ index, name, annotations, answer }) => {
    const objects = objectsInPixels(annotations, answer.picture).filter(({ isStuff }) => isStuff !== true);
    const found = answer.detections.flatMap((detection) => {
      const category = match.classOfPrediction[detection.index]!;
      return category < 0 ? [] : [{ ...detection, category }];
    });
    meter.add(
      objects.map(({ label, box, isIgnored }) => ({
        category: match.classOf[label]!,
        box,
        crowd: isIgnored === true,
      })),
      found,
    );
    const compared = compareDrawn(objects, found, (label) => match.classOf[label]!);
    worst.add(badnessOf(compared), () => ({
      index,
      name,
      note: noteOf(compared),
      found: partsOf(compared, (label) => match.classes[match.classOf[label]!]!.label),
    }));
  });
  return {
    kind: "detection",
    classes: match.classes.map(({ label }) => label),
    boxes: meter.result(),
    worst: worst.all,
    unknownLabels: match.unknown,
    labelNotes: match.notes,
    ...judged,
  };
}

/** What became of the answers that are worth drawing, and of the things. */
interface Compared {
  readonly right: readonly Detection[];
  readonly wrong: readonly Detection[];
  readonly missed: readonly AnnotatedObject[];
}

/** The surest answer takes the thing that it overlaps most. */
export function compareDrawn(
  objects: readonly AnnotatedObject[],
  found: readonly (Detection & { readonly category: number })[],
  categoryOf: (label: number) => number,
): Compared {
  const left = new Set(objects.filter(({ isIgnored }) => isIgnored !== true));
  const ignored = objects.filter(({ isIgnored }) => isIgnored === true);
  const [right, wrong]: [Detection[], Detection[]] = [[], []];
  for (const answer of found) {
    if (answer.score < DRAWN_SCORE) continue;
    const own = [...left].filter(({ label }) => categoryOf(label) === answer.category);
    const best = own.reduce<AnnotatedObject | undefined>(
      (a, b) => (a === undefined || boxIou(b.box, answer.box) > boxIou(a.box, answer.box) ? b : a),
      undefined,
    );
    if (best !== undefined && boxIou(best.box, answer.box) >= RIGHT) {
      left.delete(best);
      right.push(answer);
    } else if (!ignored.some(({ box }) => isWithin(answer.box, box))) wrong.push(answer);
  }
  return { right, wrong, missed: [...left] };
}

const isWithin = (inner: Box, outer: Box): boolean => sharedArea(inner, outer) >= RIGHT * boxArea(inner);

const badnessOf = ({ wrong, missed }: Compared): number =>
  missed.length + wrong.reduce((sum, { score }) => sum + score, 0);

function noteOf({ right, wrong, missed }: Compared): string {
  const counts: readonly (readonly [number, string])[] = [
    [missed.length, "missed"],
    [wrong.length, "wrong"],
    [right.length, "right"],
  ];
  return counts.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`])).join(", ");
}

function partsOf({ right, wrong, missed }: Compared, nameOf: (label: number) => string): DrawnPart[] {
  const answer = (color: Color) => (detection: Detection) => ({
    name: `${detection.label} ${Math.round(100 * detection.score)} %`,
    color,
    box: detection.box,
  });
  return [
    ...right.map(answer(RIGHT_COLOR)),
    ...wrong.map(answer(WRONG_COLOR)),
    ...missed.map(({ label, box }) => ({ name: nameOf(label), color: MISSED_COLOR, box, dashed: true })),
  ];
}
