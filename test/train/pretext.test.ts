// Pre-training without labels: the step of a recipe with a pretext, and the turns of rotation against turns that were made another way.
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/graph/interpreter/interpret.ts";
import { Scope } from "../../src/graph/scope.ts";
import { Graph } from "../../src/graph/tensor.ts";
import { changedModel, defineModel, type ModelDefinition } from "../../src/models/registry.ts";
import { Mode } from "../../src/nn/mode.ts";
import { recipes } from "../../src/recipes/index.ts";
import { pretrainingRecipe } from "../../src/recipes/pretraining.ts";
import { tensor, toFloat64 } from "../../src/tensor.ts";
import { turned } from "../../src/train/pretext/rotation.ts";
import { parseRecipe } from "../../src/train/recipe.ts";
import { objectiveOf } from "../../src/train/recipe-objective.ts";
import { stepOfRecipe } from "../../src/train/recipe-step.ts";
import { startingPoint } from "../../src/train/start.ts";
import { onlyLabels } from "./labelled-inputs.ts";
import { tinyRecipe } from "./shapes.ts";

const SIDE = 4;
const TINY = { block: "BasicBlock", layers: [1], channels: [4], stem_channels: 4, zero_init_last: false };
const model = defineModel("resnet", { ...TINY, num_classes: 1 });
const picture = (count: number) =>
  tensor(
    "float32",
    [count, 3, SIDE, SIDE],
    Float32Array.from({ length: count * 3 * SIDE * SIDE }, (_, i) => i),
  );

describe("rotation", () => {
  test("a turn takes the pixel at (row, column) to where it belongs", () => {
    const graph = new Graph();
    const image = graph.input("image", [1, 3, SIDE, SIDE]);
    for (const quarters of [0, 1, 2, 3]) graph.output(`${quarters}`, turned(image, quarters));
    const found = interpret(graph, { inputs: { image: picture(1) }, precision: "float64", parameters: new Map() });
    const at = (quarters: number, row: number, column: number) =>
      toFloat64(found.get(`${quarters}`)!)[SIDE * SIDE + row * SIDE + column];
    const last = SIDE - 1;
    for (let row = 0; row < SIDE; row++)
      for (let column = 0; column < SIDE; column++) {
        // Counter-clockwise: what is at the right is at the top afterwards.
        expect(at(1, last - column, row)).toBe(at(0, row, column));
        expect(at(2, last - row, last - column)).toBe(at(0, row, column));
        expect(at(3, column, last - row)).toBe(at(0, row, column));
      }
  });

  function asked(turns: "all" | "one") {
    const recipe = tinyRecipe({ pretext: { objective: "rotation", turns } });
    const graph = new Graph();
    const drawn: string[] = [];
    const outputs = objectiveOf(recipe, model)!({
      scope: new Scope(graph),
      model,
      image: graph.input("image", [2, 3, SIDE, SIDE]),
      targets: graph.input("targets", [2, 1]),
      mode: Mode.training(),
      draw: ({ name, shape }) => {
        drawn.push(name);
        return graph.input(name, shape);
      },
      progress: () => graph.input("progress", []),
      ...onlyLabels,
    });
    graph.output("targets", outputs.targets!);
    return { graph, outputs, drawn };
  }

  test("all: four rows a picture, each with its own answer; what is the objective's own is no part of the model", () => {
    const { graph, outputs, drawn } = asked("all");
    expect([outputs.logits!.shape, outputs.targets!.shape, drawn]).toEqual([[8, 4], [8, 4], []]);
    const [targets] = interpret(graph, { inputs: {}, parameters: new Map() }).values();
    expect([...toFloat64(targets!)]).toEqual(
      [0, 0, 1, 1, 2, 2, 3, 3].flatMap((turn) => [0, 1, 2, 3].map((t) => +(t === turn))),
    );
    expect(outputs.auxiliary).toEqual(["pretext.rotation.weight", "pretext.rotation.bias"]);
    expect(outputs.untouched).toEqual(expect.arrayContaining(["fc.weight", "fc.bias"]));
  });

  test("one: as many rows as pictures, turned as is drawn", () => {
    const { graph, outputs, drawn } = asked("one");
    expect([outputs.logits!.shape, drawn]).toEqual([[2, 4], ["turns"]]);
    const turns = tensor("float32", [2], Float32Array.of(0.3, 0.99));
    const [targets] = interpret(graph, { inputs: { turns }, parameters: new Map() }).values();
    expect([...toFloat64(targets!)]).toEqual([0, 1, 0, 0, 0, 0, 0, 1]);
  });
});

