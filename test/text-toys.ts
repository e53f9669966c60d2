// Text towers small enough to be made in a test, in the layouts that are read.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { type TensorData, tensor } from "../src/tensor.ts";
import type { Vocabulary } from "../src/text/vocabulary.ts";
import { printVocabulary, readOpenaiVocabulary } from "../src/text/vocabulary-files.ts";
import { writeSafetensors } from "../src/weights/safetensors.ts";
import { goldenPath, hashedValues } from "./golden-case.ts";

/** The golden case's own vocabulary: 574 tokens. */
export function toyVocabulary(): { readonly vocabulary: Vocabulary; readonly openai: string } {
  const { merges } = JSON.parse(readFileSync(goldenPath("clip-tokenizer/clip_tokenizer_mini.json")!, "utf8"));
  const openai = ['"own.txt#version: 0.2', ...(merges as string[])].join("\n");
  return { vocabulary: readOpenaiVocabulary(openai, "own.txt"), openai };
}

/** Two narrow layers. */
export const toyTextConfig = (width: number) => ({
  embed_dim: width,
  context_length: 60,
  vocab_size: 574,
  transformer_width: 32,
  transformer_heads: 2,
  transformer_layers: 2,
});

/** Hashed weights, wide enough apart for texts to differ. */
export function toyTextWeights(width: number, salt = 0): Map<string, TensorData> {
  const graph = inferenceGraph(defineModel("clip_text", toyTextConfig(width)));
  return new Map(
    [...initialWeights(graph, 0)].map(([name, { shape, data }]) => {
      if (/ln_|logit_scale/.test(name)) return [name, tensor("float32", shape, data as Float32Array)];
      return [name, tensor("float32", shape, hashedValues(name, data.length, 0.4, 0, salt))];
    }),
  );
}

/** Writes a text tower as a model folder of our own; returns its path. */
export function writeTextTower(
  parent: string,
  width: number,
  options: { vocabulary?: boolean; salt?: number } = {},
): string {
  const folder = join(parent, `texts-${width}-${options.vocabulary ?? true}-${options.salt ?? 0}`);
  mkdirSync(folder, { recursive: true });
  const config = { architecture: "clip_text", config: toyTextConfig(width) };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "model.safetensors"), writeSafetensors(toyTextWeights(width, options.salt)));
  if (options.vocabulary !== false) {
    const { vocab, merges } = printVocabulary(toyVocabulary().vocabulary);
    writeFileSync(join(folder, "vocab.json"), vocab);
    writeFileSync(join(folder, "merges.txt"), merges);
  }
  return folder;
}
