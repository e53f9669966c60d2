// CLIP of huggingface/transformers (models/clip/configuration_clip.py) as our `clip_text`. Its picture tower is left out.
import { z } from "zod";

/** `model_type` of config.json, and the classes whose weights have a text tower with its projection. */
export const CLIP_MODEL_TYPES: readonly string[] = ["clip", "clip_text_model"];
export const CLIP_CLASSES: readonly string[] = ["CLIPModel", "CLIPTextModelWithProjection"];

const tower = z.looseObject({
  hidden_size: z.int().default(512),
  intermediate_size: z.int().default(2048),
  num_hidden_layers: z.int().default(12),
  num_attention_heads: z.int().default(8),
  max_position_embeddings: z.int().default(77),
  vocab_size: z.int().default(49_408),
  projection_dim: z.int().default(512),
  hidden_act: z.enum(["quick_gelu", "gelu"], 'only "quick_gelu" and "gelu" are computed here').default("quick_gelu"),
  layer_norm_eps: z.literal(1e-5, "only 1e-5 is computed here").default(1e-5),
  eos_token_id: z.int().nullish(),
});

const fields = z.looseObject({
  model_type: z.string(),
  text_config: tower.nullish(),
  projection_dim: z.int().optional(),
});

/** The configuration of the text tower. Throws z.ZodError for what our architecture does not compute. */
export function clipTextConfig(json: unknown): Readonly<Record<string, unknown>> {
  const { model_type, text_config, projection_dim } = fields.parse(json);
  const text = model_type === "clip" ? tower.parse(text_config ?? {}) : tower.parse(json);
  const checked = tower
    .refine(
      (config) => config.intermediate_size === 4 * config.hidden_size,
      "intermediate_size must be 4 times hidden_size",
    )
    // 2 stands for the largest number of a text, in files from before the number was looked at.
    .refine(
      ({ eos_token_id, vocab_size }) => eos_token_id == null || [2, vocab_size - 1].includes(eos_token_id),
      "eos_token_id must be the last of the vocabulary",
    )
    .parse(text);
  return {
    embed_dim: model_type === "clip" ? (projection_dim ?? 512) : checked.projection_dim,
    context_length: checked.max_position_embeddings,
    vocab_size: checked.vocab_size,
    transformer_width: checked.hidden_size,
    transformer_heads: checked.num_attention_heads,
    transformer_layers: checked.num_hidden_layers,
    activation: checked.hidden_act,
  };
}
