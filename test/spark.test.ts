// SparK against the official code's numbers: maps, reconstruction, loss, gradients and running statistics of one training step (in float64 and in
// WebAssembly: in the slow suite); and that nothing of what is hidden is seen, by any convolutional network.
import { describe, expect, test } from "vitest";
import { Scope } from "../src/graph/scope.ts";
import { Graph } from "../src/graph/tensor.ts";
import { initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { Mode } from "../src/nn/mode.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { tensor } from "../src/tensor.ts";
import { patchGrid, sparseEncoder, visibleMaps } from "../src/train/pretext/spark/encoder.ts";
import { goldenCases, hashedValues, maxDifference } from "./golden-case.ts";
import { toyOf } from "./registry-toys.ts";
import { expectSparkParity } from "./spark-parity.ts";

test.each(goldenCases("spark"))("%s", (name) => expectSparkParity(name, "cpu", "onnxruntime"));

const FAMILIES = [
  "resnet18",
  "convnext_tiny",
  "regnety_006",
  "densenet121",
  "mobilenetv2_100",
  "mobilenetv3_large_100",
  "efficientnet_b0",
];

describe.each(FAMILIES)("%s", (name) => {
  const model = defineModel(name, toyOf(name).config);
  const encoder = sparseEncoder(model);

  test("pixels that are hidden change nothing that is kept, and others do", async () => {
    const side = 2 * encoder.patch;
    expect(patchGrid(encoder, { height: side, width: side })).toEqual({ rows: 2, columns: 2 });
    const graph = new Graph();
    const visible = graph.input("visible", [1, 1, 2, 2]);
    const image = graph.input("image", [1, 3, side, side]);
    const maps = visibleMaps(encoder, new Scope(graph), image, visible, Mode.training());
    for (const [i, map] of maps.entries()) if (map !== undefined) graph.output(`map.${i}`, map);
    const masks = [...graph.inputs].filter(([input]) => input !== "visible" && input !== "image");
    const parameters = initialWeights(graph, 0);
    await using session = await nodeHost.createSession(lower(graph, { parameters, target: "onnxruntime" }), {
      device: "cpu",
      threads: 1,
    });
    const picture = hashedValues("picture", 3 * side * side, 1, 0, 0);
    const half = Math.floor(side / 2);
    const changedAt = (row: number, column: number) =>
      picture.map((value, i) => {
        const [y, x] = [Math.floor((i % (side * side)) / side), i % side];
        return Math.floor(y / half) === row && Math.floor(x / half) === column ? value * -30 + 7 : value;
      });
    const run = (pixels: Float32Array) =>
      session.run({
        visible: tensor("float32", [1, 1, 2, 2], Float32Array.of(1, 0, 0, 1)),
        image: tensor("float32", [1, 3, side, side], pixels),
        ...Object.fromEntries(
          masks.map(([input, { shape }]) => [
            input,
            tensor(
              "float32",
              shape as number[],
              new Float32Array((shape as number[]).reduce((a, b) => a * b, 1)).fill(1),
            ),
          ]),
        ),
      });
    const own = await run(picture);
    const behind = await run(changedAt(0, 1));
    const before = await run(changedAt(1, 1));
    expect(Object.keys(own)).toContain("map.3");
    for (const [map, value] of Object.entries(own)) {
      expect(maxDifference(behind[map], value), map).toBe(0);
      expect(maxDifference(before[map], value), map).toBeGreaterThan(0);
    }
  });
});

test("what cannot be hidden from is said", () => {
  expect(() => sparseEncoder(defineModel("vit_tiny_patch16_224"))).toThrow(/vit cannot learn from hidden patches/);
  const encoder = sparseEncoder(defineModel("resnet18"));
  expect(() => patchGrid(encoder, { height: 100, width: 96 })).toThrow(/96 x 100 pixels .* 32 x 32/);
  expect(() => patchGrid(encoder, { height: 32, width: 32 })).toThrow(/two or more/);
});
