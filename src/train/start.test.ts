import { describe, expect, test } from "vitest";
import { SIZE, TINY_CONFIG, tinyRecipe } from "../../test/train/shapes.ts";
import { UsageError } from "../errors.ts";
import type { NativeModel } from "../model-folder/model.ts";
import { tensor } from "../tensor.ts";
import type { Recipe, RecipeInput } from "./recipe-fields.ts";
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

describe("models of clips made of networks of pictures", () => {
  const NETWORK = { block: "BasicBlock", layers: [1, 1], channels: [4, 8], stem_channels: 4 };
  const ofClips = (fields: Pick<RecipeInput, "architecture" | "config"> & Partial<RecipeInput>) =>
    tinyRecipe({ ...fields, clip: { frames: 2 } });
  const tsm = ofClips({ architecture: "tsm", config: { base_model: "resnet18", backbone: NETWORK } });
  const looking = ofClips({
    architecture: "gfnet",
    config: { arch: "resnet50", backbone: NETWORK, num_segments: 2, patch_size: 32, image_size: 40, T: 2 },
    looking: { stage: 1 },
  });
  const network = filled(tinyRecipe({ architecture: "resnet", config: NETWORK }));

  function filled(of: Recipe, from?: NativeModel): NativeModel {
    const { model } = startingPoint(of, LABELS, from);
    const weights = [...model.weights].map(([name, { shape, data }]) => {
      return [name, tensor("float32", shape, new Float32Array(data.length).fill(0.25))] as const;
    });
    return { ...model, weights: new Map(weights) };
  }

  test("a TSM begins with all of a network, and with its last layer where the labels are the same", () => {
    expect(startingPoint(tsm, LABELS, network).fresh).toEqual([]);
    const { model, fresh } = startingPoint(tsm, ["x", "y"], network);
    expect(fresh).toEqual(["new_fc.weight", "new_fc.bias"]);
    expect(model.definition.architecture.name).toBe("tsm");
    expect(model.weights.get("base_model.layer1.0.conv1.weight")!.data[0]).toBe(0.25);
  });

  test.each([
    ["a network of pictures", network],
    ["a TSM", filled(tsm)],
  ])("both encoders of a GFNet over clips begin with %s", (_, from) => {
    const { model, fresh } = startingPoint(looking, LABELS, from);
    expect(fresh.every((name) => /^(fc|policy)\./.test(name))).toBe(true);
    expect(model.definition.config).toMatchObject({ num_segments: 2, feature_num: 8 });
    for (const part of ["model_state_dict", "model_prime_state_dict"])
      expect(model.weights.get(`${part}.layer2.0.bn2.weight`)!.data[0]).toBe(0.25);
  });
});

test("a model that shares nothing is refused", () => {
  const empty: NativeModel = { ...trained(), weights: new Map() };
  expect(() => startingPoint(recipe, LABELS, empty)).toThrow(UsageError);
});

test("fewer tokens are the model's own configuration; a text that is none is refused with the recipe", () => {
  const { model } = startingPoint(tinyRecipe({ tokens: 2 }), LABELS);
  expect(model.definition.config).toMatchObject({ num_latent_tokens: 2 });
  const vit = {
    architecture: "vit",
    config: { img_size: 32, patch_size: 8, embed_dim: 8, depth: 2, num_heads: 1 },
    tokens: "keep=0.5@1:evit",
  };
  const started = startingPoint(tinyRecipe(vit), LABELS).model;
  expect(started.definition.config).toMatchObject({ tokens: "keep=0.5@1:evit" });
  expect(startingPoint(tinyRecipe({ tokens: "none" }), LABELS, started).model.definition.config).not.toHaveProperty(
    "tokens",
    expect.anything(),
  );
  expect(() => tinyRecipe({ tokens: "half of them" })).toThrow(/recipe is not valid: tokens: /);
});
