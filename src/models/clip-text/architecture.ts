// CLIP's text tower as the registry sees it.
import type { Architecture } from "../architecture.ts";
import { checkConfig } from "../check-config.ts";
import { type ClipTextConfig, clipTextSchema } from "./config.ts";
import { clipText } from "./model.ts";
import { adoptClipText } from "./weights.ts";

const NAME = "clip_text";

export const clipTextArchitecture: Architecture<ClipTextConfig> = {
  name: NAME,
  paper: "https://arxiv.org/abs/2103.00020",
  parseConfig: (json) => checkConfig(clipTextSchema, NAME, json),
  fields: Object.keys(clipTextSchema.shape),
  input: ({ context_length, vocab_size }) => ({ kind: "text", context: context_length, vocabulary: vocab_size }),
  build: (scope, ids, config) => ({ ...clipText(scope, ids, config) }),
  adoptWeights: adoptClipText,
  classesField: "embed_dim",
  answers: () => "embedding",
};
