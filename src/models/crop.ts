// The two ways of a model that glances and focuses to see a picture: the whole of it, shrunken, and patches of it at full resolution, cut out inside the graph so that an
// exported file needs no code beside it. Of pictures that come as bytes only what is seen becomes numbers. Reproduces utils.py get_prime and
// get_patch of blackfeather-wang/GFNet-Pytorch, and dynamic_deitS.py get_img_patches of LeapLabTHU/AdaptiveNN (patches between pixels).
import {
  add,
  and,
  cast,
  concat,
  expandDims,
  floor,
  gather,
  greaterOrEqual,
  iota,
  less,
  matMul,
  maximum,
  minimum,
  mul,
  reshape,
  resize,
  slice,
  sub,
  transpose,
  values,
  wholes,
} from "../graph/build.ts";
import type { Dim } from "../graph/dimensions.ts";
import { multiplyDims, sizeOf } from "../graph/dimensions.ts";
import { resizeTaps } from "../graph/resize-taps.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { normalizedPlanes, type Pictures, type Pixels } from "./pixels.ts";

/** How the whole picture is shrunk, without antialiasing. */
export interface Shrinking {
  readonly interpolation: "bicubic" | "bilinear";
  /** Whether corners come to lie on corners; else pixels are areas, and edges lie on edges. */
  readonly alignCorners: boolean;
}

/** (batch, 3, [frames,] H, W) or bytes -> (batch, 3 [* frames], size, size) */
export function shrink(pictures: Pictures, size: number, { interpolation, alignCorners }: Shrinking): Tensor {
  const how: Resizing = { mode: interpolation === "bicubic" ? "cubic" : "linear", alignCorners };
  return "bytes" in pictures
    ? shrinkBytes(pictures, size, how)
    : resize(planesOf(pictures), [size, size], how.mode, alignCorners);
}

