// CLIP's text tower against OpenAI's numbers at toy size. Every toy case of test/goldens/clip-text is found by its file.
import { describe, expect, test } from "vitest";
import { defineModel } from "../src/models/registry.ts";
import { expectClipTextParity, huggingFaceNames } from "./clip-text-parity.ts";
import { goldenCases, isToy, loadGolden } from "./golden-case.ts";

describe.each(goldenCases("clip-text").filter(isToy))("%s", (name) => {
  test("interpreter", () => expectClipTextParity(name, "interpreter"));
  test("native", () => expectClipTextParity(name, "cpu"));
  test("WebAssembly, standard operators only", () => expectClipTextParity(name, "wasm", "portable"));

  test("Hugging Face's names are the same weights", () => {
    const { weights, config } = loadGolden(name)!;
    const { architecture, config: parsed } = defineModel("clip_text", config);
    const renamed = huggingFaceNames(name);
    expect(renamed.has("text_model.encoder.layers.0.self_attn.q_proj.weight")).toBe(true);
    const adopted = architecture.adoptWeights(renamed, parsed);
    expect([...adopted.keys()].sort()).toEqual([...weights.keys()].sort());
    for (const [parameter, value] of weights) {
      expect(adopted.get(parameter)!.shape, parameter).toEqual(value.shape);
      expect(adopted.get(parameter)!.data, parameter).toEqual(value.data);
    }
  });

  test("a tower of texts alone has OpenAI's scale", () => {
    const { config } = loadGolden(name)!;
    const { architecture, config: parsed } = defineModel("clip_text", config);
    const renamed = new Map(huggingFaceNames(name));
    renamed.delete("logit_scale");
    expect(architecture.adoptWeights(renamed, parsed).get("logit_scale")!.data[0]).toBeCloseTo(Math.log(100), 6);
  });
});
