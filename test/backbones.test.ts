// The convolutional families against timm's numbers at toy size: in the interpreter, natively, and one in WebAssembly.
import { describe, test } from "vitest";
import { expectInterpreterParity, expectSessionParity } from "./backbone-parity.ts";

const TOYS = [
  "resnet_toy_basicblock",
  "resnet_toy_bottleneck",
  "regnet_toy",
  "mobilenetv3_toy_large",
  "mobilenetv3_toy_small",
  "efficientnet_toy",
  "densenet_toy",
  "convnext_toy",
  "convnext_toy_conv_mlp",
];

describe.each(TOYS)("%s", (toy) => {
  const name = `timm-extra/${toy}`;
  test("interpreter", () => expectInterpreterParity(name));
  test("native", () => expectSessionParity(name, "cpu"));
});

test("WebAssembly, standard operators only", () =>
  expectSessionParity("timm-extra/mobilenetv3_toy_small", "wasm", "portable"));
