// The two ways of a model that glances and focuses to see a picture: the whole of it, shrunken, and patches of it at full resolution, cut out inside the graph so that an
// exported file needs no code beside it. Of pictures that come as bytes only what is seen becomes numbers. Reproduces utils.py get_prime and
// get_patch of blackfeather-wang/GFNet-Pytorch.
import {
  add,
  cast,
  concat,
  expandDims,
  floor,
  gather,
  iota,
  matMul,
  mul,
  reshape,
  resize,
  slice,
  transpose,
  values,
  wholes,
} from "../graph/build.ts";
import type { Dim } from "../graph/dimensions.ts";
import { multiplyDims, sizeOf } from "../graph/dimensions.ts";
import { resizeTaps } from "../graph/resize-taps.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { normalizedPlanes, type Pictures, type Pixels } from "./pixels.ts";

/** (batch, 3, [frames,] H, W) or bytes -> (batch, 3 [* frames], size, size), corners on corners. */
export function shrink(pictures: Pictures, size: number, interpolation: "bicubic" | "bilinear"): Tensor {
  const mode = interpolation === "bicubic" ? "cubic" : "linear";
  return "bytes" in pictures ? shrinkBytes(pictures, size, mode) : resize(planesOf(pictures), [size, size], mode, true);
}

/** The frames of a clip are seen as its colours are: all at once, in the same place. */
function planesOf(image: Tensor): Tensor {
  const [batch, channels, frames, height, width] = image.shape as [Dim, number, number, Dim, Dim];
  return image.shape.length === 4 ? image : reshape(image, [batch, channels * frames, height, width]);
}

/**
 * Rows first, red, green and blue beside each other as they come, and only what is left of it is rearranged. Resizing and normalising may change
 * places, because shares sum to one, and the shrunken picture is the smaller one.
 */
function shrinkBytes(pictures: Pixels, size: number, mode: "cubic" | "linear"): Tensor {
  const { bytes } = pictures;
  const { graph } = bytes;
  const [batch, width] = [bytes.shape[0]!, pictures.width as number];
  const rows = reshape(shrinkRows(pictures, size, mode), [batch, size, width, 3]);
  const planes = transpose(rows, [0, 3, 1, 2]); // (batch, 3, size, width)
  return normalizedPlanes(matMul(planes, shares(graph, width, size, mode), { transposeB: true }), pictures);
}

/** New rows that are made together: as many as a matrix product likes, of few old ones. Divides the sizes of all released configurations. */
const ROWS_TOGETHER = 16;

/**
 * Fewer rows -> float32 (batch, size, 3 * width). A new row is made of four old ones at most, so the old rows of a few new ones are taken out as
 * bytes and the others never become numbers: of a picture of 2048 px, four fifths.
 */
function shrinkRows({ bytes, height: rows, width: columns }: Pixels, size: number, mode: "cubic" | "linear"): Tensor {
  const [batch, height, line] = [bytes.shape[0]!, rows as number, 3 * (columns as number)];
  const { graph } = bytes;
  const lines = reshape(bytes, [batch, height, line]);
  const { groups, cells, matrix } = groupedShares(height, size, mode);
  const count = cells.length / groups;
  const taken = reshape(cast(gather(lines, wholes(graph, cells), 1), "float32"), [batch, groups, count, line]);
  const made = reshape(matMul(values(graph, [groups, ROWS_TOGETHER, count], matrix), taken), [
    batch,
    groups * ROWS_TOGETHER,
    line,
  ]);
  return groups * ROWS_TOGETHER === size ? made : slice(made, 1, 0, size);
}

/** For each group of new rows which old ones, as many for each, and how much of them each new row is: (groups, ROWS_TOGETHER, count). */
function groupedShares(size: number, newSize: number, mode: "cubic" | "linear") {
  const taps = resizeTaps(size, newSize, mode, true);
  const groups = Math.ceil(newSize / ROWS_TOGETHER);
  const members = Array.from({ length: groups }, (_, g) => taps.slice(g * ROWS_TOGETHER, (g + 1) * ROWS_TOGETHER));
  const cellsOf = members.map((rows) => [...new Set(rows.flatMap((row) => row.map(({ cell }) => cell)))]);
  const count = Math.max(...cellsOf.map(({ length }) => length));
  const matrix = new Float64Array(groups * ROWS_TOGETHER * count);
  for (const [g, rows] of members.entries())
    for (const [r, row] of rows.entries())
      for (const { cell, share } of row) matrix[(g * ROWS_TOGETHER + r) * count + cellsOf[g]!.indexOf(cell)]! += share;
  // Groups with fewer rows are filled up with one that has no share.
  const cells = cellsOf.flatMap((own) => Array.from({ length: count }, (_, i) => own[i] ?? own[0]!));
  return { groups, cells, matrix };
}

/** (new size, size): how much of each old column each new one is, corners on corners. */
function shares(graph: Graph, size: number, newSize: number, mode: "cubic" | "linear"): Tensor {
  const matrix = new Float64Array(newSize * size);
  for (const [i, taps] of resizeTaps(size, newSize, mode, true).entries())
    for (const { cell, share } of taps) matrix[i * size + cell]! += share;
  return values(graph, [newSize, size], matrix);
}

