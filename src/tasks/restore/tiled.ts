// A picture through a model that takes pictures of one size: tile by tile, a row of tiles at a time, so that beside the picture and the result there is never more in memory
// than one row and one tile, however large the picture is.
import { SessionError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import type { TensorData } from "../../tensor.ts";
import { toFloat32 } from "../../tensor.ts";
import { type AxisTile, axisTiles } from "./tiles.ts";

/** Mean and deviation of red, green and blue, of values 0 to 1. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export interface TiledOptions {
  /** Pixels of a tile. */
  readonly tile: { readonly width: number; readonly height: number };
  /** Pixels that neighbours share. */
  readonly overlap: number;
  readonly normalization: Normalization;
  /** (1, 3, height, width) of a tile, normalised -> (1, 3, height, width), 0 to 1. */
  run(tile: Float32Array): Promise<TensorData>;
  /** Called after each tile. */
  onTile?(done: number, all: number): void;
}

/** How many tiles a picture takes. */
export function countTiles(
  picture: Pick<RawImage, "width" | "height">,
  { tile, overlap }: Pick<TiledOptions, "tile" | "overlap">,
): number {
  return axisTiles(picture.width, tile.width, overlap).length * axisTiles(picture.height, tile.height, overlap).length;
}

/** The restored picture, of the same size. @throws SessionError for a model that gives something else than a picture of the tile's size, or numbers that are not finite */
export async function restoreTiled(picture: RawImage, options: TiledOptions): Promise<RawImage> {
  const { tile, overlap, onTile } = options;
  const { width, height } = picture;
  const columns = axisTiles(width, tile.width, overlap);
  const rows = axisTiles(height, tile.height, overlap);
  const data = new Uint8Array(width * height * 3);
  // Sums of what tiles say of the rows that are not finished, in a ring of as many rows as a tile has.
  const sums = new Float32Array(tile.height * width * 3);
  const values = new Float32Array(3 * tile.width * tile.height);
  let done = 0;
  for (const [i, row] of rows.entries()) {
    for (const column of columns) {
      readTile(picture, { x: column.at, y: row.at }, options, values);
      const restored = await options.run(values);
      addTile(sums, width, row, column, pictureOf(restored, tile));
      onTile?.(++done, rows.length * columns.length);
    }
    const until = Math.min(height, rows[i + 1]?.at ?? height);
    for (let y = row.at; y < until; y++) {
      const ring = (y % tile.height) * width * 3;
      for (let x = 0; x < width * 3; x++)
        data[y * width * 3 + x] = Math.round(255 * Math.min(1, Math.max(0, sums[ring + x]!)));
      sums.fill(0, ring, ring + width * 3);
    }
  }
  return { width, height, data };
}

/** Normalised values of a tile, plane by plane; beyond the picture its mirror image. */
function readTile(
  { width, height, data }: RawImage,
  at: { readonly x: number; readonly y: number },
  { tile, normalization: { mean, std } }: TiledOptions,
  out: Float32Array,
): void {
  const plane = tile.width * tile.height;
  const scale = std.map((deviation) => 1 / (255 * deviation));
  const shift = mean.map((value, channel) => -value / std[channel]!);
  const columns = Int32Array.from({ length: tile.width }, (_, x) => 3 * mirrored(at.x + x, width));
  for (let y = 0; y < tile.height; y++) {
    const start = 3 * width * mirrored(at.y + y, height);
    for (let x = 0; x < tile.width; x++)
      for (let channel = 0; channel < 3; channel++)
        out[channel * plane + y * tile.width + x] =
          data[start + columns[x]! + channel]! * scale[channel]! + shift[channel]!;
  }
}

/** The place within 0 to size - 1 at which the mirror image of a line of pixels has what would be at `place`; the pixels at the ends come once. */
function mirrored(place: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const within = place % period;
  return within < size ? within : period - within;
}

/** Adds a tile's shares to the ring of rows. */
function addTile(sums: Float32Array, width: number, row: AxisTile, column: AxisTile, values: Float32Array): void {
  const [tall, wide] = [row.shares.length, column.shares.length];
  const plane = tall * wide;
  for (let y = 0; y < tall; y++) {
    const ofRow = row.shares[y]!;
    if (ofRow === 0) continue;
    const ring = ((row.at + y) % tall) * width;
    for (let x = 0; x < wide; x++) {
      const share = ofRow * column.shares[x]!;
      if (share === 0) continue;
      const to = 3 * (ring + column.at + x);
      for (let channel = 0; channel < 3; channel++)
        sums[to + channel]! += share * values[channel * plane + y * wide + x]!;
    }
  }
}

function pictureOf(restored: TensorData, { width, height }: TiledOptions["tile"]): Float32Array {
  if (restored.shape.join() !== [1, 3, height, width].join())
    throw new SessionError(
      `the model gave ${restored.shape.join(" x ")} numbers for a tile of ${width} x ${height}, which is no picture of its size`,
    );
  const values = toFloat32(restored);
  if (values.every(Number.isFinite)) return values;
  throw new SessionError("the model's picture is not all finite numbers", {
    hint: "its weights or its arithmetic are damaged: saccade inspect MODEL --check names the first place",
  });
}
