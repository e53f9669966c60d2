// What a command reads is never what it writes: asked before anything is written, and answered by what files are, not by how they are spelled.
import { dirname, relative, resolve } from "node:path";
import { SaccadeError, UsageError } from "../errors.ts";
import { MAX_WEIGHT_BYTES } from "../model-folder/folder-weights.ts";
import { bundledFolder, pulledPath } from "../model-folder/load.ts";
import { registry } from "../models/registry.ts";
import { externalTensors } from "../onnx/external-data.ts";
import { fileIdentity, realPath } from "../platform/node/file-identity.ts";
import { nodeHost } from "../platform/node/host.ts";

const { files } = nodeHost;

/** What a command reads. Folders stand for all files in them. */
export interface Inputs {
  /** As on the command line: a name, a folder, a file. */
  readonly models?: readonly (string | undefined)[];
  readonly paths?: readonly (string | undefined)[];
}

/** Pages that this program writes and nobody reads as an input: a second report may replace the first, wherever it lies. */
const PAGE = /\.html?$/i;

/** Throws UsageError when an output is there already and is one of the inputs, under whatever name, or when two outputs are one file. */
export async function refuseReplacing(outputs: readonly (string | undefined)[], inputs: Inputs): Promise<void> {
  const replaced = new Map<string, string>();
  const named = new Set<string>();
  for (const output of outputs) {
    if (output === undefined) continue;
    if (named.has(resolve(output))) throw new UsageError(`${output} is to be written twice`, "name two files");
    named.add(resolve(output));
    const identity = await fileIdentity(output);
    if (identity !== undefined) replaced.set(identity, output);
  }
  if (replaced.size === 0) return;
  const models = await Promise.all((inputs.models ?? []).map(modelPath));
  const beside = await Promise.all([...models, ...(inputs.paths ?? [])].map(filesBeside));
  for (const path of [...models, ...(inputs.paths ?? []), ...beside.flat()]) {
    if (path === undefined) continue;
    for await (const [read, identity] of identities(path)) {
      const output = replaced.get(identity);
      if (output === undefined || (read !== path && PAGE.test(read))) continue;
      throw new UsageError(
        `${output} would be replaced, and it is read${resolve(read) === resolve(output) ? "" : ` as ${read}`}`,
        "name another file for what is written",
      );
    }
  }
}

/** Throws UsageError when the folder to be written is a folder that is read, or lies in it. */
export async function refuseInside(folder: string, inputs: readonly string[]): Promise<void> {
  const written = await realPath(folder);
  for (const input of inputs) {
    if ((await files.stat(input))?.isDirectory !== true) continue;
    const from = relative(await realPath(input), written);
    if (from === "")
      throw new UsageError(`${folder} is the folder that is read`, "name another folder for what is written");
    if (!from.startsWith("..") && resolve(from) !== from)
      throw new UsageError(`${folder} lies in ${input}, which is read`, "name a folder outside of it");
  }
}

/** Where the files of a model are; undefined for models that are not here. */
async function modelPath(source: string | undefined): Promise<string | undefined> {
  if (source === undefined) return undefined;
  return (await bundledFolder(nodeHost, source)) ?? (registry.has(source) ? pulledPath(nodeHost, source) : source);
}

/** Where an ONNX file keeps weights that are not in it. What cannot be read is left out: its reader reports it. */
async function filesBeside(path: string | undefined): Promise<string[]> {
  if (path === undefined || !path.endsWith(".onnx")) return [];
  try {
    const bytes = await files.read(path, { maxBytes: MAX_WEIGHT_BYTES });
    const locations = new Set(externalTensors(bytes, path).map(({ location }) => location));
    return [...locations].map((location) => files.join(dirname(path), location));
  } catch (error) {
    if (error instanceof SaccadeError) return [];
    throw error;
  }
}

/** A file and what it is, or all files below a folder. What cannot be looked at is left out: its reader reports it. */
async function* identities(path: string): AsyncGenerator<readonly [path: string, identity: string]> {
  const entry = await files.stat(path).catch(() => undefined);
  if (entry?.isDirectory) {
    for (const inner of await files.list(path).catch(() => [])) yield* identities(inner.path);
    return;
  }
  const identity = await fileIdentity(path);
  if (identity !== undefined) yield [path, identity];
}
