// Vocabularies that are damaged, of something else, or meant to do harm.
import { describe, expect, test } from "vitest";
import { FormatError, LimitError, UsageError } from "../errors.ts";
import { Tokenizer } from "./tokenizer.ts";
import { printVocabulary, readOpenaiVocabulary, readTokenizerJson, readVocabularyPair } from "./vocabulary-files.ts";

const tiny = readOpenaiVocabulary("#version: 0.2\nc a\nca t</w>\n", "tiny.txt");
const files = printVocabulary(tiny);
const pair = (vocab: string, merges: string = files.merges) =>
  readVocabularyPair({ text: vocab, where: "vocab.json" }, { text: merges, where: "merges.txt" });
const changed = (change: (ids: Record<string, unknown>) => void) => {
  const ids = JSON.parse(files.vocab) as Record<string, unknown>;
  change(ids);
  return JSON.stringify(ids);
};

test("what is written is read", () => {
  expect(pair(files.vocab)).toEqual(tiny);
  expect(tiny.size).toBe(512 + 2 + 2);
});

test("windows line ends and lines at the end make no tokens; a file without a first line about itself is read too", () => {
  expect(readOpenaiVocabulary("c a\r\nca t</w>\r\n\r\n", "x")).toEqual(tiny);
});

test("OpenAI's file holds more merges than CLIP takes", () => {
  const letters = Array.from({ length: 300 }, (_, i) => String.fromCharCode(0x4e00 + i));
  const lines = letters.flatMap((a) => letters.map((b) => `${a} ${b}`)); // 90,000
  expect(readOpenaiVocabulary(lines.join("\n"), "x").size).toBe(49_408);
});

describe("refused, with the file and what is wrong", () => {
  test.each<[string, () => unknown, RegExp]>([
    ["one token a line", () => readOpenaiVocabulary("a b\nabc\n", "x.txt"), /x\.txt: line 2 is no pair/],
    ["three tokens a line", () => readOpenaiVocabulary("#version\na b c", "x.txt"), /line 2 is no pair/],
    ["an empty line in the middle", () => readOpenaiVocabulary("a b\n\nc d", "x.txt"), /line 2 is no pair/],
    ["a merge twice", () => readOpenaiVocabulary("a b\na b", "x.txt"), /"a b" is there twice/],
    ["no JSON", () => pair("{"), /vocab\.json: not valid JSON/],
    ["a list", () => pair("[]"), /not a JSON object/],
    ["text as a number", () => pair(changed((ids) => Object.assign(ids, { cat: "3" }))), /"cat" has no number/],
    ["a fraction", () => pair(changed((ids) => Object.assign(ids, { ca: 0.5 }))), /"ca" has the number 0.5/],
    ["a number beyond reason", () => pair(changed((ids) => Object.assign(ids, { ca: 1e12 }))), /number 1000000000000/],
    ["a number twice", () => pair(changed((ids) => Object.assign(ids, { ca: 7 }))), /two tokens have the number 7/],
    ["a byte is missing", () => pair(changed((ids) => delete ids.é)), /no token "é"/],
    ["what a merge makes is missing", () => pair(changed((ids) => delete ids["cat</w>"])), /no token "cat<\/w>"/],
    ["no end token", () => pair(changed((ids) => delete ids["<|endoftext|>"])), /no token "<\|endoftext\|>"/],
    [
      "the end token is not the last",
      () => pair(changed((ids) => Object.assign(ids, { more: 600 }))),
      /has the number 515, and must have the largest, 600/,
    ],
    ["a long token", () => pair(changed((ids) => Object.assign(ids, { ["x".repeat(2000)]: 600 }))), /2000 characters/],
    ["another kind of tokenizer", () => readTokenizerJson('{"model":{"type":"WordPiece"}}', "t.json"), /not CLIP's/],
    ["a tokenizer of whole bytes", () => readTokenizerJson('{"model":{"type":"BPE"}}', "t.json"), /not CLIP's/],
    [
      "no merges",
      () => readTokenizerJson('{"model":{"type":"BPE","end_of_word_suffix":"</w>","vocab":{}}}', "t.json"),
      /no list of merges/,
    ],
  ])("%s", (_, read, message) => {
    expect(read).toThrow(FormatError);
    expect(read).toThrow(message);
  });
});

describe("texts", () => {
  const tokenizer = new Tokenizer(tiny);

  test("that are longer than the context are an error, or cut where that is asked for", () => {
    expect(() => tokenizer.context("cat cat cat", 4)).toThrow(UsageError);
    expect(() => tokenizer.context("cat cat cat", 4)).toThrow(/3 tokens, and the model reads 2: "cat cat cat"/);
    expect(tokenizer.context("cat cat cat", 4, { truncate: true })).toEqual([514, 513, 513, 515]);
    expect(tokenizer.context("cat cat", 4)).toEqual([514, 513, 513, 515]);
    expect(tokenizer.context("", 4)).toEqual([514, 515, 0, 0]);
  });

  test("beyond all reason are refused before any work", () => {
    expect(() => tokenizer.encode("a".repeat(1_000_000))).toThrow(LimitError);
  });

  test("of one long word take no long", () => {
    expect(tokenizer.encode("ca".repeat(5000)).length).toBe(5001); // the last a ends the word
  });

  test("with numbers that stand for nothing decode to the rest", () => {
    expect(tokenizer.decode([513, 9999, -1, 513])).toBe("cat cat ");
  });
});
