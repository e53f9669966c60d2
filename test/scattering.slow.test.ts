// The scattering transform against the official code's numbers on each engine, and against those that its own tests have.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { defineModel } from "../src/models/registry.ts";
import { tensor } from "../src/tensor.ts";
import { readSafetensors } from "../src/weights/safetensors.ts";
import { goldenCases, goldenPath, maxDifference } from "./golden-case.ts";
import { coefficients, expectScatteringParity } from "./scattering-parity.ts";

describe.each(goldenCases("scattering"))("%s", (name) => {
  test("interpreter", () => expectScatteringParity(name, "interpreter", 2e-6));
  test("native", () => expectScatteringParity(name, "cpu", 1e-5));
  test("WebAssembly, standard operators only", () => expectScatteringParity(name, "wasm", 1e-5));
});

test("the file that kymatio's tests compare with, J = 4", async () => {
  const { tensors } = readSafetensors(readFileSync(goldenPath("scattering/test_data_2d.safetensors")!));
  const x = tensors.get("x")!;
  const image = tensor("float32", x.shape, Float32Array.from(x.data as Float32Array));
  const definition = defineModel("scattering", { J: Number(tensors.get("J")!.data[0]), shape: [32, 32] });
  for (const engine of ["cpu", "wasm"] as const)
    expect(maxDifference(await coefficients(definition, image, engine), tensors.get("Sx")!), engine).toBeLessThan(1e-5);
});
