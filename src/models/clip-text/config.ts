// Configuration of CLIP's text tower, under the names of openai/CLIP (clip/model.py CLIP.__init__).
import { z } from "zod";

const size = z.int().min(1).max(100_000);

export const clipTextSchema = z.object({
  /** Numbers of an embedding, which pictures' have too. */
  embed_dim: size.default(512),
  /** Tokens of a text, start and end among them. */
  context_length: size.max(10_000).default(77),
  vocab_size: z.int().min(2).max(2_000_000).default(49_408),
  transformer_width: size.default(512),
  transformer_heads: size.default(8),
  transformer_layers: size.max(1000).default(12),
  /** Ours: what is between the two products of a block. OpenAI's towers have the first, others trained in open_clip the second. */
  activation: z.enum(["quick_gelu", "gelu"]).default("quick_gelu"),
});

export type ClipTextConfig = z.infer<typeof clipTextSchema>;
