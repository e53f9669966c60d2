// Parity of one GFNet golden with an engine: what the fast and the slow suites share.
import { expect } from "vitest";
import { exportOnnx } from "../src/model-folder/compile.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { defineModel } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { type TensorData, toFloat64 } from "../src/tensor.ts";
import { type GoldenCase, maxDifference, toleranceOf } from "./golden-case.ts";

export function gfnetModel(golden: GoldenCase) {
  const definition = defineModel("gfnet", golden.config);
  return nativeModel(definition, golden.weights, { name: golden.name });
}

/** Top row and left column of every patch, in pixels. */
export function patchCorners(actions: TensorData, room: number): number[] {
  return [...toFloat64(actions)].map((action) => Math.floor(action * room));
}

export async function expectGfnetParity(golden: GoldenCase, device: "cpu" | "wasm"): Promise<void> {
  const bytes = exportOnnx(gfnetModel(golden), { target: device === "cpu" ? "onnxruntime" : "portable" });
  await using session = await nodeHost.createSession(bytes, { device });
  const outputs = await session.run({ image: golden.image });
  for (const name of ["logits", "actions"]) {
    const difference = maxDifference(outputs[name], golden.outputs.get(name)!);
    expect(difference, `${golden.name}: ${name}`).toBeLessThan(toleranceOf(golden, name));
  }
  const { image_size, patch_size } = golden.config as { image_size: number; patch_size: number };
  const corners = patchCorners(golden.outputs.get("actions")!, image_size - patch_size);
  expect(patchCorners(outputs.actions!, image_size - patch_size)).toEqual(corners);
  const regions = toFloat64(outputs.regions!);
  corners.forEach((corner, i) => {
    const [left, right] = i % 2 === 0 ? [1, 3] : [0, 2]; // actions are row, column; regions x1, y1, x2, y2
    const at = Math.floor(i / 2) * 4;
    expect(regions[at + left]! * image_size).toBeCloseTo(corner, 3);
    expect(regions[at + right]! * image_size).toBeCloseTo(corner + patch_size, 3);
  });
}
