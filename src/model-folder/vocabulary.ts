// Where a text model's vocabulary is: beside its weights, in one of the layouts that are published, or where `saccade pull` puts OpenAI's.
import { FormatError, NotFoundError } from "../errors.ts";
import { gunzip } from "../gunzip.ts";
import type { ModelDefinition } from "../models/registry.ts";
import type { Files, Host } from "../platform/host.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import {
  MAX_VOCABULARY_BYTES,
  printVocabulary,
  readOpenaiVocabulary,
  readTokenizerJson,
  readVocabularyPair,
} from "../text/vocabulary-files.ts";
import { decodeText } from "../text-file.ts";
import type { LoadedModel } from "./model.ts";

/** OpenAI's file, which all of its CLIPs share. */
const OPENAI = "bpe_simple_vocab_16e6.txt";

/** Where `saccade pull` puts it. */
export function pulledVocabulary({ files, folders }: Host): string {
  return files.join(folders.cache, `${OPENAI}.gz`);
}

/**
 * The vocabulary beside a text model's weights; undefined where there is none, and for models of pictures.
 *
 * @throws FormatError for a vocabulary that is damaged or another model's; NotFoundError for one of two files
 */
export async function vocabularyBeside(
  files: Files,
  folder: string,
  definition: ModelDefinition,
): Promise<Vocabulary | undefined> {
  const input = definition.architecture.input(definition.config);
  const found = input.kind === "text" ? await vocabularyIn(files, folder) : undefined;
  if (input.kind !== "text" || found === undefined || found.vocabulary.size === input.vocabulary)
    return found?.vocabulary;
  throw new FormatError(
    found.path,
    `the vocabulary has ${found.vocabulary.size} tokens, and the model beside it ${input.vocabulary}`,
    { hint: "it is another model's; take the files that were published with these weights" },
  );
}

/** A text model that has no vocabulary beside it has OpenAI's, if that was pulled and has as many tokens. Other models stay as they are. */
export async function withPulledVocabulary<M extends LoadedModel>(host: Host, model: M): Promise<M> {
  if (model.kind === "onnx" || model.card.vocabulary !== undefined) return model;
  const input = model.definition.architecture.input(model.definition.config);
  const path = pulledVocabulary(host);
  if (input.kind !== "text" || (await host.files.stat(path)) === undefined) return model;
  const vocabulary = await readOpenai(host.files, path);
  return vocabulary.size === input.vocabulary ? { ...model, card: { ...model.card, vocabulary } } : model;
}

/** A vocabulary in a folder, and which file says so. */
async function vocabularyIn(
  files: Files,
  folder: string,
): Promise<{ readonly vocabulary: Vocabulary; readonly path: string } | undefined> {
  const place = async (name: string) => {
    const path = files.join(folder, name);
    return (await files.stat(path)) === undefined ? undefined : path;
  };
  const [vocab, merges] = [await place("vocab.json"), await place("merges.txt")];
  if (vocab !== undefined && merges !== undefined) {
    const [a, b] = [await textOf(files, vocab), await textOf(files, merges)];
    return { vocabulary: readVocabularyPair(a, b), path: vocab };
  }
  const single = await place("tokenizer.json");
  if (single !== undefined) {
    const { text, where } = await textOf(files, single);
    return { vocabulary: readTokenizerJson(text, where), path: single };
  }
  const openai = (await place(`${OPENAI}.gz`)) ?? (await place(OPENAI));
  if (openai !== undefined) return { vocabulary: await readOpenai(files, openai), path: openai };
  if (vocab === undefined && merges === undefined) return undefined;
  throw new NotFoundError(
    vocab === undefined ? "vocab.json" : "merges.txt",
    folder,
    "a vocabulary is both files, vocab.json and merges.txt",
  );
}

/** OpenAI's file, packed or not. Throws FormatError when it is damaged. */
export async function readOpenai(files: Files, path: string): Promise<Vocabulary> {
  const { text, where } = await textOf(files, path);
  return readOpenaiVocabulary(text, where);
}

async function textOf(files: Files, path: string): Promise<{ readonly text: string; readonly where: string }> {
  const bytes = await files.read(path, { maxBytes: MAX_VOCABULARY_BYTES });
  return { text: decodeText(gunzip(bytes, path, MAX_VOCABULARY_BYTES), path), where: path };
}

/** Writes `vocab.json` and `merges.txt`. */
export async function writeVocabulary(files: Files, folder: string, vocabulary: Vocabulary): Promise<void> {
  const { vocab, merges } = printVocabulary(vocabulary);
  await files.writeAtomic(files.join(folder, "vocab.json"), vocab);
  await files.writeAtomic(files.join(folder, "merges.txt"), merges);
}
