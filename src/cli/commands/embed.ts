// saccade embed: pictures to vectors, to compare and to search with.
import type { Command } from "commander";
import { UsageError } from "../../errors.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { type Embedder, loadEmbedder } from "../../tasks/embed/embedder.ts";
import { DEFAULT_DECODING } from "../../tasks/engine/engine.ts";
import { pairedTexts, requirePair } from "../../tasks/zero-shot/paired-texts.ts";
import { tensor } from "../../tensor.ts";
import { writeSafetensors } from "../../weights/safetensors.ts";
import { DEFAULT_MODEL } from "../default-model.ts";
import {
  addDecodeOption,
  addDeviceOptions,
  addFeatureOptions,
  addModelOptions,
  addPrecisionOption,
  addResolutionOption,
  addSessionsOption,
  type DecodeFlags,
  type DeviceOptions,
  type FeatureFlags,
  featureOptions,
  integer,
  loadOptions,
  type ModelOptions,
  NO_CACHE_HELP,
  type PrecisionOptions,
  type ResolutionOptions,
  type SessionsOptions,
  sessionOptions,
  sessionsOptions,
} from "../options.ts";
import { refuseReplacing } from "../outputs.ts";
import { PictureFailures } from "../picture-failures.ts";
import { FROM_FILE_HELP } from "../picture-list.ts";
import { expandPictures, underNames } from "../picture-paths.ts";
import { Progress } from "../progress.ts";
import { printable, type Terminal } from "../terminal.ts";

interface EmbedFlags
  extends ModelOptions,
    DeviceOptions,
    SessionsOptions,
    PrecisionOptions,
    ResolutionOptions,
    FeatureFlags,
    DecodeFlags {
  json?: boolean;
  output?: string;
  fromFile?: string;
  transform?: string;
  normalize: boolean;
  batch: number;
  cache: boolean;
  text: string[];
  textModel?: string;
}

interface Embedding {
  readonly name: string;
  readonly vector: Float32Array;
  /** The model that made it of a text; undefined for a picture's. */
  readonly textModel?: string;
}

const EXAMPLES = `
Vectors have length 1, so their dot product is the cosine similarity. CLIP
models give their embedding, classifiers the features before their last layer,
and --layer any other. What decides their numbers is stated with them as their
"space": only vectors of one space (equal ids) can be compared. With words, a
line begins with the cosines with each of them, in their order.

Examples:
  $ saccade embed cat.jpg dog.jpg --model sparseformer_btsp_openai_clip_base
  $ saccade embed photos/ --output vectors.safetensors
  $ saccade embed photos/ --json > vectors.jsonl
  $ saccade embed panoramas/ --views whole --decode exact
  $ saccade embed photos/ --layer unit.3 --views flips --json
  $ saccade embed --from-file list.txt --output vectors.safetensors
  $ saccade embed cat.jpg --text "a dog" --text "a cat" --model my-clip
`;

export function addEmbed(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  const command = program
    .command("embed")
    .description("turn pictures and words into vectors, and say how alike they are")
    .argument("[path...]", "pictures, folders, globs, or - for standard input")
    .option("--from-file <list>", FROM_FILE_HELP)
    .option("-m, --model <model>", "registered name, model folder, checkpoint or ONNX file", DEFAULT_MODEL)
    .option(
      "--output <out.safetensors>",
      'write the vectors: "embeddings" (pictures, width), names and space in the metadata',
    )
    .option("--json", "one JSON object a line and picture")
    .option("--transform <text>", "preprocessing instead of the model's own")
    .option("--no-normalize", "leave the vectors as long as the model makes them")
    .option("--batch <n>", "pictures run together", integer(1), 8)
    .option(
      "--text <words>",
      "vectors of words too, to compare with pictures': CLIP models; may be repeated",
      repeated,
      [],
    )
    .option("--text-model <model>", "the text model for them (default: the one that belongs to the model)")
    .option("--no-cache", NO_CACHE_HELP)
    .addHelpText("after", EXAMPLES);
  addResolutionOption(addPrecisionOption(addSessionsOption(addDeviceOptions(addModelOptions(command)))));
  addDecodeOption(addFeatureOptions(command), DEFAULT_DECODING).action((paths: string[], flags: EmbedFlags) =>
    embed(paths, flags, terminal, finish),
  );
}

