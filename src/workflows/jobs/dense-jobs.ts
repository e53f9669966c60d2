// Batch detection and segmentation: how many things and how sure the surest is, and all of them as the JSON that programs get, boxes in pixels and masks
// as COCO's runs.
import { z } from "zod";
import { VIEWS } from "../../image/views.ts";
import type { PartShape } from "../../jobs/part.ts";
import { loadDetector } from "../../tasks/detect/detector.ts";
import { detectionToJson } from "../../tasks/detect/result-json.ts";
import { segmentationToJson } from "../../tasks/segment/result-json.ts";
import { loadSegmenter } from "../../tasks/segment/segmenter.ts";
import { engineOptions, modelJob, pictureOptions, pictureTask } from "./planned-model.ts";

const denseOptions = {
  ...pictureOptions,
  views: z.enum(VIEWS).optional(),
  threshold: z.number().min(0).lt(1).optional(),
  most: z.int().min(1).optional(),
  only: z.array(z.string()).optional(),
};
const detectOptions = z.strictObject(denseOptions);
const segmentOptions = z.strictObject({
  ...denseOptions,
  kind: z.enum(["semantic", "instance", "panoptic"]).optional(),
});
type DetectJobOptions = z.infer<typeof detectOptions>;
type SegmentJobOptions = z.infer<typeof segmentOptions>;

const shapeOf = (things: string): PartShape => ({
  columns: [
    { name: things, kind: "integer" },
    { name: "answer", kind: "text" },
  ],
  metadata: {},
});

function runOptions({ batch, decode, threshold, most, only }: DetectJobOptions) {
  return {
    batchSize: batch,
    ...(decode === undefined ? {} : { decode }),
    ...(threshold === undefined ? {} : { threshold }),
    ...(most === undefined ? {} : { most }),
    ...(only === undefined ? {} : { only }),
  };
}

export const detectJob = modelJob(
  detectOptions as z.ZodType<DetectJobOptions>,
  ["detections"],
  async (host, { model, given, compute, rows }) => {
    const views = given.views === undefined ? {} : { views: given.views };
    const detector = await loadDetector(host, model, { ...engineOptions(given, compute, rows), ...views });
    const run = runOptions(given);
    detector.detectTask(run); // what no picture can be asked is refused at once, and not shard by shard
    return pictureTask(
      detector,
      shapeOf("detections"),
      (all, stop) => detector.detectAll(all, { ...run, ...stop }),
      (answer) => ({ detections: answer.detections.length, answer: JSON.stringify(detectionToJson(answer)) }),
    );
  },
);

export const segmentJob = modelJob(
  segmentOptions as z.ZodType<SegmentJobOptions>,
  ["semantic", "queries"],
  async (host, { model, given, compute, rows }) => {
    const views = given.views === undefined ? {} : { views: given.views };
    const segmenter = await loadSegmenter(host, model, { ...engineOptions(given, compute, rows), ...views });
    const run = { ...runOptions(given), ...(given.kind === undefined ? {} : { kind: given.kind }) };
    segmenter.segmentTask(run);
    return pictureTask(
      segmenter,
      shapeOf("segments"),
      (all, stop) => segmenter.segmentAll(all, { ...run, ...stop }),
      (answer) => ({ segments: answer.segments.length, answer: JSON.stringify(segmentationToJson(answer)) }),
    );
  },
);
