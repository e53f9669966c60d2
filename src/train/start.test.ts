import { expect, test } from "vitest";
import { SIZE, TINY_CONFIG, tinyRecipe } from "../../test/train/shapes.ts";
import { UsageError } from "../errors.ts";
import type { NativeModel } from "../model-folder/model.ts";
import { tensor } from "../tensor.ts";
import { startingPoint } from "./start.ts";

const recipe = tinyRecipe();
const LABELS = ["a", "b", "c"];

/** A model that was trained: every weight is 0.25. */
function trained(labels: readonly string[] = LABELS, config = TINY_CONFIG): NativeModel {
  const { model } = startingPoint(tinyRecipe({ config }), labels);
  const weights = new Map(
    [...model.weights].map(([name, { shape, data }]) => [
      name,
      tensor("float32", shape, new Float32Array(data.length).fill(0.25)),
    ]),
  );
  return { ...model, weights, card: { ...model.card, name: "donor", licence: "CC-BY-4.0" } };
}

test("from scratch: the seed decides, and the card says what the labels are", () => {
  const { model, fresh } = startingPoint(recipe, LABELS);
  expect(fresh).toEqual([]);
  expect(model.card).toEqual({ name: "tiny", labels: LABELS, transform: recipe.transform });
  expect([...startingPoint(recipe, LABELS).model.weights]).toEqual([...model.weights]);
  const other = startingPoint({ ...recipe, seed: 4 }, LABELS).model.weights.get("proj.weight");
  expect(other).not.toEqual(model.weights.get("proj.weight"));
});

test("other labels, in another or the same number, get a fresh last layer; everything else is taken over", () => {
  for (const labels of [
    ["x", "y", "z"],
    ["x", "y", "z", "w"],
  ]) {
    const { model, fresh } = startingPoint(recipe, labels, trained());
    expect(fresh).toEqual(["proj.weight", "proj.bias"]);
    expect(model.weights.get("proj.weight")?.shape[0]).toBe(labels.length);
    expect(model.weights.get("proj.weight")?.data[0]).not.toBe(0.25);
    expect(model.weights.get("layers.0.attn.qkv.weight")?.data.every((value) => value === 0.25)).toBe(true);
    // Weights carry their licence with them.
    expect(model.card).toMatchObject({ labels, licence: "CC-BY-4.0" });
  }
});

test("the same labels keep the last layer", () => {
  const { model, fresh } = startingPoint(recipe, LABELS, trained());
  expect(fresh).toEqual([]);
  expect(model.weights.get("proj.weight")?.data[0]).toBe(0.25);
});

test("the other model's configuration counts, not the recipe's", () => {
  const { model } = startingPoint(recipe, LABELS, trained(LABELS, { ...TINY_CONFIG, num_latent_tokens: 6 }));
  expect(model.weights.get("initial_roi.weight")?.shape).toEqual([6, 4]);
  expect(model.card.transform).toContain(`resize(${SIZE},${SIZE})`);
});

test("a recipe may grow the other model: what it had it keeps, what is new starts fresh", () => {
  const { model, fresh } = startingPoint(tinyRecipe({ grow: { exit_layers: [0] } }), LABELS, trained());
  expect(fresh).toEqual(["exits.0.norm.weight", "exits.0.norm.bias", "exits.0.proj.weight", "exits.0.proj.bias"]);
  expect(model.weights.get("proj.weight")?.data[0]).toBe(0.25);
  expect(startingPoint(tinyRecipe({ grow: { exit_layers: [0] } }), LABELS).model.weights.has("exits.0.proj.bias")).toBe(
    false,
  );
});

test("a model that shares nothing is refused", () => {
  const empty: NativeModel = { ...trained(), weights: new Map() };
  expect(() => startingPoint(recipe, LABELS, empty)).toThrow(UsageError);
});
