// Pictures as bytes are seen as normalised ones are.
import { expect, test } from "vitest";
import { interpret } from "../graph/interpreter/interpret.ts";
import { trace } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { RandomSource } from "../random.ts";
import { tensor, toFloat32 } from "../tensor.ts";
import { cutPatch, shrink } from "./crop.ts";
import { normalizedImage, type Pictures, pixelInput } from "./pixels.ts";

const [HEIGHT, WIDTH, SIZE] = [13, 17, 5];
const NORMALIZATION = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

/** What both forms of two random pictures become. */
function bothForms(see: (pictures: Pictures, action: Tensor) => Record<string, Tensor>, height = HEIGHT) {
  const random = new RandomSource(3);
  const bytes = Uint8Array.from({ length: 2 * height * WIDTH * 3 }, () => Math.floor(256 * random.uniform()));
  const inputs = {
    image: tensor("uint8", [2, height, WIDTH, 3], bytes),
    action: tensor("float32", [2, 2], Float32Array.of(0, 0.999, 0.6, 0.3)),
  };
  return [true, false].map((asBytes) => {
    const graph = trace((scope) => {
      const pixels = pixelInput(scope.graph, { batch: "batch", height, width: WIDTH }, NORMALIZATION);
      const action = scope.graph.input("action", ["batch", 2]);
      return see(asBytes ? pixels : normalizedImage(pixels), action);
    });
    return interpret(graph, { inputs, parameters: new Map() });
  }) as [ReturnType<typeof interpret>, ReturnType<typeof interpret>];
}

// Rows are made in groups of 16: a part of one, whole ones, whole ones and a part; of pictures that have less, more and far more.
test.each([
  ["bicubic", HEIGHT, SIZE],
  ["bilinear", HEIGHT, SIZE],
  ["bicubic", 200, 32],
  ["bicubic", 61, 37],
  ["bilinear", 150, 37],
  ["bicubic", HEIGHT, 20],
] as const)("shrunken, %s, %d rows to %d", (interpolation, height, size) => {
  const [bytes, floats] = bothForms((pictures) => ({ small: shrink(pictures, size, interpolation) }), height);
  const expected = toFloat32(floats.get("small")!);
  expect(bytes.get("small")!.shape).toEqual([2, 3, size, size]);
  for (const [i, value] of toFloat32(bytes.get("small")!).entries()) expect(value).toBeCloseTo(expected[i]!, 5);
});

test("patches, the same places of the same pictures", () => {
  const [bytes, floats] = bothForms((pictures, action) => ({ ...cutPatch(pictures, action, SIZE) }));
  expect(bytes.get("region")).toEqual(floats.get("region"));
  expect(bytes.get("pixels")!.shape).toEqual([2, 3, SIZE, SIZE]);
  expect(bytes.get("pixels")).toEqual(floats.get("pixels"));
});