interface Resizing {
  readonly mode: "cubic" | "linear";
  readonly alignCorners: boolean;
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
function shrinkBytes(pictures: Pixels, size: number, how: Resizing): Tensor {
  const { bytes } = pictures;
  const { graph } = bytes;
  const [batch, width] = [bytes.shape[0]!, pictures.width as number];
  const rows = reshape(shrinkRows(pictures, size, how), [batch, size, width, 3]);
  const planes = transpose(rows, [0, 3, 1, 2]); // (batch, 3, size, width)
  return normalizedPlanes(matMul(planes, shares(graph, width, size, how), { transposeB: true }), pictures);
}

/** New rows that are made together: as many as a matrix product likes, of few old ones. Divides the sizes of all released configurations. */
const ROWS_TOGETHER = 16;

/**
 * Fewer rows -> float32 (batch, size, 3 * width). A new row is made of four old ones at most, so the old rows of a few new ones are taken out as
 * bytes and the others never become numbers: of a picture of 2048 px, four fifths.
 */
function shrinkRows({ bytes, height: rows, width: columns }: Pixels, size: number, how: Resizing): Tensor {
  const [batch, height, line] = [bytes.shape[0]!, rows as number, 3 * (columns as number)];
  const { graph } = bytes;
  const lines = reshape(bytes, [batch, height, line]);
  const { groups, cells, matrix } = groupedShares(height, size, how);
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
function groupedShares(size: number, newSize: number, { mode, alignCorners }: Resizing) {
  const taps = resizeTaps(size, newSize, mode, alignCorners);
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

/** (new size, size): how much of each old column each new one is. */
function shares(graph: Graph, size: number, newSize: number, { mode, alignCorners }: Resizing): Tensor {
  const matrix = new Float64Array(newSize * size);
  for (const [i, taps] of resizeTaps(size, newSize, mode, alignCorners).entries())
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
  const { top, left } = cornerOf(pictures, action, size);
  const corner = { top: floor(top), left: floor(left) };
  const at = (first: Tensor): Along => ({ first, count: size });
  return { pixels: cut(pictures, at(corner.top), at(corner.left)), region: regionOf(pictures, corner, size) };
}

/**
 * The same between pixels: a patch begins at action * room, never rounded, and is read by bicubic interpolation, as PyTorch's grid_sample has it
 * (a = -0.75, align_corners false). What lies outside of the picture is zero, so patches darken at its edges.
 */
export function readPatch(pictures: Pictures, action: Tensor, size: number): Patch {
  const corner = cornerOf(pictures, action, size);
  const { height, width } = extentOf(pictures);
  // Pixels of a patch are as far apart as those of the picture: all of them lie the same way between these, and four of each row make one.
  const rows = bicubicBand(corner.top, size, height);
  const columns = bicubicBand(corner.left, size, width);
  const window = cut(pictures, rows.along, columns.along); // (batch, 3, size + 3, size + 3)
  const down = matMul(expandDims(rows.band, 1), window); // (batch, 3, size, size + 3)
  const pixels = matMul(down, expandDims(columns.band, 1), { transposeB: true });
  return { pixels, region: regionOf(pictures, corner, size) };
}

/** Where patches begin, (batch, 1) each, in pixels. */
interface Corner {
  readonly top: Tensor;
  readonly left: Tensor;
}

function extentOf(pictures: Pictures): { readonly height: number; readonly width: number } {
  const [height, width] = "bytes" in pictures ? [pictures.height, pictures.width] : pictures.shape.slice(-2);
  return { height: height as number, width: width as number };
}

function cornerOf(pictures: Pictures, action: Tensor, size: number): Corner {
  const { height, width } = extentOf(pictures);
  return { top: mul(slice(action, 1, 0, 1), height - size), left: mul(slice(action, 1, 1, 2), width - size) };
}

function regionOf(pictures: Pictures, { top, left }: Corner, size: number): Tensor {
  const { height, width } = extentOf(pictures);
  const part = (x: Tensor, of: number) => mul(x, 1 / of);
  return concat([part(left, width), part(top, height), part(add(left, size), width), part(add(top, size), height)], 1);
}

/** Neighbours that a place between pixels is made of, and where they are from the pixel at or before it. */
const TAPS = [-1, 0, 1, 2] as const;

/**
 * How `size` places in a row, the first at `start` (batch, 1), are made of a picture's `extent` cells: `band` (batch, size, size + 3) of the cells
 * `along`. Cells outside have no share.
 */
function bicubicBand(start: Tensor, size: number, extent: number): { readonly band: Tensor; readonly along: Along } {
  const { graph } = start;
  const batch = start.shape[0]!;
  const count = size + TAPS.length - 1;
  const low = floor(start);
  const after = sub(start, low); // 0..1 behind the pixel before
  const near = (d: Tensor) => add(mul(mul(sub(mul(d, A + 2), A + 3), d), d), 1);
  const far = (d: Tensor) => sub(mul(add(mul(sub(mul(d, A), 5 * A), d), 8 * A), d), 4 * A);
  const shares = concat([far(add(after, 1)), near(after), near(sub(1, after)), far(sub(2, after))], 1); // (batch, 4)
  const diagonals = new Float32Array(TAPS.length * size * count);
  for (const tap of TAPS.keys()) for (let i = 0; i < size; i++) diagonals[(tap * size + i) * count + i + tap] = 1;
  const spread = matMul(shares, values(graph, [TAPS.length, size * count], diagonals));
  const first = add(low, TAPS[0]); // (batch, 1)
  const cells = add(first, reshape(iota(graph, count), [1, count])); // (batch, size + 3)
  const inside = cast(and(greaterOrEqual(cells, 0), less(cells, extent)), "float32");
  const band = mul(reshape(spread, [batch, size, count]), expandDims(inside, 1));
  return { band, along: { first, count, within: extent } };
}

/** Keys' cubic convolution as PyTorch has it. */
const A = -0.75;

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

/** Cells of a row or column that are taken together. */
interface Along {
  /** The first one's number, whole, (batch, 1). */
  readonly first: Tensor;
  readonly count: number;
  /** How many there are, where some of those wanted may lie outside: the nearest that there is stands for them. */
  readonly within?: number;
}

/** -> (batch, count) of a whole number's dtype */
function cellsOf({ first, count, within }: Along, dtype: "int32" | "int64"): Tensor {
  const steps = cast(iota(first.graph, count, "int64"), dtype);
  const cells = add(cast(first, dtype), reshape(steps, [1, count]));
  return within === undefined ? cells : maximum(minimum(cells, within - 1), 0);
}

function cut(pictures: Pictures, rows: Along, columns: Along): Tensor {
  return "bytes" in pictures ? cutBytes(pictures, rows, columns) : cutPlanes(planesOf(pictures), rows, columns);
}

/** image (batch, channels, H, W) -> (batch, channels, rows, columns) */
function cutPlanes(image: Tensor, rows: Along, columns: Along): Tensor {
  const [batch, channels, height, width] = image.shape as [Dim, number, number, number];
  const { graph } = image;
  // Positions in the picture laid flat: one index a pixel. Sums stay small until the last one.
  const dtype = indexType(image);
  const number = (length: Dim) => cast(iota(graph, length, "int64"), dtype);
  const items = expandDims(number(batch), 1); // (batch, 1)
  const row = expandDims(cellsOf(rows, dtype), 1); // (batch, 1, rows)
  const planes = add(mul(items, channels), reshape(number(channels), [1, channels])); // (batch, 3)
  const lines = mul(add(mul(expandDims(planes, 2), height), row), width); // (batch, 3, rows)
  const column = reshape(cellsOf(columns, dtype), [batch, 1, 1, columns.count]);
  const places = add(expandDims(lines, 3), column); // (batch, 3, rows, columns)
  return gather(reshape(image, [sizeOf(image.shape)]), cast(places, "int64"), 0);
}

/** WebGPU reckons in 32 bits, and elsewhere 64 cost nothing more: in 32 where a batch is known to be small enough, as in training. */
function indexType(image: Tensor): "int32" | "int64" {
  const size = image.shape.reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : Infinity), 1);
  return size < 2 ** 31 ? "int32" : "int64";
}

/** A gathered item is a pixel, red green blue; only the patch is rearranged and normalised. -> (batch, 3, rows, columns) */
function cutBytes(pictures: Pixels, rows: Along, columns: Along): Tensor {
  const { bytes, height, width } = pictures;
  const { graph } = bytes;
  const batch = bytes.shape[0]!;
  const first = expandDims(mul(iota(graph, batch, "int64"), height as number), 1); // (batch, 1): each picture's first line
  const lines = mul(add(first, cellsOf(rows, "int64")), width as number); // (batch, rows)
  const places = add(expandDims(lines, 2), expandDims(cellsOf(columns, "int64"), 1)); // (batch, rows, columns)
  const flat = reshape(bytes, [multiplyDims(multiplyDims(batch, height), width), 3]);
  const patch = gather(flat, places, 0); // (batch, rows, columns, 3)
  return normalizedPlanes(transpose(patch, [0, 3, 1, 2]), pictures);
}
