// Pictures as bytes are seen as normalised ones are.
import { expect, test } from "vitest";
import { interpret } from "../graph/interpreter/interpret.ts";
import { trace } from "../graph/scope.ts";
import type { Tensor } from "../graph/tensor.ts";
import { RandomSource } from "../random.ts";
import { tensor, toFloat32 } from "../tensor.ts";
import { cutPatch, readPatch, shrink } from "./crop.ts";
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
  ["bicubic", HEIGHT, SIZE, true],
  ["bilinear", HEIGHT, SIZE, true],
  ["bicubic", 200, 32, true],
  ["bicubic", 61, 37, true],
  ["bicubic", 61, 37, false],
  ["bilinear", 150, 37, true],
  ["bicubic", HEIGHT, 20, true],
] as const)("shrunken, %s, %d rows to %d, corners on corners: %s", (interpolation, height, size, alignCorners) => {
  const how = { interpolation, alignCorners };
  const [bytes, floats] = bothForms((pictures) => ({ small: shrink(pictures, size, how) }), height);
  const expected = toFloat32(floats.get("small")!);
  expect(bytes.get("small")!.shape).toEqual([2, 3, size, size]);
  for (const [i, value] of toFloat32(bytes.get("small")!).entries()) expect(value).toBeCloseTo(expected[i]!, 5);
});

test.each([
  ["on pixels", cutPatch],
  ["between pixels", readPatch],
] as const)("patches %s, the same places of the same pictures", (_, patch) => {
  const [bytes, floats] = bothForms((pictures, action) => ({ ...patch(pictures, action, SIZE) }));
  expect(bytes.get("region")).toEqual(floats.get("region"));
  expect(bytes.get("pixels")!.shape).toEqual([2, 3, SIZE, SIZE]);
  expect(bytes.get("pixels")).toEqual(floats.get("pixels"));
});

test("between pixels, a patch that begins on one is the patch, and at the edge what lies outside is dark", () => {
  const action = tensor("float32", [2, 2], Float32Array.of(0.5, 0.25, 0.97, 0.02)); // of 8 and 12 pixels of room
  const ones = Float32Array.from({ length: 2 * HEIGHT * WIDTH }, (_, i) => (i < HEIGHT * WIDTH ? Math.sin(i) : 1));
  const graph = trace((scope) => {
    const image = scope.graph.input("image", [2, 1, HEIGHT, WIDTH]);
    const places = scope.graph.input("action", [2, 2]);
    return { whole: cutPatch(image, places, SIZE).pixels, between: readPatch(image, places, SIZE).pixels };
  });
  const inputs = { image: tensor("float32", [2, 1, HEIGHT, WIDTH], ones), action };
  const outputs = interpret(graph, { inputs, parameters: new Map() });
  const [whole, between] = ["whole", "between"].map((name) => toFloat32(outputs.get(name)!)) as [
    Float32Array,
    Float32Array,
  ];
  const count = SIZE * SIZE;
  for (let i = 0; i < count; i++) expect(between[i]).toBeCloseTo(whole[i]!, 6);
  const at = (row: number, column: number) => between[count + row * SIZE + column]!;
  expect(at(1, 2)).toBeCloseTo(1, 6);
  // A place 0.76 behind the last row's neighbour reads one row that there is not, with the share of the farthest tap.
  expect(at(SIZE - 1, 2)).toBeCloseTo(1 - far(2 - 0.76), 5);
});

/** Keys' cubic convolution at 1 to 2. */
const far = (d: number) => ((-0.75 * d + 3.75) * d - 6) * d + 3;
