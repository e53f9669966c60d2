// Vocabularies as they are published: OpenAI's list of merges, and Hugging Face's vocab.json with merges.txt, or tokenizer.json.
import { FormatError } from "../errors.ts";
import {
  CLIP_MERGES,
  checkedVocabulary,
  MAX_TOKENS,
  type Merge,
  type Vocabulary,
  vocabularyFromMerges,
} from "./vocabulary.ts";

/** Characters of one of these files. The real ones have at most 3 million. */
export const MAX_VOCABULARY_BYTES = 64 * 2 ** 20;

/**
 * OpenAI's file (`bpe_simple_vocab_16e6.txt`): a first line about itself, then a pair a line. It holds more than CLIP takes, which is the first
 * 48,894. Numbers follow from the order.
 *
 * @param where the path, for errors
 * @throws FormatError naming the line
 */
export function readOpenaiVocabulary(text: string, where: string): Vocabulary {
  return vocabularyFromMerges(parseMerges(text, where).slice(0, CLIP_MERGES));
}

/**
 * Hugging Face's pair of files.
 *
 * @throws FormatError naming the file and what is wrong with it
 */
export function readVocabularyPair(
  vocab: { readonly text: string; readonly where: string },
  merges: { readonly text: string; readonly where: string },
): Vocabulary {
  const ids = tokenNumbers(parseJson(vocab.text, vocab.where), vocab.where);
  return checkedVocabulary(ids, parseMerges(merges.text, merges.where), vocab.where);
}

/**
 * Hugging Face's single file.
 *
 * @throws FormatError naming what is wrong, also for a tokenizer that works in another way
 */
export function readTokenizerJson(text: string, where: string): Vocabulary {
  const { model, added_tokens: added } = asObject(parseJson(text, where), where);
  const { type, vocab, merges, end_of_word_suffix: suffix } = asObject(model, `${where}: model`);
  if ((type !== undefined && type !== "BPE") || suffix !== "</w>")
    throw new FormatError(where, "its tokenizer is not CLIP's (byte pairs whose words end in </w>)", {
      hint: "the vocabulary of a CLIP model is wanted",
    });
  if (!Array.isArray(merges)) throw new FormatError(where, "it has no list of merges");
  const ids = new Map(tokenNumbers(vocab, where));
  for (const token of Array.isArray(added) ? added : []) {
    const { id, content } = asObject(token, `${where}: added_tokens`);
    if (typeof id !== "number" || typeof content !== "string")
      throw new FormatError(where, "an added token has no number or no text");
    ids.set(content, id);
  }
  const pairs = merges.map((merge: unknown, i) => {
    const parts: readonly unknown[] = Array.isArray(merge) ? merge : typeof merge === "string" ? merge.split(" ") : [];
    return pairOf(parts, where, `merge ${i + 1}`);
  });
  return checkedVocabulary(ids, requireDistinct(pairs, where), where);
}

/** `vocab.json` and `merges.txt` of a model folder. */
export function printVocabulary({ ids, merges }: Vocabulary): { readonly vocab: string; readonly merges: string } {
  const byNumber = [...ids].sort(([, a], [, b]) => a - b);
  return { vocab: `${JSON.stringify(Object.fromEntries(byNumber))}\n`, merges: printMerges(merges) };
}

function printMerges(merges: readonly Merge[]): string {
  return ["#version: 0.2", ...merges.map(([first, second]) => `${first} ${second}`), ""].join("\n");
}

function parseMerges(text: string, where: string): Merge[] {
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  const first = lines[0]?.includes("#version") === true ? 1 : 0;
  while (lines.length > first && lines.at(-1) === "") lines.pop();
  if (lines.length - first > MAX_TOKENS)
    throw new FormatError(where, `${lines.length - first} merges, and at most ${MAX_TOKENS} are read`);
  const pairs = lines.slice(first).map((line, i) => pairOf(line.split(" "), where, `line ${first + i + 1}`));
  return requireDistinct(pairs, where);
}

function pairOf(parts: readonly unknown[], where: string, place: string): Merge {
  const [first, second] = parts;
  if (parts.length === 2 && typeof first === "string" && typeof second === "string" && first !== "" && second !== "")
    return [first, second];
  throw new FormatError(where, `${place} is no pair of tokens`, {
    hint: "a list of merges has two tokens a line, with a space between them",
  });
}

function requireDistinct(merges: Merge[], where: string): Merge[] {
  const seen = new Set<string>();
  for (const pair of merges) {
    const text = pair.join(" ");
    if (seen.has(text)) throw new FormatError(where, `the merge ${JSON.stringify(text)} is there twice`);
    seen.add(text);
  }
  return merges;
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FormatError(where, `not valid JSON (${(cause as Error).message})`, { cause });
  }
}

function asObject(json: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  throw new FormatError(where, "it is not a JSON object");
}

function tokenNumbers(json: unknown, where: string): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  for (const [token, id] of Object.entries(asObject(json, where))) {
    if (typeof id !== "number") throw new FormatError(where, `the token ${JSON.stringify(token)} has no number`);
    ids.set(token, id);
  }
  return ids;
}
