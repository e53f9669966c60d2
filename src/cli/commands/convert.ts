// saccade convert: any checkpoint to a model folder.
import { type Command, Option } from "commander";
import { z } from "zod";
import { FormatError, UsageError } from "../../errors.ts";
import { parseTransform } from "../../image/transform.ts";
import {
  type Conversion,
  type ConvertOptions,
  convertCheckpoint,
  convertModel,
  convertOnnx,
  STORED_PRECISIONS,
  type StoredPrecision,
} from "../../model-folder/convert.ts";
import { MAX_WEIGHT_BYTES } from "../../model-folder/folder-weights.ts";
import { loadFolder, loadModel, writeModelFolder } from "../../model-folder/load.ts";
import type { LoadedModel, ModelCard, OnnxModel } from "../../model-folder/model.ts";
import { wholeOnnx } from "../../model-folder/onnx-file.ts";
import { onnxModel } from "../../model-folder/onnx-model.ts";
import { aboutTokens, type TokenDial, withTokenDial } from "../../model-folder/token-dial.ts";
import { faultsText } from "../../models/check-config.ts";
import { isOnnx } from "../../onnx/read.ts";
import { SCORE_KINDS, type ScoreKind } from "../../onnx/score-kind.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { elementCount } from "../../tensor.ts";
import { decodeText } from "../../text-file.ts";
import { version } from "../../version.ts";
import { keyValue, readLines, TOKENS_HELP, tokenDial } from "../options.ts";
import { refuseReplacing } from "../outputs.ts";
import { compact, printable, type Terminal } from "../terminal.ts";

interface ConvertFlags {
  architecture?: string;
  config?: string[];
  tokens?: TokenDial;
  entry?: string;
  dtype?: StoredPrecision;
  labels?: string;
  transform?: string;
  licence?: string;
  scores?: ScoreKind;
  force?: boolean;
}

const EXAMPLES = `
A file given to --config is a config.json of a model folder, or an object of the
architecture's parameters (conv_dim, num_latent_tokens, width_configs, ...), by
itself or under "config".

Examples:
  $ saccade convert sparseformer_v1_tiny_converted.pth tiny/
  $ saccade convert net.pth my-net/ --config config.json --labels names.txt
  $ saccade convert tiny.pth small-file/ --dtype float16
  $ saccade convert runs/flowers/best/ small-flowers/ --dtype int8
  $ saccade convert clip.pth cheap/ --tokens 25
  $ saccade convert my-vit/ fast-vit/ --tokens merge=9:tome
  $ saccade convert foreign.onnx mine.onnx --labels names.txt
`;

export function addConvert(program: Command, terminal: Terminal): void {
  program
    .command("convert")
    .description("make a model folder out of a checkpoint, or of another model folder")
    .argument("<checkpoint>", ".safetensors or PyTorch file, a model folder or name, or an ONNX file")
    .argument("<out>", "the model folder to write; of an ONNX file, another one")
    .option("--architecture <name>", "registered model or architecture (default: the one that fits)")
    .option(
      "--config <file|field=value>",
      "the configuration, or a field of it; may be repeated",
      (text: string, previous: string[] = []) => [...previous, text],
    )
    .option("--tokens <how>", TOKENS_HELP, tokenDial)
    .option("--entry <name>", "the entry of a PyTorch checkpoint to take, such as model_ema")
    .addOption(new Option("--dtype <dtype>", "precision of the stored weights").choices(STORED_PRECISIONS))
    .option("--labels <file>", "class names, one a line")
    .option("--transform <text>", "preprocessing, such as resize(224,224)|normalize(imagenet)")
    .option("--licence <text>", "licence of the weights")
    .addOption(new Option("--scores <kind>", "of an ONNX file: what its scores are").choices(SCORE_KINDS))
    .option("--force", "write into a folder that is not empty, or over a file")
    .addHelpText("after", EXAMPLES)
    .action((checkpoint: string, out: string, flags: ConvertFlags) => convert(checkpoint, out, flags, terminal));
}

