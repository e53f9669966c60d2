// SparK's goldens on the slower engines, the loss that the running statistics give after one step, and that other families see nothing hidden either.
import { describe, expect, test } from "vitest";
import { recipes } from "../src/recipes/index.ts";
import { stepOfRecipe } from "../src/train/recipe-step.ts";
import { startingPoint } from "../src/train/start.ts";
import { goldenCases } from "./golden-case.ts";
import { expectEvaluatedLoss, expectInterpretedSpark, expectNoLeak, expectSparkParity } from "./spark-parity.ts";

describe.each(goldenCases("spark"))("%s", (name) => {
  test("in float64", () => expectInterpretedSpark(name));
  test("WebAssembly, standard operators only", () => expectSparkParity(name, "wasm", "portable"));
  test("with running statistics after the step", () => expectEvaluatedLoss(name));
});

test("the authors' recipe for a ResNet-50 trains: its model and its step", () => {
  const recipe = recipes.get("spark-resnet50")!;
  const { model } = startingPoint(recipe, []);
  const { graph } = stepOfRecipe({ ...recipe, batch: 2 }, model.definition, 1);
  expect(graph.outputs.get("loss")?.shape).toEqual([]);
  expect([...graph.parameters].find(([name]) => name.endsWith("densify_projs.0.weight"))![1].shape).toEqual([
    768, 2048, 1, 1,
  ]);
});

const OTHERS = ["regnety_006", "densenet121", "mobilenetv2_100", "mobilenetv3_large_100", "efficientnet_b0"];
test.each(OTHERS)("%s: pixels that are hidden change nothing that is kept, and others do", (name) =>
  expectNoLeak(name),
);
