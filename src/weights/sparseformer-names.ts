// Names that official SparseFormer checkpoints have used -> the names of today's model.
// Reproduces sparseformer/sparseformer/ckpt_utils.py of https://github.com/showlab/sparseformer (convert_ckpt_v1_to_v2,
// convert_ckpt_btsp_to_v2), with two differences. Its head names are those of an intermediate release (`head.norm`, `head.classifier`),
// while today's modeling.py has `norm` and `proj`. And it deletes `stage_embedding` everywhere, while bootstrapped models use theirs.
import { FormatError } from "../errors.ts";
import {
  allocate,
  type DType,
  numberToBfloat16,
  numberToHalf,
  type TensorData,
  type TypedArrayOf,
  toFloat64,
} from "../tensor.ts";
import { type NamedTensors, type RenameRule, remap, renameOne } from "./remap.ts";

const CENTRES = "token_roi_cc.weight";
const SIZES = "token_roi_wh.weight";
const CORTEX_BLOCK = /^blocks\.(\d+)\./;

const RENAMES: readonly RenameRule[] = [
  { pattern: /tuo_proj/, to: "out_proj" },
  { pattern: /token_roi\.weight/, to: "initial_roi.weight" },
  { pattern: /token_embedding\.weight/, to: "initial_embedding.weight" },
  { pattern: /ffn\.0\./, to: "norm2." },
  { pattern: /ln_attn\./, to: "norm1." },
  { pattern: /ffn\.1\./, to: "mlp.fc1." },
  { pattern: /ffn\.3\./, to: "mlp.fc2." },
  { pattern: /attn\.in_proj_/, to: "attn.qkv." },
  { pattern: /attn\.out_proj\./, to: "attn.proj." },
  { pattern: /ln_post\./, to: "norm." },
  { pattern: /head\.norm\./, to: "norm." },
  { pattern: /global_embedding/, to: "cls_embedding" },
  { pattern: /cls_head/, to: "proj" },
  { pattern: /head\.classifier/, to: "proj" },
  { pattern: /global_roi/, to: null },
];
const FIRST_RELEASE_RULES: readonly RenameRule[] = [...RENAMES, { pattern: /stage_embedding/, to: null }];

/**
 * Brings official checkpoints to today's names, whichever release they are from; it sees that by the names. Today's names are returned as
 * they are, the same map. Bootstrapped regions, stored as centre and size (tokens, 2) each, become corners (tokens, 4).
 * @throws FormatError when the regions' shapes do not fit, or two tensors end up under one name.
 */
export function toCurrentSparseFormerNames(tensors: NamedTensors): NamedTensors {
  if (tensors.has(CENTRES) || tensors.has(SIZES)) return remap(tensors, [RENAMES, joinRegions, appendCortex]);
  // The first release alone had its regions under this name, and its stage embeddings were never used.
  if (tensors.has("token_roi.weight")) return remap(tensors, [FIRST_RELEASE_RULES]);
  const isCurrent = [...tensors.keys()].every((name) => renameOne(name, RENAMES) === name);
  return isCurrent ? tensors : remap(tensors, [RENAMES]);
}

/** Centre and size -> (x1, y1, x2, y2), in place of the centres. */
function joinRegions(tensors: NamedTensors): NamedTensors {
  const centres = tensors.get(CENTRES);
  const sizes = tensors.get(SIZES);
  const [tokens = 0, width] = centres?.shape ?? [];
  if (
    centres === undefined ||
    sizes === undefined ||
    centres.shape.length !== 2 ||
    width !== 2 ||
    sizes.shape.join() !== centres.shape.join() ||
    sizes.dtype !== centres.dtype
  )
    throw new FormatError(
      "checkpoint",
      `${CENTRES} and ${SIZES} must both be there as (tokens, 2), but are [${centres?.shape ?? "absent"}] and [${sizes?.shape ?? "absent"}]`,
    );
  const joined = new Map<string, TensorData>();
  for (const [name, tensor] of tensors) {
    if (name === CENTRES) joined.set("initial_roi.weight", corners(centres, sizes, tokens));
    else if (name !== SIZES) joined.set(name, tensor);
  }
  return joined;
}

function corners(centres: TensorData, sizes: TensorData, tokens: number): TensorData {
  const centre = toFloat64(centres);
  const size = toFloat64(sizes);
  const out = new Float64Array(tokens * 4);
  for (let token = 0; token < tokens; token++)
    for (let axis = 0; axis < 2; axis++) {
      const half = 0.5 * size[token * 2 + axis]!;
      out[token * 4 + axis] = centre[token * 2 + axis]! - half;
      out[token * 4 + 2 + axis] = centre[token * 2 + axis]! + half;
    }
  return { dtype: centres.dtype, shape: [tokens, 4], data: fromFloat64(centres.dtype, out) };
}

/** Rounds once to the dtype: a sum of two short floats is exact enough in float64 for that to be what PyTorch computes. */
function fromFloat64(dtype: DType, values: Float64Array): TypedArrayOf[DType] {
  if (dtype === "float64") return values;
  if (dtype === "float32") return new Float32Array(values);
  const data = allocate(dtype, values.length);
  if (dtype !== "float16" && dtype !== "bfloat16")
    throw new FormatError("checkpoint", `${CENTRES} is ${dtype}, which regions cannot be`);
  const round = dtype === "float16" ? numberToHalf : numberToBfloat16;
  for (let i = 0; i < data.length; i++) data[i] = round(values[i]!);
  return data;
}

/** The cortex blocks of a bootstrapped model follow its focusing layers: blocks.N -> layers.(last layer + 1 + N). */
function appendCortex(tensors: NamedTensors): NamedTensors {
  const layers = [...tensors.keys()].map((name) => Number(/^layers\.(\d+)\./.exec(name)?.[1] ?? 0));
  const first = layers.reduce((most, layer) => Math.max(most, layer), 0) + 1;
  const renamed = new Map<string, TensorData>();
  for (const [name, tensor] of tensors)
    renamed.set(
      name.replace(CORTEX_BLOCK, (_, block: string) => `layers.${first + Number(block)}.`),
      tensor,
    );
  return renamed;
}
