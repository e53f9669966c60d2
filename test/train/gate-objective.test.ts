// What a gate learns from: the quality of each picture in the graph is what the segmenter's inference and the evaluation's count say of it.
import { describe, expect, test } from "vitest";
import { PanopticMeter } from "../../src/evaluate/dense/panoptic-quality.ts";
import { interpret } from "../../src/graph/interpreter/interpret.ts";
import { trace } from "../../src/graph/scope.ts";
import { defineModel } from "../../src/models/registry.ts";
import { RandomSource } from "../../src/random.ts";
import { listedRecipeNamed } from "../../src/recipes/index.ts";
import { panopticInference } from "../../src/tasks/segment/panoptic-inference.ts";
import { tensor, toFloat64 } from "../../src/tensor.ts";
import { panopticQuality } from "../../src/train/detection/panoptic-quality.ts";
import { parseRecipe } from "../../src/train/recipe.ts";
import type { Recipe } from "../../src/train/recipe-fields.ts";
import { stepOfRecipe } from "../../src/train/recipe-step.ts";
import type { StagedRecipe } from "../../src/train/staged-recipe.ts";

const [SIDE, GRID, QUERIES, THINGS, CLASSES] = [16, 4, 5, 4, 3];
const CELLS = SIDE * SIDE;
const WHOLE = { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 };

/** Pictures of blocks, some of them of nothing, and answers that are right as often as not. */
function pictureOf(seed: number) {
  const random = new RandomSource(seed, "gate");
  const count = random.integer(THINGS + 1);
  const owners = new Int32Array(CELLS);
  for (let thing = 1; thing <= count; thing++) {
    const [left, top] = [4 * random.integer(3), 4 * random.integer(3)];
    const side = 4 * (1 + random.integer(2));
    for (let y = top; y < top + side; y++) for (let x = left; x < left + side; x++) owners[y * SIDE + x] = thing;
  }
  const classes = Array.from({ length: THINGS }, () => random.integer(CLASSES));
  // Stuff is one segment a class.
  for (const [i, owner] of owners.entries())
    if (owner > 0 && classes[owner - 1] === 2) owners[i] = classes.indexOf(2) + 1;
  const masks = Uint8Array.from({ length: THINGS * CELLS }, (_, i) =>
    owners[i % CELLS] === Math.floor(i / CELLS) + 1 ? 1 : 0,
  );
  const cellOf = (query: number, at: number) => {
    const [x, y] = [at % GRID, Math.floor(at / GRID)];
    return owners[(4 * y + 2) * SIDE + 4 * x + 2] === query + 1;
  };
  const maskLogits = Float32Array.from({ length: QUERIES * GRID * GRID }, (_, i) => {
    const [query, at] = [Math.floor(i / (GRID * GRID)), i % (GRID * GRID)];
    return (cellOf(query, at) ? 3 : -3) + 2 * random.normal();
  });
  const classLogits = Float32Array.from({ length: QUERIES * (CLASSES + 1) }, (_, i) => {
    const [query, index] = [Math.floor(i / (CLASSES + 1)), i % (CLASSES + 1)];
    const own = query < count ? classes[query]! : CLASSES;
    return (index === own ? 4 : 0) + 1.5 * random.normal();
  });
  return { count, owners, classes, masks, maskLogits, classLogits };
}

type Picture = ReturnType<typeof pictureOf>;

/** By the segmenter's inference and the evaluation's count. */
async function expectedQuality(
  { owners, classes, maskLogits, classLogits }: Picture,
  things: readonly number[],
): Promise<number> {
  const masks = { data: maskLogits, maps: QUERIES, width: GRID, height: GRID, view: WHOLE };
  const size = { width: SIDE, height: SIDE };
  const isThing = (index: number) => things.includes(index);
  const found = await panopticInference({ classLogits, masks, classes: CLASSES }, size, { isThing });
  const meter = new PanopticMeter(Array.from({ length: CLASSES }, (_, index) => isThing(index)));
  const visible = [...new Set(owners)].filter((id) => id > 0);
  meter.add(
    { ids: owners, segments: visible.map((id) => ({ id, category: classes[id - 1]! })) },
    { ids: found.ids, segments: found.segments.map(({ id, index }) => ({ id, category: index })) },
  );
  const sums = meter
    .result()
    .categories.reduce(
      (all, { iou, right, wrong, missed }) => ({ iou: all.iou + iou, whole: all.whole + right + (wrong + missed) / 2 }),
      { iou: 0, whole: 0 },
    );
  return sums.whole === 0 ? 1 : sums.iou / sums.whole;
}

