// saccade embed: pictures to vectors, to compare and to search with.
import type { Command } from "commander";
import { nodeHost } from "../../platform/node/host.ts";
import { type Embedder, loadEmbedder } from "../../tasks/embed/embedder.ts";
import { DEFAULT_DECODING } from "../../tasks/engine/engine.ts";
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
}

interface Embedding {
  readonly name: string;
  readonly vector: Float32Array;
}

const EXAMPLES = `
Vectors have length 1, so their dot product is the cosine similarity. CLIP
models give their embedding, classifiers the features before their last layer,
and --layer any other. What decides their numbers is stated with them as their
"space": only vectors of one space (equal ids) can be compared.

Examples:
  $ saccade embed cat.jpg dog.jpg --model sparseformer_btsp_openai_clip_base
  $ saccade embed photos/ --output vectors.safetensors
  $ saccade embed photos/ --json > vectors.jsonl
  $ saccade embed panoramas/ --views whole --decode exact
  $ saccade embed photos/ --layer stage.3 --views flips --power --output vectors.safetensors
  $ saccade embed --from-file list.txt --output vectors.safetensors
`;

export function addEmbed(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  const command = program
    .command("embed")
    .description("turn pictures into vectors, and say how alike they are")
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
    .option("--no-cache", "neither look for features of an earlier run nor keep them for the next")
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
  const { pictures, problems } = await expandPictures(nodeHost, { paths, fromFile: flags.fromFile }, terminal);
  await refuseReplacing([flags.output], {
    models: [flags.model],
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
  const failures = new PictureFailures(terminal, flags.json);
  for (const { name, error } of problems) failures.add(name, error);
  const answers = underNames(pictures, (sources) => embedder.embedAll(sources, options));
  for await (const { source: picture, ...result } of answers) {
    if (terminal.outputClosed && flags.output === undefined) break;
    progress.advance();
    if (result.error !== undefined) {
      failures.add(picture.name, result.error);
      continue;
    }
    const embedding = { name: picture.name, vector: result.answer };
    embeddings.push(embedding);
    terminal.out(flags.json ? jsonLine(embedding, embedder) : textLine(embedding, embeddings[0]!));
  }
  progress.finish();
  if (flags.output !== undefined && embeddings.length > 0) {
    await nodeHost.files.writeAtomic(flags.output, toSafetensors(embeddings, embedder));
    terminal.note(`${flags.output}: ${embeddings.length} x ${embeddings[0]!.vector.length}`);
  }
  if (!failures.finish(pictures.length + problems.length)) finish(1);
}

function jsonLine({ name, vector }: Embedding, { card, space }: Embedder): string {
  return `${JSON.stringify({ path: name, model: card.name, space, embedding: Array.from(vector) })}\n`;
}

function textLine(embedding: Embedding, first: Embedding): string {
  const { name, vector } = embedding;
  const likeness = embedding === first ? "first" : cosine(vector, first.vector).toFixed(3);
  const start = Array.from(vector.subarray(0, 3), (value) => value.toFixed(3)).join(", ");
  return `${likeness.padStart(6)}  ${printable(name)}  (${vector.length}: ${start}, …)\n`;
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
