// A model without its weights, from what a user names: what counting needs, and benchmarks, whose time does not depend on values.
import { NotFoundError, UsageError } from "../errors.ts";
import { fixedOutputSize, parseTransform } from "../image/transform.ts";
import type { InputExtent, TextExtent } from "../models/cost.ts";
import { pictureInput } from "../models/picture-input.ts";
import { changedModel, type ModelDefinition, registry } from "../models/registry.ts";
import type { Host } from "../platform/host.ts";
import type { ConfigFile } from "./config-file.ts";
import { definitionOf } from "./definition.ts";
import { readFolder } from "./folder.ts";
import { bundledFolder, nameHint } from "./load.ts";

export interface DescribedModel {
  /** For people: a registered or bundled name, or the path of the folder. */
  readonly name: string;
  readonly definition: ModelDefinition;
  /** What the folder says, for a model that is in one. */
  readonly file: ConfigFile | undefined;
}

/**
 * The definition behind a registered or bundled name or a model folder. No weights are read; they need not be there.
 *
 * @throws NotFoundError for a name that nothing has; UsageError for a file, which says what it is only through its weights
 */
export async function describeModel(
  host: Host,
  source: string,
  config: Readonly<Record<string, unknown>> = {},
): Promise<DescribedModel> {
  if (registry.has(source)) return { name: source, definition: changedModel(source, {}, config), file: undefined };
  const folder = (await bundledFolder(host, source)) ?? source;
  const entry = await host.files.stat(folder);
  if (entry === undefined) throw new NotFoundError("model", source, await nameHint(host, source));
  if (!entry.isDirectory)
    throw new UsageError(`${source} is a file; a registered name or a model folder is needed here`);
  const file = await readConfigFile(host, folder);
  return { name: source, definition: definitionOf(file, config), file };
}

/** What the config.json of a model folder says, of whatever layout. Throws UsageError for a folder with an ONNX file, which says it itself. */
export async function readConfigFile({ files }: Host, folder: string): Promise<ConfigFile> {
  const found = await readFolder(files, folder);
  if (found.kind === "native") return found.file;
  throw new UsageError(`the model in ${folder} is an ONNX file; one of our architectures is needed here`);
}

/**
 * The pictures (or clips) that a model was made for: what its own transform makes of any picture, where that is always one size; else what its
 * architecture is usually given.
 */
export function usualExtent(definition: ModelDefinition, transform: string | undefined): InputExtent {
  const { usual } = pictureInput(definition);
  const size = transform === undefined ? undefined : fixedOutputSize(parseTransform(transform));
  return { ...(size ?? { height: usual.height, width: usual.width }), ...framesOf(usual) };
}

/** What a run of a model of any kind is counted with: the pictures or clips that it was made for, or a text. */
export function countedExtent(definition: ModelDefinition, transform: string | undefined): InputExtent | TextExtent {
  const input = definition.architecture.input(definition.config);
  return input.kind === "text" ? { tokens: input.context } : usualExtent(definition, transform);
}

function framesOf({ frames }: { readonly frames?: number }): { frames?: number } {
  return frames === undefined ? {} : { frames };
}