async function embed(
  paths: string[],
  flags: EmbedFlags,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): Promise<void> {
  requireForTexts(flags);
  const { pictures, problems } = await picturesOf(paths, flags, terminal);
  await refuseReplacing([flags.output], {
    models: [flags.model, flags.textModel],
    paths: [...pictures.map(({ name }) => name), flags.fromFile],
  });
  await using embedder = await loadEmbedder(nodeHost, flags.model ?? DEFAULT_MODEL, {
    ...loadOptions(flags, terminal),
    ...sessionOptions(flags, terminal),
    ...sessionsOptions(flags, pictures.length),
    precision: flags.precision,
    normalize: flags.normalize,
    cache: flags.cache,
    ...(flags.transform === undefined ? {} : { transform: flags.transform }),
    ...(flags.resolution === undefined ? {} : { resolution: flags.resolution }),
    ...featureOptions(flags),
  });
  const { signal } = terminal;
  const decoding = flags.decode === undefined ? {} : { decode: flags.decode };
  const options = { batchSize: flags.batch, signal, ...decoding };
  const progress = new Progress(terminal, "pictures", pictures.length);
  const embeddings: Embedding[] = [];
  const texts = await textEmbeddings(embedder, flags, terminal);
  const tell = (embedding: Embedding) => {
    embeddings.push(embedding);
    const others = texts.length > 0 ? texts : embeddings.slice(0, 1);
    terminal.out(flags.json ? jsonLine(embedding, embedder) : textLine(embedding, others));
  };
  const failures = new PictureFailures(terminal, flags.json);
  for (const { name, error } of problems) failures.add(name, error);
  for (const text of texts) tell(text);
  const answers = underNames(pictures, (sources) => embedder.embedAll(sources, options));
  for await (const { source: picture, ...result } of answers) {
    if (terminal.outputClosed && flags.output === undefined) break;
    progress.advance();
    if (result.error !== undefined) {
      failures.add(picture.name, result.error);
      continue;
    }
    tell({ name: picture.name, vector: result.answer });
  }
  progress.finish();
  if (flags.output !== undefined && embeddings.length > 0) {
    await nodeHost.files.writeAtomic(flags.output, toSafetensors(embeddings, embedder));
    terminal.note(`${flags.output}: ${embeddings.length} x ${embeddings[0]!.vector.length}`);
  }
  if (!failures.finish(pictures.length + problems.length)) finish(1);
}

function repeated(words: string, before: readonly string[]): string[] {
  return [...before, words];
}

/** Texts alone are enough. */
async function picturesOf(paths: string[], { text, fromFile }: EmbedFlags, terminal: Terminal) {
  if (text.length > 0 && paths.length === 0 && fromFile === undefined) return { pictures: [], problems: [] };
  return expandPictures(nodeHost, { paths, fromFile }, terminal);
}

/** Throws UsageError for options that take pictures' vectors to where no text is. */
function requireForTexts({ text, textModel, layer, power, normalize }: EmbedFlags): void {
  if (text.length === 0) {
    if (textModel !== undefined) throw new UsageError("--text-model is for words", 'give some: --text "a dog"');
    return;
  }
  const away = layer !== undefined ? "--layer" : power === true ? "--power" : normalize ? undefined : "--no-normalize";
  if (away !== undefined)
    throw new UsageError(
      `with ${away} pictures' vectors cannot be compared with words'`,
      `leave ${away} out, or give words and pictures to two commands`,
    );
}

async function textEmbeddings(
  { card, space }: Embedder,
  { text, textModel, ...flags }: EmbedFlags,
  terminal: Terminal,
): Promise<Embedding[]> {
  if (text.length === 0) return [];
  await using texts = await pairedTexts(nodeHost, card, {
    ...sessionOptions(flags, terminal),
    cache: flags.cache,
    textModel: textModel ?? card.textModel,
  });
  requirePair(card.name, space.width, texts);
  const vectors = await texts.embed(text, { signal: terminal.signal });
  return vectors.map((vector, i) => ({ name: text[i]!, vector, textModel: texts.card.name }));
}

/** The space of words is that of the pictures which they are compared with. */
function jsonLine({ name, vector, textModel }: Embedding, { card, space }: Embedder): string {
  const what = textModel === undefined ? { path: name } : { text: name, text_model: textModel };
  return `${JSON.stringify({ ...what, model: card.name, space, embedding: Array.from(vector) })}\n`;
}

/** @param others what it is compared with: the texts, or without any the first picture */
function textLine(embedding: Embedding, others: readonly Embedding[]): string {
  const { name, vector, textModel } = embedding;
  const isFirst = textModel === undefined && others[0] === embedding;
  const likeness = others.map((other) => (isFirst ? "first" : cosine(vector, other.vector).toFixed(3)).padStart(6));
  const start = Array.from(vector.subarray(0, 3), (value) => value.toFixed(3)).join(", ");
  const shown = textModel === undefined ? printable(name) : `"${printable(name)}"`;
  return `${likeness.join("  ")}  ${shown}  (${vector.length}: ${start}, …)\n`;
}

function cosine(a: Float32Array, b: Float32Array): number {
  let dot = 0;
  let squareA = 0;
  let squareB = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    squareA += a[i]! ** 2;
    squareB += b[i]! ** 2;
  }
  return dot === 0 ? 0 : dot / Math.sqrt(squareA * squareB);
}

function toSafetensors(embeddings: readonly Embedding[], { card, space }: Embedder): Uint8Array {
  const width = embeddings[0]!.vector.length;
  const data = new Float32Array(embeddings.length * width);
  embeddings.forEach(({ vector }, i) => {
    data.set(vector, i * width);
  });
  const names = JSON.stringify(embeddings.map(({ name }) => name));
  return writeSafetensors([["embeddings", tensor("float32", [embeddings.length, width], data)]], {
    names,
    model: card.name,
    space: JSON.stringify(space),
  });
}
