import { expect, test } from "vitest";
import { readableEngineError } from "./engine-errors.ts";

// Messages as ONNX Runtime 1.30 gives them, native and WebAssembly.
test.each([
  [
    "/onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::Initialize(const onnxruntime::webgpu::WebGpuContextConfig&)::<lambda()> adapter_result.status == wgpu::RequestAdapterStatus::Success was false. Failed to get a WebGPU adapter: No supported adapters\n",
    "Failed to get a WebGPU adapter: No supported adapters",
  ],
  [
    "Got invalid dimensions for input: image for the following indices\n index: 2 Got: 100 Expected: 224\n Please fix either the inputs/outputs or the model.",
    "Got invalid dimensions for input: image for the following indices index: 2 Got: 100 Expected: 224",
  ],
  [
    "failed to call OrtRun(). ERROR_CODE: 2, ERROR_MESSAGE: Non-zero status code returned while running Reshape node. Name:'r1' Status Message: it cannot be reshaped",
    "the Reshape node failed: r1: it cannot be reshaped",
  ],
  ["Can't create a session. ERROR_CODE: 7, ERROR_MESSAGE: Failed to load model", "Failed to load model"],
  ["Unsupported data type: 16", "bfloat16 inputs and outputs are not supported"],
])("%s", (raw, readable) => {
  expect(readableEngineError(new Error(raw))).toBe(readable);
});
