import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type RecipeInput, recipeSchema } from "./recipe-fields.ts";

const PAGE = readFileSync(new URL("../../docs/recipes.md", import.meta.url), "utf8");

/** Fields that the page's tables have, and which of them it marks as necessary. */
function documented(): Map<string, { isNecessary: boolean; fallback: string }> {
  const rows = PAGE.split("\n").filter((line) => line.startsWith("| `"));
  return new Map(
    rows.flatMap((row) => {
      const cells = row.split("|").map((cell) => cell.trim());
      return [...cells[1]!.matchAll(/`([\w.]+)`( \*)?/g)].map(
        ([, field, mark]) => [field!, { isNecessary: mark !== undefined, fallback: cells.at(-2)! }] as const,
      );
    }),
  );
}

/** Fields that have fields. */
const NESTED = [
  "annotations",
  "clip",
  "detection",
  "segmentation",
  "distillation",
  "dual_input",
  "fixating",
  "flips",
  "focusing",
  "gating",
  "looking",
  "reducing",
  "slow_neural",
  "validation",
] as const;

/** Every field of the schema, those within fields included, and what it is when nobody says. */
function fieldsOfSchema(): Map<string, unknown> {
  const { shape } = recipeSchema;
  const shapes = [
    ["", shape],
    ...NESTED.map((field) => [`${field}.`, shape[field].unwrap().shape] as const),
    ...shape.pretext.unwrap().options.map((option) => ["pretext.", option.shape] as const),
  ] as const;
  const NECESSARY = Symbol("necessary");
  return new Map(
    shapes.flatMap(([prefix, shape]) =>
      Object.entries(shape).map(([field, schema]) => {
        const { success, data } = schema.safeParse(undefined);
        return [`${prefix}${field}`, success ? data : NECESSARY] as const;
      }),
    ),
  );
}

test("the page lists every field of a recipe, and no other", () => {
  expect([...documented().keys()].sort()).toEqual([...fieldsOfSchema().keys()].sort());
});

test("the page says which fields must be there, and what the others are by default", () => {
  const page = documented();
  for (const [field, value] of fieldsOfSchema()) {
    const { isNecessary, fallback } = page.get(field)!;
    expect([field, isNecessary]).toEqual([field, typeof value === "symbol"]);
    // Where the schema has no value of its own, words say what happens.
    if (typeof value === "number" || typeof value === "boolean") expect([field, fallback]).toEqual([field, `${value}`]);
  }
});

test("what the documented type allows is what the schema takes", () => {
  const all: Required<RecipeInput> = {
    name: "all",
    summary: "every field",
    architecture: "gfnet",
    config: { T: 2 },
    from: "saccade/everyday",
    height: 64,
    width: 64,
    augmentation: "resize(64,64)",
    transform: "resize(64,64)",
    clip: { frames: 8, seconds_between_frames: 0.5, clips: 4 },
    flips: { horizontal: [["left", "right"]], vertical: [], time: [["left", "right"]] },
    epochs: 1,
    batch: 8,
    accumulate: 2,
    optimizer: "lion",
    nesterov: false,
    learning_rate: 1e-4,
    warmup_epochs: 0.5,
    warmup_rate: 1e-6,
    minimum_rate: 1e-6,
    weight_decay: 0.1,
    no_decay: ["a.*"],
    decay_all: true,
    freeze: ["b.*"],
    layer_decay: 0.9,
    unfreeze: { "b.*": 0.5 },
    rate_scales: { "fc.*": 5 },
    clip_norm: 1,
    ema_decay: 0.9,
    loss: "binary_cross_entropy",
    label_smoothing: 0.1,
    mixup: 0.2,
    cutmix: 1,
    mix_probability: 0.5,
    mix_switch_probability: 0.4,
    repeats: 2,
    distillation: { weight: 0.4, temperature: 1, transform: "resize(224,224)", sees: "view" },
    pretext: { objective: "rotation", turns: "one" },
    annotations: { most: 20, masks: { height: 32, width: 32 }, semantic: { height: 32, width: 32 } },
    segmentation: { cross_entropy_weight: 1, dice_weight: 0.5 },
    validation: { every: 2, pictures: 100, kind: "panoptic" },
    detection: {
      class_weight: 1,
      l1_weight: 2,
      giou_weight: 1,
      mask_weight: 3,
      dice_weight: 3,
      empty_weight: 0.2,
      points: 1024,
      copies: 4,
      copies_weight: 0.5,
    },
    gating: { beta: 0.02, target: "best", threshold: 0.5 },
    dual_input: { augmentation: "resize(64,64)" },
    looking: { stage: 3, encoder_loss_weight: 2, train_glance: false, gamma: 0.5, clip: 0.1, deviation: 0.2 },
    focusing: { large_crop_weight: 0.25, frame_draws: 16 },
    reducing: {
      share_weight: 2,
      answer_weight: 0.5,
      token_weight: 0.5,
      group: 1,
      penalty: 1,
      reward: "confidence",
      explored: 0.3,
      shrink_from: 0.1,
      shrink_until: 0.5,
    },
    fixating: {
      focus_weight: 1,
      agreement_weight: 0.5,
      temperature: 2,
      gamma: 0.6,
      lambda: 0.9,
      clip: 0.1,
      deviation: 0.2,
      last_deviation: 0.05,
    },
    slow_neural: { weight: 0.5, squares_weight: 1e-4 },
    exit_weight: 0.2,
    grow: { T: 3 },
    tokens: "none",
    seed: 7,
  };
  expect(recipeSchema.parse(all)).toEqual(all);
});