export interface Patch {
  /** (batch, 3 [* frames], size, size) */
  readonly pixels: Tensor;
  /** (batch, 4): x1, y1, x2, y2 in 0..1 of the picture, on its pixels' borders. */
  readonly region: Tensor;
}

/**
 * pictures (batch, 3, [frames,] H, W) or bytes, action (batch, 2): row and column in 0..1 of the room that a patch has; it begins at
 * floor(action * room).
 */
export function cutPatch(pictures: Pictures, action: Tensor, size: number): Patch {
  const [height, width] = ("bytes" in pictures ? [pictures.height, pictures.width] : pictures.shape.slice(-2)) as [
    number,
    number,
  ];
  const top = floor(mul(slice(action, 1, 0, 1), height - size)); // (batch, 1)
  const left = floor(mul(slice(action, 1, 1, 2), width - size));
  const corner = { row: top, column: left };
  const pixels = "bytes" in pictures ? cutBytes(pictures, corner, size) : cutPlanes(planesOf(pictures), corner, size);
  const part = (x: Tensor, of: number) => mul(x, 1 / of);
  const region = concat(
    [part(left, width), part(top, height), part(add(left, size), width), part(add(top, size), height)],
    1,
  );
  return { pixels, region };
}

/** A patch of a clip as others say where they looked: a tube through all frames. */
export interface Tube {
  /** (clips, 1, 6): x1, y1, t1, x2, y2, t2, in 0..1 of the clip. */
  readonly regions: Tensor;
  /** (clips, 1, 1, 3): its middle. */
  readonly points: Tensor;
}

/** region (clips, 4), the same in all frames. */
export function tubeOf(region: Tensor): Tube {
  const [near, far] = [slice(region, 1, 0, 2), slice(region, 1, 2, 4)]; // (clips, 2) each
  const start = mul(slice(region, 1, 0, 1), 0); // (clips, 1)
  const middle = concat([mul(add(near, far), 0.5), add(start, 0.5)], 1);
  return {
    regions: expandDims(concat([near, start, far, add(start, 1)], 1), 1),
    points: expandDims(expandDims(middle, 1), 1),
  };
}

/** Where patches begin, whole numbers (batch, 1) each. */
interface Corner {
  readonly row: Tensor;
  readonly column: Tensor;
}

/** image (batch, channels, H, W) -> (batch, channels, size, size) */
function cutPlanes(image: Tensor, corner: Corner, size: number): Tensor {
  const [batch, channels, height, width] = image.shape as [Dim, number, number, number];
  const { graph } = image;
  // Positions in the picture laid flat: one index a pixel. Sums stay small until the last one.
  const dtype = indexType(image);
  const count = (length: Dim) => cast(iota(graph, length, "int64"), dtype);
  const items = expandDims(count(batch), 1); // (batch, 1)
  const row = add(expandDims(cast(corner.row, dtype), 2), reshape(count(size), [1, 1, size])); // (batch, 1, size)
  const planes = add(mul(items, channels), reshape(count(channels), [1, channels])); // (batch, 3)
  const lines = mul(add(mul(expandDims(planes, 2), height), row), width); // (batch, 3, size)
  const column = add(cast(corner.column, dtype), reshape(count(size), [1, size])); // (batch, size)
  const places = add(expandDims(lines, 3), reshape(column, [batch, 1, 1, size])); // (batch, 3, size, size)
  return gather(reshape(image, [sizeOf(image.shape)]), cast(places, "int64"), 0);
}

/** WebGPU reckons in 32 bits, and elsewhere 64 cost nothing more: in 32 where a batch is known to be small enough, as in training. */
function indexType(image: Tensor): "int32" | "int64" {
  const size = image.shape.reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : Infinity), 1);
  return size < 2 ** 31 ? "int32" : "int64";
}

/** A gathered item is a pixel, red green blue; only the patch is rearranged and normalised. -> (batch, 3, size, size) */
function cutBytes(pictures: Pixels, corner: Corner, size: number): Tensor {
  const { bytes, height, width } = pictures;
  const { graph } = bytes;
  const batch = bytes.shape[0]!;
  const along = reshape(iota(graph, size, "int64"), [1, size]);
  const first = expandDims(mul(iota(graph, batch, "int64"), height as number), 1); // (batch, 1): each picture's first line
  const [row, column] = [cast(corner.row, "int64"), cast(corner.column, "int64")];
  const lines = mul(add(first, add(row, along)), width as number); // (batch, size)
  const places = add(expandDims(lines, 2), expandDims(add(column, along), 1)); // (batch, size, size)
  const flat = reshape(bytes, [multiplyDims(multiplyDims(batch, height), width), 3]);
  const patch = gather(flat, places, 0); // (batch, size, size, 3)
  return normalizedPlanes(transpose(patch, [0, 3, 1, 2]), pictures);
}