describe("a recipe with a pretext", () => {
  test("its step trains the model but for the last layer, which is as small as can be, and the objective's own layer", () => {
    const recipe = tinyRecipe({
      architecture: "resnet",
      config: TINY,
      no_decay: [],
      pretext: { objective: "rotation" },
    });
    const { model: start } = startingPoint(recipe, []);
    expect([start.card.labels, start.card.pretext]).toEqual([undefined, "rotation"]);
    expect(start.weights.get("fc.weight")!.shape).toEqual([1, 4]);
    const step = stepOfRecipe(recipe, start.definition, 1);
    expect(step.trained).not.toContain("fc.weight");
    expect(step.trained).toEqual(expect.arrayContaining(["conv1.weight", "pretext.rotation.weight"]));
    const roles = (name: string) => step.state.filter(({ parameter }) => parameter === name).map(({ role }) => role);
    expect(roles("pretext.rotation.weight")).toContain("auxiliary");
    expect(roles("fc.weight")).toEqual([]);
    expect(roles("bn1.running_mean")).toContain("buffer");
  });

  test.each([
    [{ mixup: 0.2 }, /mixed/],
    [{ distillation: { transform: "resize(8,8)" } }, /distillation: pre-training/],
    [{ exit_weight: 0.1 }, /exit_weight/],
    [{ width: 24, augmentation: "resize(24,32)" }, /rotation wants squares, and its pictures are 24 x 32/],
    [{ pretext: { objective: "guessing" } as never }, /pretext/],
  ])("%j is refused", (changes, message) => {
    expect(() => tinyRecipe({ pretext: { objective: "rotation" }, ...changes })).toThrow(message);
  });

  test("a model of texts and one of videos cannot learn so", () => {
    const recipe = tinyRecipe({ pretext: { objective: "rotation" } });
    expect(() => objectiveOf(recipe, defineModel("clip_text"))).toThrow(/text model/);
    expect(() => objectiveOf(recipe, defineModel("tsm"))).toThrow(/takes videos/);
  });

  test("one without anything to learn before its last layer cannot learn so", () => {
    const scattering = {
      architecture: "scattering_32",
      config: {},
      width: 32,
      height: 32,
      augmentation: "resize(32,32)",
    };
    const recipe = tinyRecipe({ ...scattering, no_decay: [], pretext: { objective: "rotation" } });
    expect(() => stepOfRecipe(recipe, startingPoint(recipe, []).model.definition, 1)).toThrow(
      /nothing of scattering before its last layer is learned/,
    );
  });

  test("what is usual for a model without a name says its configuration, and the name of one as registered is enough", () => {
    const configOf = (definition: ModelDefinition, side: number) =>
      pretrainingRecipe("rotation", definition, side).config;
    expect(configOf(model, SIDE)).toMatchObject(TINY);
    expect(configOf(changedModel("resnet18", {}, { layers: [1, 1, 1, 1] }), 64)).toMatchObject({
      layers: [1, 1, 1, 1],
    });
    expect(configOf(defineModel("resnet18"), 64)).toBeUndefined();
  });

  // The official ones are of large networks, whose first weights take seconds: in the slow suite.
  test.each([...recipes.values()].filter(({ pretext, batch }) => pretext !== undefined && batch < 1000))(
    "$name is among the recipes",
    (recipe) => {
      const { model: start } = startingPoint(recipe, []);
      const step = stepOfRecipe({ ...recipe, batch: 2 }, start.definition, 1);
      expect(step.graph.outputs.get("loss")?.shape).toEqual([]);
    },
  );

  test.each(["resnet18", "deit_tiny_patch16_224", "sparseformer_v1_tiny", "lightcnn_29"])(
    "what is usual for %s is a recipe that can be followed, for small pictures too",
    (name) => {
      const recipe = parseRecipe(pretrainingRecipe("rotation", defineModel(name), 64));
      expect([recipe.name, recipe.width, recipe.height]).toEqual([`rotation-${name}`, 64, 64]);
      expect(recipe.transform).toMatch(/^resize_small\(73,bicubic\)\|central_crop\(64\)(\|normalize\(|$)/);
    },
  );
});
