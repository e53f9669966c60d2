// Official SparseFormer checkpoints of every release -> the names and shapes of one configuration: first-release and bootstrapped names,
// image weights for the video model (inflation, media.py load_2d_state_dict), and another number of tokens for models that share one token.
import type { TensorData } from "../../tensor.ts";
import { tensor, toFloat32 } from "../../tensor.ts";
import { toCurrentSparseFormerNames } from "../../weights/sparseformer-names.ts";
import type { NamedTensors } from "../architecture.ts";
import type { MediaSparseformerConfig, SparseformerConfig } from "./config.ts";
import { gridRegions, inflateRegions } from "./regions.ts";

/** Today's names; regions remade when the configuration asks for another number of tokens than a shared-token checkpoint has. */
export function adoptSparseformerWeights(tensors: NamedTensors, config: SparseformerConfig): NamedTensors {
  const named = new Map(toCurrentSparseFormerNames(tensors));
  const regions = named.get("initial_roi.weight");
  const tokens = config.num_latent_tokens;
  if (config.same_token_embedding && regions !== undefined && regions.shape[1] === 4 && regions.shape[0] !== tokens)
    named.set("initial_roi.weight", tensor("float32", [tokens, 4], gridRegions(tokens)));
  return named;
}

/** Whether tensors under today's names are an image model's: its first convolution has no extent in time. */
export function isOfPictures(tensors: NamedTensors): boolean {
  return tensors.get("feat_extractor.conv1.weight")?.shape.length === 4;
}

/** As above, and image weights are inflated: a copy of the tokens for each slice of time, still offsets and adjustments along time. */
export function adoptMediaWeights(tensors: NamedTensors, config: MediaSparseformerConfig): NamedTensors {
  const named = adoptSparseformerWeights(tensors, config);
  if (!isOfPictures(named)) return named;
  return new Map([...named].map(([name, value]) => [name, inflate(name, value, config.replicates)]));
}

function inflate(name: string, value: TensorData, replicates: number): TensorData {
  const data = () => toFloat32(value);
  const [rows = 0, columns = 1] = value.shape;
  if (/^feat_extractor\.(conv1|blocks\.\d+\.conv\d+)\.weight$/.test(name) && value.shape.length === 4)
    return { ...value, shape: [...value.shape.slice(0, 2), 1, ...value.shape.slice(2)] };
  if (name === "initial_roi.weight")
    return tensor("float32", [rows * replicates, 6], inflateRegions(data(), replicates));
  if (name === "initial_embedding.weight" && rows > 1) {
    const repeated = new Float32Array(rows * columns * replicates);
    for (let r = 0; r < replicates; r++) repeated.set(data(), r * rows * columns);
    return tensor("float32", [rows * replicates, columns], repeated);
  }
  if (/roi_offset_bias$/.test(name)) return insertZeroRows(data(), [3 * (rows / 2)], 1, 2);
  if (/roi_offset_module\.\d+\.weight$/.test(name) && value.shape.length === 2)
    return insertZeroRows(data(), [3 * (rows / 2), columns], columns, 2);
  // (x, y, log w, log h) rows: a zero row after each pair. Only the last layer has so few rows.
  if (/roi_adjust_module\.\d+\.weight$/.test(name) && value.shape.length === 2 && rows === 4)
    return insertZeroRows(data(), [6, columns], columns, 2);
  return value;
}

/** A row of zeros after every `group` rows of `width` values. */
function insertZeroRows(data: Float32Array, shape: readonly number[], width: number, group: number): TensorData {
  const chunk = group * width;
  const out = new Float32Array((data.length / group) * (group + 1));
  for (let i = 0; i * chunk < data.length; i++) out.set(data.subarray(i * chunk, (i + 1) * chunk), i * (chunk + width));
  return tensor("float32", shape, out);
}
