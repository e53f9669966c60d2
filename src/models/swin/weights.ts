// Checkpoints of timm and of microsoft/Swin-Transformer -> timm's names of today, and bias tables of other windows
// (timm/models/swin_transformer.py checkpoint_filter_fn, timm/layers/pos_embed_rel.py resize_rel_pos_bias_table; microsoft/Swin-Transformer, utils.py load_pretrained).
import { resizeTaps } from "../../graph/resize-taps.ts";
import { type TensorData, tensor, toFloat64 } from "../../tensor.ts";
import { type RemapStep, type RenameRule, remap } from "../../weights/remap.ts";
import type { NamedTensors } from "../architecture.ts";
import type { Extent } from "../image-size.ts";
import { type FamilyConfig, stageGeometry } from "./config.ts";
import { CLASSES_22K, classesOf1k } from "./imagenet-22k.ts";

const TABLE = /^layers\.(\d+)\.blocks\.\d+\.attn\.relative_position_bias_table$/;

/** Follow from the configuration, so nobody needs them stored. */
const DERIVED: readonly RenameRule[] = [
  { pattern: /\.(?:relative_position_index|relative_coords_table|attn_mask)$/, to: null },
];

/** In the official repository merging ends a stage; in timm it begins the next one. */
const mergingBeginsStages: RemapStep = (tensors) =>
  new Map(
    [...tensors].map(([name, value]) => [
      name
        .replace(/^layers\.(\d+)\.downsample\./, (_, stage: string) => `layers.${Number(stage) + 1}.downsample.`)
        .replace(/^head\.(weight|bias)$/, "head.fc.$1"),
      value,
    ]),
  );

/**
 * Adopts names, drops what is derived, and resamples to the configured windows and pictures as the loader of whoever wrote the file does: bias tables bicubically
 * if it is official, along a geometric progression if it is timm's. Of an official classifier of ImageNet-22k a model of 1000 classes gets the rows of those.
 */
export function adoptSwinWeights(tensors: NamedTensors, config: FamilyConfig): NamedTensors {
  const isOfficial = tensors.has("head.weight") || tensors.has("layers.0.downsample.reduction.weight");
  const named = remap(tensors, isOfficial ? [DERIVED, mergingBeginsStages] : [DERIVED]);
  const stages = stageGeometry(config);
  const adopted = new Map<string, TensorData>();
  for (const [name, value] of named) {
    const stage = stages[Number(TABLE.exec(name)?.[1] ?? Number.NaN)];
    if (stage !== undefined)
      adopted.set(name, isOfficial ? bicubicBiasTable(value, stage.window) : resampleBiasTable(value, stage.window));
    else if (name === "absolute_pos_embed") adopted.set(name, officialPositions(value, stages[0]!.map));
    else if (isOfficial && /^head\.fc\.(?:weight|bias)$/.test(name))
      adopted.set(name, config.num_classes === IMAGENET_CLASSES ? rowsOf1k(value) : value);
    else adopted.set(name, value);
  }
  return adopted;
}

const IMAGENET_CLASSES = 1000;

/** Rows of a classifier of ImageNet-22k, (21841, …) -> (1000, …); anything else as it is. */
function rowsOf1k(value: TensorData): TensorData {
  const [classes, ...rest] = value.shape;
  if (classes !== CLASSES_22K) return value;
  const width = rest.reduce((product, size) => product * size, 1);
  const all = toFloat64(value);
  const rows = classesOf1k().flatMap((row) => [...all.subarray(row * width, (row + 1) * width)]);
  return tensor("float32", [IMAGENET_CLASSES, ...rest], Float32Array.from(rows));
}

/** table ((2h - 1) * (2w - 1), heads) of a square window -> that of another, as the official load_pretrained has it (utils.py). */
export function bicubicBiasTable(table: TensorData, window: Extent): TensorData {
  const [rows = 0, heads = 0] = table.shape;
  const side = Math.round(Math.sqrt(rows));
  const grid = { height: 2 * window.height - 1, width: 2 * window.width - 1 };
  if (table.shape.length !== 2 || rows === grid.height * grid.width || side * side !== rows) return table;
  return tensor("float32", [grid.height * grid.width, heads], bicubicCells(table, side, heads, grid));
}

