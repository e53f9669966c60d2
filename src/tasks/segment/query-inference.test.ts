// Equal to the official three ways of goldens/mask2former/mask2former_inference.
import { expect, test } from "vitest";
import { loadGolden, maxDifference } from "../../../test/golden-case.ts";
import { maskArea } from "../../boxes/masks.ts";
import { tensor, toFloat32, toFloat64 } from "../../tensor.ts";
import { instanceInference, panopticInference, type Queries, semanticInference } from "./query-inference.ts";

const golden = loadGolden("mask2former/mask2former_inference")!;
const config = golden.config as {
  classes: number;
  things: number;
  size: [number, number];
  topk: number;
  object_mask_threshold: number;
  overlap_threshold: number;
};
const picture = { width: config.size[1], height: config.size[0] };
const masks = golden.weights.get("pred_masks")!;
const queries: Queries = {
  classes: config.classes,
  classLogits: toFloat32(golden.weights.get("pred_logits")!),
  masks: {
    data: toFloat32(masks),
    maps: masks.shape[0]!,
    height: masks.shape[1]!,
    width: masks.shape[2]!,
    view: { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 },
  },
};
const isThing = (index: number) => index < config.things;
const integers = (name: string) => Array.from(toFloat64(golden.outputs.get(name)!));

test("semantic: classes of all pixels, and their scores", () => {
  const scores = new Float32Array(config.classes * 12 * 16);
  const map = semanticInference(queries, picture, (row, ofRow) => {
    if (row % 2 === 0)
      for (let c = 0; c < config.classes; c++)
        for (let x = 0; x < 16; x++) scores[(c * 12 + row / 2) * 16 + x] = ofRow[c * picture.width + 2 * x]!;
  });
  expect([...map]).toEqual(integers("semantic_map"));
  const stored = golden.outputs.get("semantic")!;
  expect(maxDifference(tensor("float32", stored.shape, scores), stored)).toBeLessThan(2e-6);
});

test("semantic without all the scores is the same, with classes that hardly matter too", () => {
  const faint = { ...queries, classLogits: queries.classLogits.map((logit) => 2.5 * logit) };
  const whole = semanticInference(faint, picture, () => undefined);
  expect([...semanticInference(faint, picture)]).toEqual([...whole]);
  expect([...semanticInference(queries, picture)]).toEqual(integers("semantic_map"));
});

test("instance: scores, classes and areas", () => {
  const found = instanceInference(queries, picture, { topK: config.topk, isThing });
  const scores = toFloat32(golden.outputs.get("instance_scores")!);
  expect(found).toHaveLength(scores.length);
  found.forEach(({ score, index, mask }, i) => {
    expect(score).toBeCloseTo(scores[i]!, 5);
    expect([index, maskArea(mask)]).toEqual([integers("instance_classes")[i], integers("instance_areas")[i]]);
  });
});

test("panoptic: each pixel's segment", () => {
  const { ids, segments } = panopticInference(queries, picture, {
    isThing,
    threshold: config.object_mask_threshold,
    overlap: config.overlap_threshold,
  });
  const expected = golden.json.segments as readonly { id: number; isthing: boolean; category_id: number }[];
  expect(segments.map(({ id, isThing: thing, index }) => ({ id, isthing: thing, category_id: index }))).toEqual(
    expected,
  );
  expect([...ids]).toEqual(integers("panoptic_map"));
});
