// What a byte-pair tokenizer knows: the pairs it joins, in order, and the number of every token.
import { FormatError } from "../errors.ts";
import { BYTE_CHARACTERS } from "./byte-characters.ts";

export const START = "<|startoftext|>";
export const END = "<|endoftext|>";

/** At the end of a token that ends a word. */
export const WORD_END = "</w>";

/** A pair of tokens that is joined to one. */
export type Merge = readonly [first: string, second: string];

export interface Vocabulary {
  /** Number of every token, in byte characters. */
  readonly ids: ReadonlyMap<string, number>;
  /** In the order in which they are joined. */
  readonly merges: readonly Merge[];
  /** One more than the largest number. */
  readonly size: number;
  readonly start: number;
  /** The largest number: models find the end of a text by it. */
  readonly end: number;
}

/** More than any tokenizer of this kind has. */
export const MAX_TOKENS = 1_000_000;
const MAX_TOKEN_LENGTH = 1000;

/** How many merges OpenAI's CLIP takes of its file, which holds more: 49,408 tokens less 512 bytes and the two special ones. */
export const CLIP_MERGES = 48_894;

/** OpenAI's numbering: bytes, bytes that end a word, what the merges make, start, end. */
export function vocabularyFromMerges(merges: readonly Merge[]): Vocabulary {
  const tokens = [
    ...BYTE_CHARACTERS,
    ...BYTE_CHARACTERS.map((character) => character + WORD_END),
    ...merges.map(([first, second]) => first + second),
    START,
    END,
  ];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  return { ids, merges, size: tokens.length, start: tokens.length - 2, end: tokens.length - 1 };
}

/**
 * A vocabulary whose numbers are written down.
 *
 * @throws FormatError naming what is missing or has no place in it
 */
export function checkedVocabulary(
  ids: ReadonlyMap<string, number>,
  merges: readonly Merge[],
  where: string,
): Vocabulary {
  if (ids.size > MAX_TOKENS) throw new FormatError(where, `${ids.size} tokens, and at most ${MAX_TOKENS} are read`);
  let size = 0;
  const taken = new Set<number>();
  for (const [token, id] of ids) {
    if (!Number.isInteger(id) || id < 0 || id >= 2 * MAX_TOKENS)
      throw new FormatError(where, `the token ${JSON.stringify(token)} has the number ${id}`);
    if (taken.has(id)) throw new FormatError(where, `two tokens have the number ${id}`);
    if (token.length > MAX_TOKEN_LENGTH)
      throw new FormatError(where, `a token of ${token.length} characters, and at most ${MAX_TOKEN_LENGTH} are read`);
    taken.add(id);
    size = Math.max(size, id + 1);
  }
  const need = (token: string) => {
    const id = ids.get(token);
    if (id !== undefined) return id;
    throw new FormatError(where, `it has no token ${JSON.stringify(token)}`, {
      hint: "a vocabulary of CLIP's byte-pair tokenizer is wanted: its bytes, what its merges make, and the two special tokens",
    });
  };
  for (const character of BYTE_CHARACTERS) {
    need(character);
    need(character + WORD_END);
  }
  for (const [first, second] of merges) need(first + second);
  const [start, end] = [need(START), need(END)];
  if (end !== size - 1)
    throw new FormatError(where, `${END} has the number ${end}, and must have the largest, ${size - 1}`, {
      hint: "models find the end of a text by the largest number",
    });
  return { ids, merges, size, start, end };
}