async function convert(checkpoint: string, out: string, flags: ConvertFlags, terminal: Terminal): Promise<void> {
  const { join } = nodeHost.files;
  await refuseReplacing([out, join(out, "model.safetensors"), join(out, "config.json")], {
    paths: [checkpoint, flags.labels, ...(flags.config ?? [])],
  });
  if (flags.transform !== undefined) parseTransform(flags.transform);
  const { tokens } = flags;
  const said = await readConfig(flags.config ?? []);
  if (tokens === undefined) return convertAs(said, checkpoint, out, flags, terminal);
  const described = withTokenDial({ ...said, tokens });
  return convertAs(described, checkpoint, out, flags, terminal).catch((error: unknown) => {
    throw aboutTokens(error, described); // in words of the dial, and not of configurations and weights
  });
}

async function convertAs(
  described: ConvertOptions,
  checkpoint: string,
  out: string,
  flags: ConvertFlags,
  terminal: Terminal,
): Promise<void> {
  const options: ConvertOptions = {
    ...described,
    ...(flags.architecture === undefined ? {} : { architecture: flags.architecture }),
    ...(flags.entry === undefined ? {} : { entry: flags.entry }),
    ...(flags.dtype === undefined ? {} : { dtype: flags.dtype }),
    ...(flags.labels === undefined ? {} : { labels: await readLines(nodeHost.files, flags.labels) }),
    ...(flags.transform === undefined ? {} : { transform: flags.transform }),
    ...(flags.licence === undefined ? {} : { licence: flags.licence }),
    ...(flags.scores === undefined ? {} : { scores: flags.scores }),
    provenance: {
      ...described.provenance,
      converted_from: checkpoint.replace(/[/\\]+$/, "").replace(/^.*[/\\]/, ""),
      converted_by: `saccade ${version}`,
    },
  };
  const { files } = nodeHost;
  const source = await readSource(checkpoint, flags, described.config);
  if (!(source instanceof Uint8Array) && source.kind === "onnx")
    return writeOnnx(convertOnnx(source, options), out, flags, terminal);
  if (flags.scores !== undefined) throw new UsageError("--scores is for ONNX files");
  if (flags.force !== true) await requireEmpty(out);
  const { config: _, ...unchanged } = options; // a folder's model is read with its changes
  const conversion =
    source instanceof Uint8Array
      ? convertCheckpoint(source, checkpoint, options)
      : convertModel(source, checkpoint, unchanged);
  await writeModelFolder(files, out, conversion.model, flags.dtype === "int8" ? "int8" : "own");
  terminal.out(describe(checkpoint, out, conversion, flags.dtype));
}

/** A folder's model or an ONNX file as a model; the bytes of a checkpoint, which need not say what they are. */
async function readSource(
  path: string,
  { transform }: ConvertFlags,
  config: ConvertOptions["config"],
): Promise<LoadedModel | Uint8Array> {
  const { files } = nodeHost;
  const entry = await files.stat(path);
  const options = { ...(transform === undefined ? {} : { transform }), ...(config === undefined ? {} : { config }) };
  if (entry === undefined) return loadModel(nodeHost, path, options); // a name, or nothing that is there
  if (entry.isDirectory) return loadFolder(files, path, options);
  const bytes = await files.read(path, { maxBytes: MAX_WEIGHT_BYTES });
  return isOnnx(bytes) ? onnxModel((await wholeOnnx(files, path, bytes)).bytes, path) : bytes;
}

/** An ONNX file stays one: a model folder has weights of an architecture of this program. */
async function writeOnnx({ bytes, card }: OnnxModel, out: string, flags: ConvertFlags, terminal: Terminal) {
  if (!out.endsWith(".onnx"))
    throw new UsageError(`${card.name} is an ONNX file, and becomes another one`, "give a path that ends in .onnx");
  if (flags.force !== true && (await nodeHost.files.stat(out)) !== undefined)
    throw new UsageError(`${out} is there already`, "give another path, or --force to write over it");
  await nodeHost.files.writeAtomic(out, bytes);
  const facts = [
    `${out}: ONNX, ${compact(bytes.length, "B")}, all of it in one file`,
    `from ${card.name}`,
    ...aboutCard(card),
  ];
  terminal.out(`${facts.map((line, i) => `${i === 0 ? "" : "  "}${printable(line)}`).join("\n")}\n`);
}

