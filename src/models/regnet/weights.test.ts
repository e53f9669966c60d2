import { expect, test } from "vitest";
import { tensor } from "../../tensor.ts";
import { inferenceGraph, initialWeights } from "../graph.ts";
import { defineModel } from "../registry.ts";
import { adoptRegnetWeights } from "./weights.ts";

const TINY = { depth: 3, w0: 8, wa: 8, wm: 2, group_size: 8, stem_width: 8, num_classes: 3 };
const weights = initialWeights(inferenceGraph(defineModel("regnet", TINY)), 0);

/** timm's name as pycls and GFNet have it. */
function officialName(name: string, last: string): string {
  return name
    .replace(/\.conv([123])\.conv\./, (_, i) => `.f.${"abc"[i - 1]}.`)
    .replace(/\.conv([123])\.bn\./, (_, i) => `.f.${"abc"[i - 1]}_bn.`)
    .replace(".se.fc1.", ".f.se.f_ex.0.")
    .replace(".se.fc2.", ".f.se.f_ex.2.")
    .replace(".downsample.conv.", ".proj.")
    .replace(".downsample.bn.", ".bn.")
    .replace("head.fc.", last);
}

test("GFNet's names become timm's, with the tensors themselves", () => {
  const official = new Map([...weights].map(([name, value]) => [officialName(name, "fc."), value]));
  expect(official.has("s1.b1.f.a_bn.running_mean")).toBe(true);
  expect(official.has("s1.b1.conv1.conv.weight")).toBe(false);
  expect(new Map(adoptRegnetWeights(official))).toEqual(weights);
});

test("pycls's own models saw blue first: red, green, blue here", () => {
  const official = new Map([...weights].map(([name, value]) => [officialName(name, "head.fc."), value]));
  const numbered = tensor(
    "float32",
    [2, 3, 1, 2],
    Float32Array.from({ length: 12 }, (_, i) => i),
  );
  const adopted = adoptRegnetWeights(new Map([...official, ["stem.conv.weight", numbered]]));
  expect([...adopted.keys()]).toEqual([...weights.keys()]);
  expect([...adopted.get("stem.conv.weight")!.data]).toEqual([4, 5, 2, 3, 0, 1, 10, 11, 8, 9, 6, 7]);
});

test("timm's names stay", () => {
  expect(adoptRegnetWeights(weights)).toEqual(weights);
});
