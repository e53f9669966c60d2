// The text towers of OpenAI's CLIPs by name (github.com/openai/CLIP, clip/clip.py), each in one file with its picture tower.
import type { RegisteredModel } from "../registered-model.ts";

const WEIGHTS = "https://openaipublic.azureedge.net/clip/models";

/** Of all of them. */
const VOCABULARY = {
  url: "https://raw.githubusercontent.com/openai/CLIP/d05afc436d78f1c48dc0dbf8e5980a9d471f35f6/clip/bpe_simple_vocab_16e6.txt.gz",
  licence: "MIT",
} as const;

function tower(clip: "B/32" | "B/16" | "L/14", sha256: string, width: number): RegisteredModel {
  return {
    name: `clip_text_vit_${clip.replace("/", "").toLowerCase()}`,
    summary: `text tower of CLIP ViT-${clip}: texts to vectors that pictures' are compared with`,
    architecture: "clip_text",
    config: { embed_dim: width, transformer_width: width, transformer_heads: width / 64 },
    weights: { url: `${WEIGHTS}/${sha256}/ViT-${clip.replace("/", "-")}.pt`, licence: "MIT" },
    vocabulary: VOCABULARY,
  };
}

export const registeredClipTexts: readonly RegisteredModel[] = [
  tower("B/32", "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af", 512),
  tower("B/16", "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f", 512),
  tower("L/14", "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836", 768),
];