/** Positions (1, cells, width) of a square map -> those of another, as the official load_pretrained has it. */
function officialPositions(positions: TensorData, map: Extent): TensorData {
  const [one, cells = 0, width = 0] = positions.shape;
  const side = Math.round(Math.sqrt(cells));
  if (one !== 1 || positions.shape.length !== 3 || cells === map.height * map.width || side * side !== cells)
    return positions;
  return tensor("float32", [1, map.height * map.width, width], bicubicCells(positions, side, width, map));
}

/** Cells of a square, row by row with so many channels each -> those of another grid: PyTorch's interpolate(mode="bicubic"), which does not antialias. */
function bicubicCells(square: TensorData, side: number, channels: number, grid: Extent): Float32Array {
  const values = toFloat64(square);
  const down = resizeTaps(side, grid.height, "cubic", false);
  const across = resizeTaps(side, grid.width, "cubic", false);
  const out = new Float32Array(grid.height * grid.width * channels);
  let at = 0;
  for (const rows of down)
    for (const columns of across)
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (const { cell: y, share: tall } of rows)
          for (const { cell: x, share: wide } of columns)
            sum += tall * wide * values[(y * side + x) * channels + channel]!;
        out[at++] = sum;
      }
  return out;
}

/**
 * table ((2h - 1) * (2w - 1), heads) of a square window -> that of another. Near cells get finer steps than far ones: the old distances are
 * taken to be those of a geometric progression that ends where the new ones do, and values between them are interpolated linearly. A table
 * of the right size, or of a window that is no square, is given back as it is.
 */
export function resampleBiasTable(table: TensorData, window: Extent): TensorData {
  const [rows = 0, heads = 0] = table.shape;
  const height = 2 * window.height - 1;
  const width = 2 * window.width - 1;
  const side = Math.round(Math.sqrt(rows));
  if (table.shape.length !== 2 || rows === height * width || side * side !== rows || side % 2 === 0) return table;
  const values = toFloat64(table);
  const down = readingPoints(side, height);
  const across = readingPoints(side, width);
  const out = new Float32Array(height * width * heads);
  down.forEach((y, i) => {
    across.forEach((x, j) => {
      for (let head = 0; head < heads; head++) {
        const at = (row: number, column: number) => values[(row * side + column) * heads + head]!;
        const left = at(y.low, x.low) * (1 - y.part) + at(y.high, x.low) * y.part;
        const right = at(y.low, x.high) * (1 - y.part) + at(y.high, x.high) * y.part;
        out[(i * width + j) * heads + head] = left * (1 - x.part) + right * x.part;
      }
    });
  });
  return tensor("float32", [height * width, heads], out);
}

/** For each new distance: the old ones around it, and how far it is on the way from the lower to the higher. */
function readingPoints(size: number, newSize: number): { low: number; high: number; part: number }[] {
  const half = Math.floor(size / 2);
  const reach = Math.floor(newSize / 2);
  const steps = progression(half, reach);
  const positions = [...steps.map((step) => -step).reverse(), 0, ...steps]; // one an old row
  return Array.from({ length: newSize }, (_, i) => {
    const distance = i - reach;
    const above = positions.findIndex((position) => position >= distance);
    const high = above < 0 ? size - 1 : above;
    const low = Math.max(high - 1, 0);
    // Beyond either end the end itself is read.
    const span = positions[high]! - positions[low]!;
    const part = span === 0 ? 0 : Math.min(Math.max((distance - positions[low]!) / span, 0), 1);
    return { low, high, part };
  });
}

/** 1, 1 + q, 1 + q + q^2, …: `count` of them, q between 1.01 and 1.5 so that the sum ends near `reach`. */
function progression(count: number, reach: number): number[] {
  let low = 1.01;
  let high = 1.5;
  let q = high;
  while (high - low > 1e-6) {
    q = (low + high) / 2;
    if ((1 - q ** count) / (1 - q) > reach) high = q;
    else low = q;
  }
  const positions: number[] = [];
  for (let i = 0, sum = 1; i < count; i++, sum += q ** i) positions.push(sum);
  return positions;
}
