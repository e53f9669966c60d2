// CLIP's text tower out of what is published: OpenAI's whole CLIPs, OpenCLIP's, and huggingface/transformers' CLIPModel and
// CLIPTextModelWithProjection (models/clip/modeling_clip.py).
import { type TensorData, tensor } from "../../tensor.ts";
import { type RemapStep, remap } from "../../weights/remap.ts";
import type { NamedTensors } from "../architecture.ts";
import { joinProjections } from "../transformers.ts";

/** The picture tower, what is computed from the configuration, and numbers that OpenAI's archives carry beside the weights. */
const LEFT_OUT = [
  /^(?:visual|vision_model|visual_projection)\./,
  /^(?:text_model\.embeddings\.position_ids|attn_mask)$/,
  /^(?:input_resolution|context_length|vocab_size)$/,
].map((pattern) => ({ pattern, to: null }));

const STEPS: readonly RemapStep[] = [
  LEFT_OUT,
  [
    { pattern: /^text_model\.embeddings\.token_embedding\./, to: "token_embedding." },
    { pattern: /^text_model\.embeddings\.position_embedding\.weight$/, to: "positional_embedding" },
    { pattern: /^text_model\.encoder\.layers\.(\d+)\./, to: "transformer.resblocks.$1." },
    { pattern: /^text_model\.final_layer_norm\./, to: "ln_final." },
  ],
  [
    { pattern: /\.self_attn\.q_proj\./, to: ".attn.query." },
    { pattern: /\.self_attn\.k_proj\./, to: ".attn.key." },
    { pattern: /\.self_attn\.v_proj\./, to: ".attn.value." },
    { pattern: /\.self_attn\.out_proj\./, to: ".attn.out_proj." },
    { pattern: /\.mlp\.fc1\./, to: ".mlp.c_fc." },
    { pattern: /\.mlp\.fc2\./, to: ".mlp.c_proj." },
    { pattern: /\.layer_norm([12])\./, to: ".ln_$1." },
  ],
  joinProjections,
  [{ pattern: /\.attn\.qkv\.(weight|bias)$/, to: ".attn.in_proj_$1" }],
  transposeProjection,
  withScale,
];

/** OpenAI's names, whichever of them a file has; the picture tower is left out. */
export function adoptClipText(tensors: NamedTensors): NamedTensors {
  return remap(tensors, STEPS);
}

/** A linear layer's weight (out, in), where OpenAI's projection is (in, out). */
function transposeProjection(tensors: NamedTensors): NamedTensors {
  return new Map(
    [...tensors].map(([name, value]): [string, TensorData] =>
      name === "text_projection.weight" ? ["text_projection", transposed(value)] : [name, value],
    ),
  );
}

function transposed(value: TensorData): TensorData {
  const [rows, columns] = value.shape;
  if (value.shape.length !== 2 || rows === undefined || columns === undefined) return value;
  const data = value.data.slice();
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) data[column * rows + row] = value.data[row * columns + column]!;
  return { ...value, shape: [columns, rows], data } as TensorData;
}

/**
 * transformers' towers of texts alone have no scale. All of OpenAI's CLIPs ended at the largest that their training allowed, 100.
 */
function withScale(tensors: NamedTensors): NamedTensors {
  if (tensors.has("logit_scale") || !tensors.has("text_projection")) return tensors;
  return new Map([...tensors, ["logit_scale", tensor("float32", [], Float32Array.of(Math.log(100)))]]);
}
