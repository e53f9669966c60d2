// Parity of one Uni-AdaFocus golden: what the fast and the slow suites share.
import { expect } from "vitest";
import type { NativeModel } from "../src/model-folder/model.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { defineModel } from "../src/models/registry.ts";
import { elementCount, type TensorData, tensor, toFloat64 } from "../src/tensor.ts";
import { type GoldenCase, maxDifference } from "./golden-case.ts";
import { clipsOf, goldenFrames } from "./golden-clips.ts";

export function uniAdafocusModel(golden: GoldenCase): NativeModel {
  return nativeModel(defineModel("uni_adafocus", golden.config), golden.weights, { name: golden.name });
}

/** The case's frames as clips (clips, 3, frames, height, width). */
export function clipsOfGolden(golden: GoldenCase): TensorData<"float32"> {
  return clipsOf(goldenFrames(golden), golden.config.num_input_focus_segments as number);
}

/** Every `step`-th along an axis. */
function every(value: TensorData, axis: number, step: number): TensorData {
  const { shape } = value;
  const kept = Math.ceil(shape[axis]! / step);
  const inner = elementCount(shape.slice(axis + 1));
  const outer = elementCount(shape.slice(0, axis));
  const data = toFloat64(value);
  const out = new Float32Array(outer * kept * inner);
  for (let o = 0; o < outer; o++)
    for (let k = 0; k < kept; k++)
      for (let i = 0; i < inner; i++)
        out[(o * kept + k) * inner + i] = data[(o * shape[axis]! + k * step) * inner + i]!;
  return tensor("float32", [...shape.slice(0, axis), kept, ...shape.slice(axis + 1)], out);
}

/** The layers whose values a case keeps a part of. */
export const LAYERS = ["glance.frames", "glance.map"];

/** Compares all that a case has with what an engine gave: its outputs, and LAYERS among them. */
export function expectUniAdafocusParity(golden: GoldenCase, outputs: (name: string) => TensorData | undefined): void {
  const { num_focus_segments } = golden.config as { num_focus_segments: number };
  const parts: Readonly<Record<string, () => TensorData | undefined>> = {
    glance_features: () => every(outputs("glance.frames")!, 2, 40),
    glance_maps: () => every(outputs("glance.map")!, 1, 160),
    patches: () => every(every(every(outputs("patches")!, 1, num_focus_segments / 2), 3, 16), 4, 16),
  };
  for (const name of golden.outputs.keys()) expectOutput(golden, name, parts[name]?.() ?? outputs(name));
}

/** Compares one output, with the goldens' tolerance; frames are equal. */
export function expectOutput(golden: GoldenCase, name: string, actual: TensorData | undefined): void {
  const errors = golden.json.float32_errors as Readonly<Record<string, number>>;
  const tolerance = name === "focus_frames" ? 1e-9 : 1e-4 + 4 * errors[name]!;
  expect(maxDifference(actual, golden.outputs.get(name)!), `${golden.name}: ${name}`).toBeLessThan(tolerance);
}
