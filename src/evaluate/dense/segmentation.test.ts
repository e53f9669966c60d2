// Equal to goldens/detr-losses/{miou, panoptic_quality}; distances of outlines to what can be counted by hand.
import { describe, expect, test } from "vitest";
import { loadGolden } from "../../../test/golden-case.ts";
import { maskWhere } from "../../boxes/masks.ts";
import { toFloat64 } from "../../tensor.ts";
import { hausdorff95 } from "./hausdorff.ts";
import { betweenEyes, normalizedMeanError } from "./landmarks.ts";
import { PanopticMeter, type Segment } from "./panoptic-quality.ts";
import { SemanticMeter } from "./semantic.ts";

const near = (actual: number | undefined, expected: number | null) =>
  expected === null ? expect(actual).toBeUndefined() : expect(actual).toBeCloseTo(expected, 12);

test("mIoU, accuracies and Dice of the golden", () => {
  const golden = loadGolden("detr-losses/miou")!;
  const json = golden.json as unknown as Record<string, number> & Record<string, (number | null)[]>;
  const meter = new SemanticMeter(golden.config.classes as number);
  meter.add(toFloat64(golden.outputs.get("target_map")!), toFloat64(golden.outputs.get("prediction_map")!));
  expect([...meter.confusion]).toEqual([...toFloat64(golden.outputs.get("confusion")!)]);
  const result = meter.result();
  near(result.miou, json.miou!);
  near(result.miouOfTargets, json.miou_over_classes_in_target!);
  near(result.pixelAccuracy, json.pixel_accuracy!);
  near(result.meanAccuracy, json.mean_accuracy!);
  near(result.frequencyWeightedIou, json.frequency_weighted_iou!);
  result.classes.forEach(({ iou, accuracy, dice }, i) => {
    near(iou, (json.per_class_iou as unknown as (number | null)[])[i]!);
    near(accuracy, (json.per_class_accuracy as unknown as (number | null)[])[i]!);
    near(dice, (json.dice as unknown as (number | null)[])[i]!);
  });
});

test("a pixel that is answered with no class is wrong, and one of no target is left out", () => {
  const meter = new SemanticMeter(2);
  expect(meter.add([0, 0, 1, 255], [0, 9, 1, 0])).toEqual({ pixels: 3, right: 2 });
  const { classes, pixelAccuracy, pixels } = meter.result();
  expect(classes.map(({ iou }) => iou)).toEqual([0.5, 1]);
  expect([pixelAccuracy, pixels]).toEqual([2 / 3, 3]);
});

interface PanopticCase {
  readonly images: readonly {
    readonly gt: readonly (Omit<Segment, "crowd"> & { readonly crowd: number })[];
    readonly prediction: readonly Segment[];
    readonly matches: readonly (readonly [number, number, number])[];
  }[];
  readonly per_class: readonly { iou: number; tp: number; fp: number; fn: number; pq: number }[];
  readonly all: Readonly<Record<"pq" | "sq" | "rq" | "classes", number>>;
  readonly things: PanopticCase["all"];
  readonly stuff: PanopticCase["all"];
}

test("panoptic quality of the golden", () => {
  const golden = loadGolden("detr-losses/panoptic_quality")!;
  const json = golden.json as unknown as PanopticCase;
  const { things, stuff } = golden.config as Record<string, number>;
  const meter = new PanopticMeter(Array.from({ length: things! + stuff! }, (_, category) => category < things!));
  json.images.forEach(({ gt, prediction, matches }, i) => {
    const ids = (name: string) => toFloat64(golden.outputs.get(`${name}.${i}`)!);
    const truth = { ids: ids("gt_map"), segments: gt.map((segment) => ({ ...segment, crowd: segment.crowd === 1 })) };
    const found = meter.add(truth, { ids: ids("prediction_map"), segments: prediction });
    expect(found.map(({ truth: a, found: b }) => [a, b])).toEqual(matches.map(([a, b]) => [a, b]));
    found.forEach(({ iou }, k) => {
      expect(iou).toBeCloseTo(matches[k]![2], 12);
    });
  });
  const result = meter.result();
  result.categories.forEach(({ pq, iou, right, wrong, missed }, i) => {
    const expected = json.per_class[i]!;
    expect({ tp: right, fp: wrong, fn: missed }).toEqual({ tp: expected.tp, fp: expected.fp, fn: expected.fn });
    near(pq, expected.pq);
    near(iou, expected.iou);
  });
  for (const part of ["all", "things", "stuff"] as const) {
    const { pq, sq, rq, categories } = result[part];
    near(pq, json[part].pq);
    near(sq, json[part].sq);
    near(rq, json[part].rq);
    expect(categories).toBe(json[part].classes);
  }
});