function aboutCard({ labels, transform, licence, scores }: ModelCard): string[] {
  return [
    ...(labels === undefined ? [] : [`${labels.length} labels`]),
    ...(transform === undefined ? [] : [`transform ${transform}`]),
    ...(scores === undefined ? [] : [`scores are ${scores}`]),
    ...(licence === undefined ? [] : [`licence ${licence}`]),
  ];
}

async function requireEmpty(folder: string): Promise<void> {
  const entry = await nodeHost.files.stat(folder);
  if (entry === undefined) return;
  if (!entry.isDirectory) throw new UsageError(`${folder} is a file; a folder is written`);
  if ((await nodeHost.files.list(folder)).length > 0)
    throw new UsageError(`the folder ${folder} is not empty`, "give another one, or --force to write into it");
}

/** What --config may be a file of. */
const configSchema = z.looseObject({
  architecture: z.string().optional(),
  config: z.record(z.string(), z.unknown()).optional(),
  labels: z.array(z.string()).optional(),
  transform: z.string().optional(),
  licence: z.string().optional(),
  provenance: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

/** Later values win, so that fields after a file change what the file says. */
async function readConfig(values: readonly string[]): Promise<ConvertOptions> {
  let options: ConvertOptions = {};
  for (const value of values) {
    const isField = value.includes("=") && (await nodeHost.files.stat(value)) === undefined;
    const read = isField ? { config: keyValue(value) } : await readConfigFile(value);
    const config = { ...options.config, ...read.config };
    options = { ...options, ...read, ...(Object.keys(config).length === 0 ? {} : { config }) };
  }
  return options;
}

async function readConfigFile(path: string): Promise<ConvertOptions> {
  const text = decodeText(await nodeHost.files.read(path, { maxBytes: 64 * 2 ** 20 }), path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(path, `not valid JSON (${(cause as Error).message})`, { cause });
  }
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) throw new FormatError(path, faultsText(parsed.error));
  const { architecture, config, labels, transform, licence, provenance } = parsed.data;
  if (config === undefined && architecture === undefined) return { config: parsed.data };
  return {
    ...(config === undefined ? {} : { config }),
    ...(architecture === undefined ? {} : { architecture }),
    ...(labels === undefined ? {} : { labels }),
    ...(transform === undefined ? {} : { transform }),
    ...(licence === undefined ? {} : { licence }),
    ...(provenance === undefined ? {} : { provenance }),
  };
}

function describe(
  checkpoint: string,
  folder: string,
  conversion: Conversion,
  precision: StoredPrecision | undefined,
): string {
  const { model, notes, renamed, computed, dropped } = conversion;
  const { definition, weights, card } = model;
  const values = [...weights.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const dtypes = [...new Set([...weights.values()].map(({ dtype }) => dtype))].join(", ");
  const name = definition.registered?.name ?? definition.architecture.name;
  const lines = [
    `${folder}: ${name}, ${compact(values)} parameters in ${weights.size} tensors, ${dtypes}${precision === "int8" ? ", matrices stored as int8" : ""}`,
    `from ${checkpoint}`,
    ...notes,
    ...listed(
      "renamed",
      renamed.map(({ from, to }) => `${from} -> ${to}`),
    ),
    ...listed("computed", computed),
    ...listed("left out", dropped),
    ...aboutCard(card),
  ];
  return `${lines.map((line, i) => `${i === 0 ? "" : "  "}${printable(line)}`).join("\n")}\n`;
}

function listed(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > 3 ? `, … ${names.length - 3} more` : "";
  return [`${what} ${names.length}: ${names.slice(0, 3).join(", ")}${more}`];
}
