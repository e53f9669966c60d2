// The convolutional models at full size against timm's numbers, natively and in WebAssembly.
import { describe, test } from "vitest";
import { expectSessionParity } from "./backbone-parity.ts";

const CASES = [
  "timm/resnet50",
  "timm/mobilenetv3_large_100",
  "timm/efficientnet_b0",
  "timm/convnext_tiny",
  "timm-extra/resnet18",
  "timm-extra/regnety_006",
  "timm-extra/regnety_016",
  "timm-extra/mobilenetv3_large_125",
  "timm-extra/mobilenetv3_small_100",
  "timm-extra/efficientnet_b2",
  "timm-extra/efficientnet_b3",
  "timm-extra/densenet121",
  "timm-extra/convnext_atto",
];

describe.each(CASES)("%s", (name) => {
  test("native", () => expectSessionParity(name, "cpu"));
  test("native, standard operators only", () => expectSessionParity(name, "cpu", "portable"));
  test("WebAssembly", () => expectSessionParity(name, "wasm"));
});
