// Which kernels a file may ask for, by where it is to run.
import type { LoweringTarget } from "../onnx/lower.ts";
import type { Device } from "./session.ts";

/** The target to compile for. What "auto" may take has the same kernels everywhere. */
export function targetOf(device: Device | undefined): LoweringTarget {
  return device === "webgpu" ? "webgpu" : "onnxruntime";
}