describe("distances of outlines", () => {
  const size = { width: 40, height: 30 };
  const rectangle = (x0: number, y0: number, x1: number, y1: number) =>
    maskWhere(size, (at) => {
      const [x, y] = [at % 40, Math.floor(at / 40)];
      return x >= x0 && x < x1 && y >= y0 && y < y1;
    });

  test("of a mask to itself, shifted, and in other units", () => {
    const mask = rectangle(5, 5, 15, 20);
    expect(hausdorff95(mask, mask)).toBe(0);
    const dots = [rectangle(3, 4, 4, 5), rectangle(6, 8, 7, 9)] as const;
    expect(hausdorff95(...dots)).toBe(5);
    expect(hausdorff95(...dots, { x: 2, y: 0.5 })).toBeCloseTo(Math.hypot(6, 2), 12);
  });

  test("by the definition, pair by pair", () => {
    const disc = (cx: number, cy: number, r: number) =>
      maskWhere(size, (at) => ((at % 40) - cx) ** 2 + (Math.floor(at / 40) - cy) ** 2 <= r * r);
    const edges = (mask: ReturnType<typeof disc>, cx: number, cy: number, r: number) => {
      const isIn = (x: number, y: number) => (x - cx) ** 2 + (y - cy) ** 2 <= r * r;
      expect(mask.width).toBe(40);
      return Array.from({ length: 1200 }, (_, at) => [at % 40, Math.floor(at / 40)] as const).filter(
        ([x, y]) =>
          isIn(x, y) && ![isIn(x - 1, y), isIn(x + 1, y), isIn(x, y - 1), isIn(x, y + 1)].every((inner) => inner),
      );
    };
    const [a, b] = [disc(12, 14, 8), disc(20, 13, 5)];
    const [ea, eb] = [edges(a, 12, 14, 8), edges(b, 20, 13, 5)];
    const nearest = (from: typeof ea, to: typeof ea) =>
      from.map(([x, y]) => Math.min(...to.map(([u, v]) => Math.hypot(x - u, y - v))));
    const all = [...nearest(ea, eb), ...nearest(eb, ea)].sort((x, y) => x - y);
    const at = 0.95 * (all.length - 1);
    const low = Math.floor(at);
    expect(hausdorff95(a, b)).toBeCloseTo(all[low]! + (at - low) * (all[low + 1]! - all[low]!), 12);
  });

  test("of nothing there is none", () => {
    expect(hausdorff95(rectangle(0, 0, 0, 0), rectangle(1, 1, 4, 4))).toBeUndefined();
    expect(hausdorff95(rectangle(0, 0, 0, 0), rectangle(0, 0, 0, 0))).toBeUndefined();
  });
});

test("normalised mean error", () => {
  const truth = Array.from({ length: 68 }, (_, i) => [i, 2 * i] as const);
  const found = truth.map(([x, y]) => [x + 3, y + 4] as const);
  expect(normalizedMeanError(found, truth, 10)).toBeCloseTo(0.5, 12);
  expect(betweenEyes(truth)).toBeCloseTo(Math.hypot(9, 18), 12);
  expect(() => normalizedMeanError(found, truth, 0)).toThrow("a length above 0");
  expect(() => normalizedMeanError([], truth, 1)).toThrow("0 points were found");
});
