// Image weights in the video model, against what the official code makes of them.
import { expect, test } from "vitest";
import { fitWeights, inferenceGraph } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { loadGolden, maxDifference } from "./golden-case.ts";

test("image weights are inflated as load_2d_state_dict does", () => {
  const golden = loadGolden("video/inflation")!;
  const { architecture, config } = defineModel("media_sparseformer", golden.config);
  const adopted = architecture.adoptWeights(golden.weights, config);
  expect(golden.outputs.size).toBe(13);
  for (const [name, expected] of golden.outputs)
    expect(maxDifference(adopted.get(name), expected), name).toBeLessThan(1e-6);
  fitWeights(inferenceGraph({ architecture, config }), adopted, "media_sparseformer");
});

test("weights of the video model itself stay as they are", () => {
  const golden = loadGolden("sparseformer/media_sparseformer_v1_mini_r4_0")!;
  const { architecture, config } = defineModel("media_sparseformer", golden.config);
  for (const [name, value] of architecture.adoptWeights(golden.weights, config))
    expect(value).toBe(golden.weights.get(name));
});
