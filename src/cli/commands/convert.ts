// saccade convert: any checkpoint to a model folder.
import { type Command, Option } from "commander";
import { z } from "zod";
import { FormatError, UsageError } from "../../errors.ts";
import { parseTransform } from "../../image/transform.ts";
import { type Conversion, type ConvertOptions, convertCheckpoint, convertModel } from "../../model-folder/convert.ts";
import { MAX_WEIGHT_BYTES, readModelFolder, writeModelFolder } from "../../model-folder/load.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { elementCount } from "../../tensor.ts";
import { version } from "../../version.ts";
import { keyValue, readLines } from "../options.ts";
import { compact, printable, type Terminal } from "../terminal.ts";

interface ConvertFlags {
  architecture?: string;
  config?: string[];
  entry?: string;
  dtype?: "float32" | "float16";
  labels?: string;
  transform?: string;
  licence?: string;
  force?: boolean;
}

const EXAMPLES = `
A file given to --config is a config.json of a model folder, or an object of the
architecture's parameters (conv_dim, num_latent_tokens, width_configs, ...), by
itself or under "config".

Examples:
  $ saccade convert sparseformer_v1_tiny_converted.pth tiny/
  $ saccade convert net.pth flowers/ --config config.json --labels names.txt
  $ saccade convert tiny.pth small-file/ --dtype float16
  $ saccade convert runs/flowers/best/ flowers/ --dtype float16
  $ saccade convert clip.pth cheap/ --config num_latent_tokens=25
`;

export function addConvert(program: Command, terminal: Terminal): void {
  program
    .command("convert")
    .description("make a model folder out of a checkpoint, or of another model folder")
    .argument("<checkpoint>", ".safetensors or PyTorch file, or a model folder")
    .argument("<folder>", "the model folder to write")
    .option("--architecture <name>", "registered model or architecture (default: the one that fits)")
    .option(
      "--config <file|field=value>",
      "the configuration, or a field of it; may be repeated",
      (text: string, previous: string[] = []) => [...previous, text],
    )
    .option("--entry <name>", "the entry of a PyTorch checkpoint to take, such as model_ema")
    .addOption(new Option("--dtype <dtype>", "precision of the stored weights").choices(["float32", "float16"]))
    .option("--labels <file>", "class names, one a line")
    .option("--transform <text>", "preprocessing, such as resize(224,224)|normalize(imagenet)")
    .option("--licence <text>", "licence of the weights")
    .option("--force", "write into a folder that is not empty")
    .addHelpText("after", EXAMPLES)
    .action((checkpoint: string, folder: string, flags: ConvertFlags) => convert(checkpoint, folder, flags, terminal));
}

async function convert(checkpoint: string, folder: string, flags: ConvertFlags, terminal: Terminal): Promise<void> {
  if (flags.force !== true) await requireEmpty(folder);
  if (flags.transform !== undefined) parseTransform(flags.transform);
  const described = await readConfig(flags.config ?? []);
  const options: ConvertOptions = {
    ...described,
    ...(flags.architecture === undefined ? {} : { architecture: flags.architecture }),
    ...(flags.entry === undefined ? {} : { entry: flags.entry }),
    ...(flags.dtype === undefined ? {} : { dtype: flags.dtype }),
    ...(flags.labels === undefined ? {} : { labels: await readLines(nodeHost.files, flags.labels) }),
    ...(flags.transform === undefined ? {} : { transform: flags.transform }),
    ...(flags.licence === undefined ? {} : { licence: flags.licence }),
    provenance: {
      ...described.provenance,
      converted_from: checkpoint.replace(/[/\\]+$/, "").replace(/^.*[/\\]/, ""),
      converted_by: `saccade ${version}`,
    },
  };
  const isFolder = (await nodeHost.files.stat(checkpoint))?.isDirectory === true;
  const conversion = isFolder
    ? convertModel(await readModelFolder(nodeHost.files, checkpoint), checkpoint, options)
    : convertCheckpoint(await nodeHost.files.read(checkpoint, { maxBytes: MAX_WEIGHT_BYTES }), checkpoint, options);
  await writeModelFolder(nodeHost.files, folder, conversion.model);
  terminal.out(describe(checkpoint, folder, conversion));
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
  const text = new TextDecoder().decode(await nodeHost.files.read(path, { maxBytes: 64 * 2 ** 20 }));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(path, `not valid JSON (${(cause as Error).message})`, { cause });
  }
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) throw new FormatError(path, z.prettifyError(parsed.error).replaceAll("\n", " "));
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

function describe(checkpoint: string, folder: string, conversion: Conversion): string {
  const { model, notes, renamed, computed, dropped } = conversion;
  const { definition, weights, card } = model;
  const values = [...weights.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const dtypes = [...new Set([...weights.values()].map(({ dtype }) => dtype))].join(", ");
  const name = definition.registered?.name ?? definition.architecture.name;
  const lines = [
    `${folder}: ${name}, ${compact(values)} parameters in ${weights.size} tensors, ${dtypes}`,
    `from ${checkpoint}`,
    ...notes,
    ...listed(
      "renamed",
      renamed.map(({ from, to }) => `${from} -> ${to}`),
    ),
    ...listed("computed", computed),
    ...listed("left out", dropped),
    ...(card.labels === undefined ? [] : [`${card.labels.length} labels`]),
    ...(card.transform === undefined ? [] : [`transform ${card.transform}`]),
    ...(card.licence === undefined ? [] : [`licence ${card.licence}`]),
  ];
  return `${lines.map((line, i) => `${i === 0 ? "" : "  "}${printable(line)}`).join("\n")}\n`;
}

function listed(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > 3 ? `, … ${names.length - 3} more` : "";
  return [`${what} ${names.length}: ${names.slice(0, 3).join(", ")}${more}`];
}