function qualities(pictures: readonly Picture[], things: readonly number[] | undefined): number[] {
  const n = pictures.length;
  const graph = trace((scope) => {
    const input = (name: string, shape: readonly number[], dtype: "float32" | "int64" = "float32") =>
      scope.graph.input(name, shape, dtype);
    const said = {
      classLogits: input("classLogits", [n, QUERIES, CLASSES + 1]),
      maskLogits: input("maskLogits", [n, QUERIES, GRID, GRID]),
    };
    const there = {
      classes: input("classes", [n, THINGS], "int64"),
      masks: input("masks", [n, THINGS, SIDE, SIDE]),
      valid: input("valid", [n, THINGS]),
    };
    return { quality: panopticQuality(said, there, { things }) };
  });
  const joined = (field: "classLogits" | "maskLogits" | "masks") =>
    Float32Array.from(pictures.flatMap((picture) => [...picture[field]]));
  const inputs = {
    classLogits: tensor("float32", [n, QUERIES, CLASSES + 1], joined("classLogits")),
    maskLogits: tensor("float32", [n, QUERIES, GRID, GRID], joined("maskLogits")),
    classes: tensor("int64", [n, THINGS], BigInt64Array.from(pictures.flatMap(({ classes }) => classes.map(BigInt)))),
    masks: tensor("float32", [n, THINGS, SIDE, SIDE], joined("masks")),
    valid: tensor(
      "float32",
      [n, THINGS],
      Float32Array.from(pictures.flatMap(({ count }) => Array.from({ length: THINGS }, (_, i) => +(i < count)))),
    ),
  };
  return [...toFloat64(interpret(graph, { inputs, parameters: new Map() }).get("quality")!)];
}

describe("the quality of a picture", () => {
  const pictures = Array.from({ length: 60 }, (_, seed) => pictureOf(seed));

  test.each([
    ["things alone", [0, 1, 2]],
    ["things and stuff", [0, 1]],
  ])("%s: what the evaluation says", async (_, things) => {
    const expected = await Promise.all(pictures.map((picture) => expectedQuality(picture, things)));
    expect(new Set(expected.map((value) => value.toFixed(3))).size).toBeGreaterThan(20);
    for (const [i, value] of qualities(pictures, things).entries())
      expect([i, value]).toEqual([i, expect.closeTo(expected[i]!, 6)]);
  });
});

describe("the stage of the gate", () => {
  const [, stage] = (listedRecipeNamed("eco-m2f-scenes").recipe as StagedRecipe).stages as [Recipe, Recipe];

  test("trains the gate, and nothing else", () => {
    const model = defineModel(stage.architecture, { ...stage.config, num_classes: 3 });
    const step = stepOfRecipe({ ...stage, batch: 2 }, model, 3);
    const gate = "sem_seg_head.pixel_decoder.transformer.encoder.gt.head.";
    expect([...step.trained].sort()).toEqual([`${gate}bias`, `${gate}weight`]);
    expect(step.hostWork).toEqual([]);
    expect([...step.graph.inputs.keys()]).toEqual(expect.arrayContaining(["image", "target.masks", "target.classes"]));
  });

  test.each([
    [{ gate: undefined }, "teaches a gate, and the model has none"],
    [{ exit: 3 }, 'the model has "exit": 3'],
  ])("a model with %j is refused", (changes, message) => {
    const model = defineModel(stage.architecture, { ...stage.config, num_classes: 3, ...changes });
    expect(() => stepOfRecipe(stage, model, 3)).toThrow(message);
  });

  test("what it costs must be said", () => {
    expect(() => parseRecipe({ ...stage, gating: {} })).toThrow(/gating\.beta/);
  });
});
