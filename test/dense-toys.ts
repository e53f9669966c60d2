// Models of a few lines that answer about places as large ones do: they tell red, green and blue cells of eight pixels apart. So every number that a task gives
// can be said beforehand.
import {
  add,
  concat,
  expand,
  matMul,
  mul,
  reduceMean,
  reshape,
  scalar,
  slice,
  transpose,
  values,
} from "../src/graph/build.ts";
import type { Dim } from "../src/graph/dimensions.ts";
import type { Scope } from "../src/graph/scope.ts";
import type { Tensor } from "../src/graph/tensor.ts";
import { createPicture, fillRectangle } from "../src/image/draw.ts";
import type { RawImage } from "../src/image/raw-image.ts";
import type { NativeModel } from "../src/model-folder/model.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import type { Answers, Architecture } from "../src/models/architecture.ts";
import { tensor } from "../src/tensor.ts";

/** What toys see, in pixels, and in cells. */
export const TOY_VIEW = { width: 96, height: 64 } as const;
const COLUMNS = 12;
const ROWS = 8;
const CELL = 8;

export const COLOURS = ["red", "green", "blue"] as const;
export type Colour = (typeof COLOURS)[number];
const RGB: Readonly<Record<Colour, readonly [number, number, number]>> = {
  red: [255, 0, 0],
  green: [0, 255, 0],
  blue: [0, 0, 255],
};

interface ToyConfig {
  readonly num_classes: number;
}

/** How red, green and blue each cell is, above 0 where it is of that colour: (N, cells, 3). */
function cellColours(scope: Scope, image: Tensor): Tensor {
  const n = image.shape[0] as Dim;
  const cells = reduceMean(reshape(image, [n, 3, ROWS, CELL, COLUMNS, CELL]), [3, 5]); // (N, 3, rows, columns)
  const weight = scope.parameter("weight", [3, 3], { kind: "zeros" });
  const colours = reshape(transpose(cells, [0, 2, 3, 1]), [n, ROWS * COLUMNS, 3]);
  return add(matMul(colours, weight), scalar(image.graph, -6));
}

const WEIGHT = tensor(
  "float32",
  [3, 3],
  Float32Array.from({ length: 9 }, (_, i) => (i % 4 === 0 ? 12 : -6)),
);

const asMaps = (colours: Tensor): Tensor => {
  const n = colours.shape[0] as Dim;
  return reshape(transpose(colours, [0, 2, 1]), [n, 3, ROWS, COLUMNS]);
};

const BUILDS = {
  detections(scope: Scope, image: Tensor) {
    const logits = cellColours(scope, image);
    const cells = Array.from({ length: ROWS * COLUMNS }, (_, i) => [
      ((i % COLUMNS) + 0.5) / COLUMNS,
      (Math.floor(i / COLUMNS) + 0.5) / ROWS,
      1 / COLUMNS,
      1 / ROWS,
    ]);
    const boxes = values(image.graph, [1, ROWS * COLUMNS, 4], cells.flat());
    return { logits, boxes: expand(boxes, [image.shape[0] as Dim, ROWS * COLUMNS, 4]) };
  },
  semantic(scope: Scope, image: Tensor) {
    const maps = asMaps(cellColours(scope, image));
    return { logits: concat([mul(slice(maps, 1, 0, 1), 0), maps], 1) }; // what is of no colour is "other"
  },
  queries(scope: Scope, image: Tensor) {
    const maps = asMaps(cellColours(scope, image));
    // A query a colour, and one that finds nothing.
    const classes = [
      [9, 0, 0, 0],
      [0, 9, 0, 0],
      [0, 0, 9, 0],
      [0, 0, 0, 9],
    ];
    const n = image.shape[0] as Dim;
    return {
      class_logits: expand(values(image.graph, [1, 4, 4], classes.flat()), [n, 4, 4]),
      mask_logits: concat([maps, mul(slice(maps, 1, 0, 1), 0)], 1),
    };
  },
} as const satisfies { readonly [A in Answers]?: (scope: Scope, image: Tensor) => Readonly<Record<string, Tensor>> };

/** A toy that answers in one of these ways. @param changes what its architecture says otherwise */
export function denseToy(
  answers: keyof typeof BUILDS,
  changes: Partial<Architecture<ToyConfig>> = {},
  transform = `letterbox(${TOY_VIEW.width},${TOY_VIEW.height},bilinear,0/0/0)`,
): NativeModel {
  const architecture: Architecture<ToyConfig> = {
    name: `toy_${answers}`,
    paper: "https://example.org",
    parseConfig: () => ({ num_classes: 3 }),
    input: () => ({ kind: "image", size: TOY_VIEW, usual: TOY_VIEW }),
    build: BUILDS[answers],
    adoptWeights: (tensors) => tensors,
    transform: () => transform,
    classesField: "num_classes",
    answers: () => answers,
    ...changes,
  };
  const labels = answers === "semantic" ? ["other", ...COLOURS] : [...COLOURS];
  const definition = { architecture: architecture as Architecture<unknown>, config: { num_classes: labels.length } };
  return nativeModel(definition, new Map([["weight", WEIGHT]]), { name: `toy ${answers}`, labels });
}

/** A grey picture with coloured rectangles: left, top, right, bottom. */
export function colouredPicture(
  width: number,
  height: number,
  patches: readonly (readonly [Colour, number, number, number, number])[],
): RawImage {
  const picture = createPicture(width, height, [90, 90, 90]);
  for (const [colour, ...rectangle] of patches) fillRectangle(picture, rectangle, RGB[colour]);
  return picture;
}
