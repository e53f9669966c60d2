// One vector a label: the mean of those of its sentences, which is what pictures are compared with.
import { meanVector, unit } from "../embed/finish.ts";
import { DEFAULT_TEMPLATES, promptOf, requireLabels, requireTemplates } from "./prompts.ts";
import type { EmbedTextOptions, TextEmbedder } from "./text-embedder.ts";

export interface PromptOptions extends EmbedTextOptions {
  /** Sentences with {} or {a} where the label stands. Default: seven, of photos. */
  readonly templates?: readonly string[];
}

/**
 * Vectors of length 1, in the order of the labels.
 *
 * @throws UsageError for labels or templates that make no sense, and for sentences that are longer than the model reads
 */
export async function labelVectors(
  texts: TextEmbedder,
  labels: readonly string[],
  { templates = DEFAULT_TEMPLATES, ...options }: PromptOptions = {},
): Promise<Float32Array[]> {
  requireLabels(labels);
  requireTemplates(templates);
  const prompts = labels.flatMap((label) => templates.map((template) => promptOf(template, label)));
  const vectors = await texts.embed(prompts, options);
  return labels.map((_, i) => unit(meanVector(vectors.slice(i * templates.length, (i + 1) * templates.length))));
}
