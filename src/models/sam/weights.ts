// The image encoder out of official files of whole SAMs, and positions for pictures of another size than the one it was trained for.
import { resizeTaps } from "../../graph/resize-taps.ts";
import { type TensorData, tensor, toFloat64 } from "../../tensor.ts";
import type { NamedTensors } from "../architecture.ts";
import { gridOf } from "../image-size.ts";
import { resamplePositions } from "../positions.ts";
import type { SamConfig } from "./config.ts";

/** What the encoder's names begin with in files that hold the prompt encoder and the mask decoder too. */
const PREFIX = "image_encoder.";

const TABLE = /^blocks\.(\d+)\.attn\.rel_pos_([hw])$/;

/** Only the encoder's tensors, under its own names, as they are needed for the configured size. */
export function adoptSamWeights(tensors: NamedTensors, config: SamConfig): NamedTensors {
  const isWhole = [...tensors.keys()].some((name) => name.startsWith(PREFIX));
  const own = isWhole ? [...tensors].filter(([name]) => name.startsWith(PREFIX)) : [...tensors];
  const { height, width } = gridOf(config.img_size, config.patch_size);
  const isGlobal = (block: number) => config.window_size === 0 || config.global_attn_indexes.includes(block);
  return new Map(
    own.map(([long, value]): [string, TensorData] => {
      const name = isWhole ? long.slice(PREFIX.length) : long;
      if (name === "pos_embed") return [name, resampleMap(value, { height, width })];
      const [, block, axis] = TABLE.exec(name) ?? [];
      if (block === undefined || !isGlobal(Number(block))) return [name, value];
      return [name, resampleTable(value, 2 * (axis === "h" ? height : width) - 1)];
    }),
  );
}

/** (1, rows, columns, width) of a square map -> the same for another. */
function resampleMap(value: TensorData, grid: { readonly height: number; readonly width: number }): TensorData {
  const [one, rows, columns, width] = value.shape;
  if (
    value.shape.length !== 4 ||
    rows === undefined ||
    columns === undefined ||
    width === undefined ||
    rows !== columns
  )
    return value;
  const table = { ...value, shape: [one!, rows * columns, width] } as TensorData;
  const resampled = resamplePositions(table, 0, grid);
  return resampled === table ? value : { ...resampled, shape: [1, grid.height, grid.width, width] };
}

/** (old, width), a vector a distance -> (count, width), linearly interpolated as the official code does at run time (get_rel_pos). */
function resampleTable(value: TensorData, count: number): TensorData {
  const [old, width] = value.shape;
  if (value.shape.length !== 2 || old === undefined || width === undefined || old === count || old % 2 === 0)
    return value;
  const from = toFloat64(value);
  const out = new Float32Array(count * width);
  resizeTaps(old, count, "linear", false).forEach((taps, row) => {
    for (const { cell, share } of taps)
      for (let i = 0; i < width; i++) out[row * width + i]! += share * from[cell * width + i]!;
  });
  return tensor("float32", [count, width], out);
}
