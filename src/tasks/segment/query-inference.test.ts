// Equal to the official three ways of goldens/mask2former/mask2former_inference.
import { expect, test } from "vitest";
import { loadGolden, maxDifference } from "../../../test/golden-case.ts";
import { maskArea } from "../../boxes/masks.ts";
import { AbortedError } from "../../errors.ts";
import { tensor, toFloat32, toFloat64 } from "../../tensor.ts";
import { panopticInference } from "./panoptic-inference.ts";
import { classProbabilities, instanceInference, type Queries } from "./query-inference.ts";
import { tapsOf } from "./score-grid.ts";
import { semanticInference } from "./semantic-inference.ts";

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

/** All scores of a pixel, added up without shortcuts. */
function scoresAt(of: Queries, x: number, y: number): number[] {
  const table = classProbabilities(of);
  const { x: across, y: down } = tapsOf(of.masks, picture);
  const { width, height, data } = of.masks;
  const scores = new Array<number>(of.classes).fill(0);
  for (let query = 0; query < of.masks.maps; query++) {
    const cell = (row: number, column: number) => data[(query * height + row) * width + column]!;
    const side = (column: number) => {
      const [above, below] = [cell(down.from[y]!, column), cell(down.to[y]!, column)];
      return above + down.shares[y]! * (below - above);
    };
    const [left, right] = [side(across.from[x]!), side(across.to[x]!)];
    const chance = 1 / (1 + Math.exp(-(left + across.shares[x]! * (right - left))));
    for (let c = 0; c < of.classes; c++) scores[c]! += table[query * (of.classes + 1) + c]! * chance;
  }
  return scores;
}

test("semantic: classes of all pixels; the scores that they are compared by", async () => {
  expect([...(await semanticInference(queries, picture))]).toEqual(integers("semantic_map"));
  const stored = golden.outputs.get("semantic")!;
  const [, rows, columns] = stored.shape as [number, number, number];
  const scores = new Float32Array(config.classes * rows * columns);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++)
      for (const [c, score] of scoresAt(queries, 2 * x, 2 * y).entries()) scores[(c * rows + y) * columns + x] = score;
  expect(maxDifference(tensor("float32", stored.shape, scores), stored)).toBeLessThan(2e-6);
});

test("semantic: classes that hardly matter, and masks that are hardly there, are no shortcut", async () => {
  const { masks: own } = queries;
  for (const of of [
    { ...queries, classLogits: queries.classLogits.map((logit) => 2.5 * logit) },
    { ...queries, masks: { ...own, data: own.data.map((logit) => logit - 9) } },
    { ...queries, masks: { ...own, data: own.data.map((logit) => 4 * logit - 20) } },
  ]) {
    const map = await semanticInference(of, picture);
    const [best, second] = [0, 1].map(
      (place) => (scores: readonly number[]) => scores.toSorted((a, b) => b - a)[place]!,
    );
    for (const [at, found] of map.entries()) {
      const scores = scoresAt(of, at % picture.width, Math.floor(at / picture.width));
      if (best!(scores) - second!(scores) > 1e-5 * best!(scores) && best!(scores) > 1e-5)
        expect(scores[found]).toBe(best!(scores));
    }
  }
});

test("instance: scores, classes and areas", async () => {
  const found = await instanceInference(queries, picture, { topK: config.topk, isThing });
  const scores = toFloat32(golden.outputs.get("instance_scores")!);
  expect(found).toHaveLength(scores.length);
  found.forEach(({ score, index, mask }, i) => {
    expect(score).toBeCloseTo(scores[i]!, 5);
    expect([index, maskArea(mask)]).toEqual([integers("instance_classes")[i], integers("instance_areas")[i]]);
  });
});

test("panoptic: each pixel's segment", async () => {
  const { ids, segments } = await panopticInference(queries, picture, {
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

test("work stops between its pieces", async () => {
  const stop = async () => {
    throw new AbortedError("segmenting");
  };
  await expect(semanticInference(queries, picture, stop)).rejects.toThrow(AbortedError);
  await expect(instanceInference(queries, picture, { topK: 10, isThing }, stop)).rejects.toThrow(AbortedError);
  await expect(panopticInference(queries, picture, { isThing }, stop)).rejects.toThrow(AbortedError);
});
