import { expect, test } from "vitest";
import { didYouMean } from "./nearest-name.ts";

const NAMES = ["saccade/everyday", "resnet50", "sparseformer_v1_tiny"];

test.each([
  ["saccade/everday", "saccade/everyday"],
  ["everday", "saccade/everyday"],
  ["ResNet-50", "resnet50"],
  ["sparseformer_tiny", "sparseformer_v1_tiny"],
])("%s is nearly %s", (given, name) => expect(didYouMean(given, NAMES)).toBe(`did you mean ${name}? `));

test.each(["runs/flowers/best", "x", "", "resnet50".repeat(1000)])("%.20s is near to none", (given) =>
  expect(didYouMean(given, NAMES)).toBe(""),
);

test("of no names none is near", () => expect(didYouMean("x", [])).toBe(""));
