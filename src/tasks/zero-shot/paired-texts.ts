// The text model that belongs to a model of pictures.
import { UsageError } from "../../errors.ts";
import type { ModelCard } from "../../model-folder/model.ts";
import type { DigestHost, Host } from "../../platform/host.ts";
import type { ModelSource } from "../engine/engine.ts";
import { loadTextEmbedder, type TextEmbedder, type TextEmbedderOptions } from "./text-embedder.ts";

export interface PairedTextOptions extends TextEmbedderOptions {
  /** Default: the text model that the model of pictures says belongs to it. */
  readonly textModel?: ModelSource | undefined;
}

/**
 * Loads the text model that belongs to a model of pictures.
 *
 * @throws UsageError where nobody says which it is; what loading it throws
 */
export async function pairedTexts(
  host: Host & DigestHost,
  card: ModelCard,
  { textModel = card.textModel, ...options }: PairedTextOptions,
): Promise<TextEmbedder> {
  if (textModel === undefined)
    throw new UsageError(
      `${card.name} has no text model: its answers cannot be compared with words`,
      "take a CLIP model (sparseformer_btsp_openai_clip_base), or say which text model belongs to it: --text-model (the option textModel)",
    );
  return loadTextEmbedder(host, textModel, options);
}

/** Throws UsageError where texts' vectors and the pictures', of `width` numbers, are of two lengths. `whose` says whose the pictures' are. */
export function requirePair(whose: string, width: number, texts: TextEmbedder): void {
  if (texts.width === width) return;
  throw new UsageError(
    `${whose} gives vectors of ${width} numbers, and ${texts.card.name} of ${texts.width}: they do not belong together`,
    "name the text model that was trained with it",
  );
}

/** What a text model takes of the options of a model of pictures. */
export function textOptions({ cache, device, threads, onNotice }: TextEmbedderOptions): TextEmbedderOptions {
  const given = { cache, device, threads, onNotice };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
