// Equal to pycocotools on goldens/detr-losses/coco_ap, boxes and masks.
import { describe, expect, test } from "vitest";
import { loadGolden } from "../../../test/golden-case.ts";
import { type CocoBox, fromCocoBox } from "../../boxes/box.ts";
import { maskWhere } from "../../boxes/masks.ts";
import { toFloat64 } from "../../tensor.ts";
import { DetectionMeter, type DetectionMetrics } from "./average-precision.ts";

interface Truth {
  readonly image: number;
  readonly category: number;
  readonly bbox: CocoBox;
  readonly area: number;
  readonly crowd: number;
}

interface Results {
  readonly summary: Readonly<Record<string, number>>;
  readonly per_category: readonly number[];
  readonly per_iou: readonly number[];
  readonly recall_per_iou: readonly number[];
}

const golden = loadGolden("detr-losses/coco_ap")!;
const { images, height, width, categories } = golden.config as Record<string, number>;
const truths = golden.json.ground_truth as readonly Truth[];
const detections = golden.json.detections as readonly (readonly number[])[];

/** The ellipse inscribed in a box. */
function ellipse([x, y, w, h]: CocoBox) {
  const [cx, cy] = [x + w / 2, y + h / 2];
  return maskWhere({ width: width!, height: height! }, (at) => {
    const [i, j] = [at % width!, Math.floor(at / width!)];
    return ((i + 0.5 - cx) / (w / 2)) ** 2 + ((j + 0.5 - cy) / (h / 2)) ** 2 <= 1;
  });
}

function metricsOf(compared: "box" | "mask"): DetectionMetrics {
  const meter = new DetectionMeter(categories!, compared);
  const shapeOf = (bbox: CocoBox) => ({
    box: fromCocoBox(bbox),
    ...(compared === "mask" ? { mask: ellipse(bbox) } : {}),
  });
  for (let image = 1; image <= images!; image++) {
    const things = truths
      .filter((truth) => truth.image === image)
      .map(({ category, bbox, area, crowd }) => ({
        category: category - 1,
        area,
        crowd: crowd === 1,
        ...shapeOf(bbox),
      }));
    const found = detections
      .filter((row) => row[0] === image)
      .map((row) => ({ category: row[1]! - 1, score: row[6]!, ...shapeOf(row.slice(2, 6) as unknown as CocoBox) }));
    meter.add(things, found);
  }
  expect(meter.pictures).toBe(images);
  return meter.result();
}

const NAMES = {
  AP: "ap",
  AP50: "ap50",
  AP75: "ap75",
  AP_small: "apSmall",
  AP_medium: "apMedium",
  AP_large: "apLarge",
  AR1: "ar1",
  AR10: "ar10",
  AR100: "ar100",
  AR_small: "arSmall",
  AR_medium: "arMedium",
  AR_large: "arLarge",
} as const;

describe.each([
  ["box", "bbox"],
  ["mask", "segm"],
] as const)("by %s", (compared, name) => {
  const metrics = metricsOf(compared);
  const results = (golden.json.results as Readonly<Record<string, Results>>)[name]!;

  test("the summary", () => {
    for (const [official, own] of Object.entries(NAMES))
      expect(metrics[own], official).toBeCloseTo(results.summary[official]!, 10);
  });

  test("each category and each overlap", () => {
    metrics.categories.forEach(({ ap }, i) => {
      expect(ap).toBeCloseTo(results.per_category[i]!, 10);
    });
    metrics.byOverlap.forEach(({ ap, recall }, i) => {
      expect(ap).toBeCloseTo(results.per_iou[i]!, 10);
      expect(recall).toBeCloseTo(results.recall_per_iou[i]!, 10);
    });
  });

  test.each([
    [50, 0],
    [75, 5],
  ])("precision at 101 recalls, at %i", (at, overlap) => {
    const expected = toFloat64(golden.outputs.get(`${name}.precision_at_${at}`)!);
    const actual = metrics.categories.flatMap(({ curves }) => [...curves![overlap]!]);
    expect(actual).toHaveLength(expected.length);
    actual.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 6);
    });
  });
});

test("where nothing is to be found there is no precision, and a category that there is not is refused", () => {
  const meter = new DetectionMeter(2, "box");
  meter.add([], [{ category: 0, score: 0.5, box: [0, 0, 1, 1] }]);
  expect(meter.result()).toMatchObject({ ap: undefined, ar100: undefined });
  expect(() => meter.add([{ category: 2, box: [0, 0, 1, 1] }], [])).toThrow("no category 2 among 2");
  expect(() =>
    new DetectionMeter(1, "mask").add(
      [{ category: 0, box: [0, 0, 1, 1] }],
      [{ category: 0, score: 1, box: [0, 0, 1, 1] }],
    ),
  ).toThrow("has none");
});
