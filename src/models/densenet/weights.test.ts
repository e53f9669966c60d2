import { expect, test } from "vitest";
import { tensor } from "../../tensor.ts";
import { adoptDensenetWeights } from "./weights.ts";

test("names of torchvision's first releases become today's, which stay", () => {
  const value = tensor("float32", [1], Float32Array.of(1));
  const names = ["features.denseblock1.denselayer2.norm.1.weight", "features.denseblock4.denselayer16.conv.2.weight"];
  const today = ["features.denseblock1.denselayer2.norm1.weight", "features.denseblock4.denselayer16.conv2.weight"];
  const adopt = (list: readonly string[]) => [
    ...adoptDensenetWeights(new Map([...list, "features.norm5.bias"].map((name) => [name, value]))).keys(),
  ];
  expect(adopt(names)).toEqual([...today, "features.norm5.bias"]);
  expect(adopt(today)).toEqual([...today, "features.norm5.bias"]);
});
