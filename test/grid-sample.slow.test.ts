// gridSample in every mode, with every padding, as WebGPU, older operator sets and WebAssembly without the kernel have it.
import { describe, test } from "vitest";
import { goldenCases, loadGolden } from "./golden-case.ts";
import { expectSampling } from "./grid-sample-parity.ts";

describe.each(goldenCases("grid-sample"))("%s", (name) => {
  test.each([
    ["native, as for WebGPU", "cpu", { target: "webgpu" }],
    ["native, operators of set 17", "cpu", { opset: 17 }],
    ["WebAssembly, gathered", "wasm", { gridSample: "gather" }],
  ] as const)("%s", (_, device, options) => expectSampling(loadGolden(name)!, device, options));
});
