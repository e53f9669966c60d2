// An evaluation as JSON: fractions from 0 to 1, names with underscores as in all files, `null` where there is nothing to measure.
import type { DetectionMetrics } from "./average-precision.ts";
import type { DenseEvaluation } from "./evaluation.ts";
import type { PanopticMean, PanopticMetrics } from "./panoptic-quality.ts";
import type { SemanticMetrics } from "./semantic.ts";

/** What `saccade eval --json` prints of detectors and segmenters. */
export function denseEvaluationToJson(evaluation: DenseEvaluation) {
  const { kind, classes, pictures, boxes, masks, semantic, panoptic, worst, problems, seconds } = evaluation;
  return {
    kind,
    pictures,
    ...(boxes === undefined ? {} : { boxes: precisionToJson(boxes, classes) }),
    ...(masks === undefined ? {} : { masks: precisionToJson(masks, classes) }),
    ...(semantic === undefined ? {} : { semantic: semanticToJson(semantic, classes) }),
    ...(panoptic === undefined ? {} : { panoptic: panopticToJson(panoptic, classes) }),
    worst: worst.map(({ name, note }) => ({ name, note })),
    unknown_labels: evaluation.unknownLabels,
    problems,
    seconds,
    pictures_per_second: pictures / seconds,
  };
}

const orNull = (value: number | undefined): number | null => value ?? null;

function precisionToJson(metrics: DetectionMetrics, classes: readonly string[]) {
  return {
    ap: orNull(metrics.ap),
    ap50: orNull(metrics.ap50),
    ap75: orNull(metrics.ap75),
    ap_small: orNull(metrics.apSmall),
    ap_medium: orNull(metrics.apMedium),
    ap_large: orNull(metrics.apLarge),
    ar1: orNull(metrics.ar1),
    ar10: orNull(metrics.ar10),
    ar100: orNull(metrics.ar100),
    per_class: metrics.categories.map(({ category, things, ap, ap50, recall }) => ({
      label: classes[category]!,
      things,
      ap: orNull(ap),
      ap50: orNull(ap50),
      recall: orNull(recall),
    })),
    per_overlap: metrics.byOverlap.map(({ overlap, ap, recall }) => ({
      overlap: Number(overlap.toFixed(2)),
      ap: orNull(ap),
      recall: orNull(recall),
    })),
  };
}

function semanticToJson(metrics: SemanticMetrics, classes: readonly string[]) {
  return {
    miou: orNull(metrics.miou),
    miou_of_targets: orNull(metrics.miouOfTargets),
    pixel_accuracy: orNull(metrics.pixelAccuracy),
    mean_accuracy: orNull(metrics.meanAccuracy),
    frequency_weighted_iou: orNull(metrics.frequencyWeightedIou),
    dice: orNull(metrics.dice),
    pixels: metrics.pixels,
    per_class: metrics.classes.map(({ category, pixels, iou, dice, accuracy }) => ({
      label: classes[category]!,
      pixels,
      iou: orNull(iou),
      dice: orNull(dice),
      accuracy: orNull(accuracy),
    })),
  };
}

function panopticToJson({ all, things, stuff, categories }: PanopticMetrics, classes: readonly string[]) {
  const mean = ({ pq, sq, rq, categories: count }: PanopticMean) => ({
    pq: orNull(pq),
    sq: orNull(sq),
    rq: orNull(rq),
    categories: count,
  });
  return {
    all: mean(all),
    things: mean(things),
    stuff: mean(stuff),
    per_class: categories.map(({ category, pq, sq, rq, right, wrong, missed }) => ({
      label: classes[category]!,
      pq: orNull(pq),
      sq: orNull(sq),
      rq: orNull(rq),
      right,
      wrong,
      missed,
    })),
  };
}
