// The tokenizer against OpenAI's and what Hugging Face writes down. Every case of test/goldens/clip-tokenizer is a vocabulary and its answers.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Tokenizer } from "../src/text/tokenizer.ts";
import {
  printVocabulary,
  readOpenaiVocabulary,
  readTokenizerJson,
  readVocabularyPair,
} from "../src/text/vocabulary-files.ts";
import { goldenCases, goldenPath } from "./golden-case.ts";

interface Case {
  readonly config: { readonly vocabulary: number; readonly start: number; readonly end: number };
  readonly merges: readonly string[];
  readonly strings: readonly { readonly text: string; readonly clean: string; readonly ids: readonly number[] }[];
  readonly context: readonly { readonly index: number; readonly context_length: number; readonly ids: number[] }[];
}

describe.each(goldenCases("clip-tokenizer"))("%s", (name) => {
  const golden = JSON.parse(readFileSync(goldenPath(`${name}.json`)!, "utf8")) as Case;
  const { merges, strings, context, config } = golden;
  const vocabulary = readOpenaiVocabulary(['"own.txt#version: 0.2', ...merges].join("\n"), "own.txt");
  const tokenizer = new Tokenizer(vocabulary);

  test("numbers of the special tokens", () => {
    const { size, start, end } = vocabulary;
    expect({ vocabulary: size, start, end }).toEqual({
      vocabulary: config.vocabulary,
      start: config.start,
      end: config.end,
    });
  });

  test("every text has the official numbers", () => {
    for (const { clean, ids } of strings) expect(tokenizer.encode(clean), JSON.stringify(clean)).toEqual(ids);
  });

  test("texts that ftfy leaves alone need no cleaning before", () => {
    // What ftfy does and this tokenizer does not: curly quotes, ligatures, full width, control characters, mojibake.
    const isFtfys = ({ text, clean }: (typeof strings)[number]) =>
      /[“”‘’ﬀ-ﬆ！-～　\p{Cc}\ufeff\u2028Ã]/u.test(text) && text !== clean;
    const plain = strings.filter((string) => !isFtfys(string));
    expect(plain.length).toBeGreaterThan(0.8 * strings.length);
    for (const { text, ids } of plain) expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
  });

  test("contexts: start, end, zeros; cut so that the end comes last", () => {
    for (const { index, context_length, ids } of context)
      expect(tokenizer.context(strings[index]!.clean, context_length, { truncate: true })).toEqual(ids);
  });

  test("numbers back to text, a space after each word", () => {
    for (const { clean } of strings.filter((string) => /^[a-z ]+$/.test(string.clean)))
      expect(tokenizer.decode(tokenizer.encode(clean))).toBe(`${clean} `);
    expect(tokenizer.decode(tokenizer.encode("猫の写真, café"))).toBe("猫の写真 , café ");
  });

  test("Hugging Face's layouts mean the same", () => {
    const { vocab, merges: list } = printVocabulary(vocabulary);
    const pair = readVocabularyPair({ text: vocab, where: "vocab.json" }, { text: list, where: "merges.txt" });
    const added = [
      { id: config.start, content: "<|startoftext|>" },
      { id: config.end, content: "<|endoftext|>" },
    ];
    const model = { type: "BPE", end_of_word_suffix: "</w>", vocab: JSON.parse(vocab) };
    const single = (pairs: unknown) =>
      readTokenizerJson(JSON.stringify({ added_tokens: added, model: { ...model, merges: pairs } }), "tokenizer.json");
    for (const other of [pair, single(merges), single(merges.map((merge) => merge.split(" ")))])
      for (const { clean, ids } of strings) expect(new Tokenizer(other).encode(clean)).toEqual(ids);
  });
});
