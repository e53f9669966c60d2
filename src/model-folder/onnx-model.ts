// An ONNX file as a model: what it says about itself is read from its metadata.
import { requireSelfContained } from "../onnx/external-data.ts";
import { readMetadata } from "../onnx/metadata.ts";
import { readOnnx } from "../onnx/read.ts";
import { SCORE_KINDS } from "../onnx/score-kind.ts";
import { readVocabularyPair } from "../text/vocabulary-files.ts";
import { clipFacts, clipSchema } from "./clip-entry.ts";
import type { OnnxModel } from "./model.ts";

/** Throws FormatError when the bytes are not a readable ONNX file, or not all of it. */
export function onnxModel(bytes: Uint8Array, name: string): OnnxModel {
  requireSelfContained(bytes, name);
  const { labels, transform, licence, provenance, scores, vocab, merges, text_model, unknown_below, clip } =
    readMetadata(readOnnx(bytes).metadata);
  const unknownBelow = Number(unknown_below);
  const vocabulary =
    vocab === undefined || merges === undefined
      ? undefined
      : readVocabularyPair({ text: vocab, where: `${name}: vocab` }, { text: merges, where: `${name}: merges` });
  const kind = SCORE_KINDS.find((one) => one === scores);
  return {
    kind: "onnx",
    bytes,
    card: {
      name,
      ...(labels === undefined ? {} : { labels }),
      ...(transform === undefined ? {} : { transform }),
      ...(licence === undefined ? {} : { licence }),
      ...(vocabulary === undefined ? {} : { vocabulary }),
      ...(text_model === undefined ? {} : { textModel: text_model }),
      ...(unknownBelow > 0 && unknownBelow <= 1 ? { unknownBelow } : {}),
      ...(kind === undefined ? {} : { scores: kind }),
      ...parseClip(clip),
      ...(provenance === undefined ? {} : { provenance: parseProvenance(provenance) }),
    },
  };
}

/** Nothing where the entry is not what this library writes. */
function parseClip(text: string | undefined): Pick<OnnxModel["card"], "clip"> {
  if (text === undefined) return {};
  try {
    const { data } = clipSchema.safeParse(JSON.parse(text));
    return data === undefined ? {} : { clip: clipFacts(data) };
  } catch {
    return {};
  }
}

/** Facts as this library writes them, or anybody's sentence as one fact. */
function parseProvenance(text: string): Record<string, string | number | boolean> {
  try {
    const facts: unknown = JSON.parse(text);
    if (typeof facts === "object" && facts !== null && !Array.isArray(facts))
      return facts as Record<string, string | number | boolean>;
  } catch {
    // Not JSON: a sentence.
  }
  return { source: text };
}
