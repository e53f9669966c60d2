// CLIP's tokenizer: lower-case byte pairs. Reproduces openai/CLIP, clip/simple_tokenizer.py and clip.tokenize, but for ftfy, which repairs
// text that was decoded wrongly: text is taken as it is here.
import { decodeHTML } from "entities";
import { LimitError, UsageError } from "../errors.ts";
import { fromByteCharacters, toByteCharacters } from "./byte-characters.ts";
import { END, START, type Vocabulary, WORD_END } from "./vocabulary.ts";

/** Joining the pairs of one word of n characters may take n² steps, and no context holds nearly as much. */
const MAX_CHARACTERS = 10_000;

/** Special tokens, English endings after an apostrophe, runs of letters, single digits, runs of anything else but white space. */
const PIECES =
  /<\|startoftext\|>|<\|endoftext\|>|'[sſ]|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu;

const WHITE_SPACE = /[\p{White_Space}]+/gu;

/** What a text is reduced to: canonical characters, HTML names twice resolved, single spaces, lower case. */
export function cleanText(text: string): string {
  const plain = decodeHTML(decodeHTML(text.normalize("NFC")));
  return plain.replace(WHITE_SPACE, " ").trim().toLowerCase();
}

export interface ContextOptions {
  /** Cuts what is too long, so that the end token comes last. Default false: it is an error. */
  readonly truncate?: boolean;
}

/**
 * Turns texts into the numbers that CLIP's text towers take.
 *
 * @example
 * const tokenizer = new Tokenizer(readOpenaiVocabulary(text, "bpe_simple_vocab_16e6.txt"));
 * tokenizer.context("a photo of a cat", 77); // 49406, 320, 1125, 539, 320, 2368, 49407, 0, …
 */
export class Tokenizer {
  readonly #ranks: ReadonlyMap<string, number>;
  /** By piece: words come again and again. */
  readonly #joined = new Map<string, readonly number[]>();

  constructor(readonly vocabulary: Vocabulary) {
    this.#ranks = new Map(vocabulary.merges.map((pair, rank) => [pair.join(" "), rank]));
  }

  /**
   * The numbers of a text, without the tokens for start and end.
   *
   * @throws LimitError for more than 10,000 characters
   */
  encode(text: string): number[] {
    if (text.length > MAX_CHARACTERS) throw new LimitError("a text", text.length, MAX_CHARACTERS, "characters");
    return (cleanText(text).match(PIECES) ?? []).flatMap((piece) => this.#encodePiece(piece));
  }

  /** The text behind numbers; each word has a space after it. Numbers that stand for nothing are left out. */
  decode(ids: readonly number[]): string {
    const tokens = ids.map((id) => this.#tokens().get(id) ?? "").join("");
    return tokens.split(WORD_END).map(fromByteCharacters).join(" ");
  }

  /**
   * One row of a tower's input: start, the text, end, and zeros up to `length`.
   *
   * @throws UsageError for a text that is longer, unless it is to be cut
   */
  context(text: string, length: number, { truncate = false }: ContextOptions = {}): number[] {
    const ids = this.encode(text);
    if (ids.length + 2 > length && !truncate)
      throw new UsageError(
        `a text has ${ids.length} tokens, and the model reads ${length - 2}: ${JSON.stringify(shortened(text))}`,
        "shorten it, or have it cut, with --truncate (the option truncate): what is cut off does not count",
      );
    const { start, end } = this.vocabulary;
    const row = [start, ...ids.slice(0, length - 2), end];
    return [...row, ...new Array<number>(length - row.length).fill(0)];
  }

  #byId: ReadonlyMap<number, string> | undefined;

  #tokens(): ReadonlyMap<number, string> {
    this.#byId ??= new Map(Array.from(this.vocabulary.ids, ([token, id]) => [id, token]));
    return this.#byId;
  }

  #encodePiece(piece: string): readonly number[] {
    const known = this.#joined.get(piece);
    if (known !== undefined) return known;
    const { ids } = this.vocabulary;
    const tokens = piece === START || piece === END ? [piece] : this.#join(piece);
    const numbers = tokens.map((token) => ids.get(token)!);
    if (this.#joined.size < MAX_REMEMBERED) this.#joined.set(piece, numbers);
    return numbers;
  }

  /** Joins the pair that comes first in the list, wherever it stands, until none of the list is left. */
  #join(piece: string): string[] {
    let tokens = toByteCharacters(piece);
    tokens[tokens.length - 1] += WORD_END;
    for (;;) {
      const best = this.#firstMerge(tokens);
      if (best === undefined) return tokens;
      const joined: string[] = [];
      for (let i = 0; i < tokens.length; i++) {
        const isPair = tokens[i] === best[0] && tokens[i + 1] === best[1];
        joined.push(isPair ? best[0] + best[1] : tokens[i]!);
        if (isPair) i++;
      }
      tokens = joined;
    }
  }

  #firstMerge(tokens: readonly string[]): readonly [string, string] | undefined {
    let first: number | undefined;
    for (let i = 0; i + 1 < tokens.length; i++) {
      const rank = this.#ranks.get(`${tokens[i]} ${tokens[i + 1]}`);
      if (rank !== undefined && (first === undefined || rank < first)) first = rank;
    }
    return first === undefined ? undefined : this.vocabulary.merges[first];
  }
}

const MAX_REMEMBERED = 100_000;

function shortened(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}
