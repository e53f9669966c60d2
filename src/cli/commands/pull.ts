// saccade pull: official weights from where their authors publish them into the cache.
import type { Command } from "commander";
import { SaccadeError, UsageError } from "../../errors.ts";
import { MAX_WEIGHT_BYTES } from "../../model-folder/folder-weights.ts";
import { pulledPath } from "../../model-folder/load.ts";
import { officialWeights, requireWeightsOf } from "../../model-folder/pulling.ts";
import { pulledVocabulary, readOpenai } from "../../model-folder/vocabulary.ts";
import { registry } from "../../models/registry.ts";
import { download } from "../../platform/node/download.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { ByteProgress } from "../progress.ts";
import { compact, noteError, type Terminal } from "../terminal.ts";

interface PullFlags {
  force?: boolean;
  from?: string;
}

const EXAMPLES = `
The file is checked against the model before it counts as pulled. An interrupted
download is continued by the same command. SACCADE_CACHE says where files go.

Examples:
  $ saccade pull sparseformer_v1_tiny
  $ saccade pull sparseformer_btsp_openai_clip_base clip_text_vit_b16
  $ saccade pull sparseformer_v1_tiny --from https://mirror.example.org/tiny.pth
`;

export function addPull(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  program
    .command("pull")
    .description("download official weights")
    .argument("<name...>", "registered models (see: saccade models)")
    .option("--from <url>", "another address for the file, such as a mirror")
    .option("--force", "download again what is here already, from the beginning")
    .addHelpText("after", EXAMPLES)
    .action((names: string[], flags: PullFlags) => pullAll(names, flags, terminal, finish));
}

async function pullAll(
  names: readonly string[],
  flags: PullFlags,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): Promise<void> {
  if (flags.from !== undefined && names.length > 1) throw new UsageError("--from is the address of one model's file");
  // Misspelt names are found before anything is downloaded.
  const sources = names.map((name) => {
    const official = officialWeights(name).url;
    return { name, url: flags.from ?? official };
  });
  for (const { name, url } of sources) {
    try {
      await pull(name, url, flags.force === true, terminal);
      await pullVocabulary(name, flags.force === true, terminal);
      await noteTextModel(name, terminal);
    } catch (error) {
      if (names.length === 1 || !(error instanceof SaccadeError) || terminal.signal.aborted) throw error;
      noteError(terminal, error, name);
      finish(1);
    }
  }
}

/** Downloads a registered model's official weights, unless they are here. */
export function pullModel(name: string, terminal: Terminal): Promise<void> {
  return pull(name, officialWeights(name).url, false, terminal);
}

async function pull(name: string, url: string, force: boolean, terminal: Terminal): Promise<void> {
  const path = pulledPath(nodeHost, name);
  if (!force && (await nodeHost.files.stat(path)) !== undefined) {
    terminal.out(`${name} is here already: ${path}\n`);
    return;
  }
  terminal.note(`${name}: downloading ${url}`);
  const progress = new ByteProgress(terminal, name);
  try {
    const { bytes, sha256, resumedFrom } = await download(url, path, {
      check: async (part) => requireWeightsOf(name, await nodeHost.files.read(part, { maxBytes: MAX_WEIGHT_BYTES })),
      onProgress: ({ received, total }) => progress.update(received, total),
      restart: force,
      signal: terminal.signal,
    });
    const resumed = resumedFrom === 0 ? "" : `, ${compact(resumedFrom, "B")} of them from an earlier attempt`;
    terminal.out(`${name}: ${compact(bytes, "B")}${resumed}\n  ${path}\n  sha256 ${sha256}\n`);
  } catch (error) {
    if (terminal.signal.aborted)
      terminal.note(`${name}: what has arrived is kept; the same command goes on from there`);
    throw error;
  } finally {
    progress.finish();
  }
}

/** What a text model's tokenizer reads. One file serves all that share it. */
async function pullVocabulary(name: string, force: boolean, terminal: Terminal): Promise<void> {
  const { vocabulary } = registry.get(name)!;
  const path = pulledVocabulary(nodeHost);
  if (vocabulary === undefined || (!force && (await nodeHost.files.stat(path)) !== undefined)) return;
  terminal.note(`${name}: downloading ${vocabulary.url}`);
  try {
    const { bytes, sha256 } = await download(vocabulary.url, path, {
      check: async (part) => void (await readOpenai(nodeHost.files, part)),
      restart: force,
      signal: terminal.signal,
    });
    terminal.out(`${name}: its vocabulary, ${compact(bytes, "B")}\n  ${path}\n  sha256 ${sha256}\n`);
  } catch (error) {
    if (!terminal.signal.aborted) terminal.note(`${name}: the weights are here, its vocabulary is not`);
    throw error;
  }
}

/** Pictures are named by text with two models, and people ask for one. */
async function noteTextModel(name: string, terminal: Terminal): Promise<void> {
  const { textModel, isTextModelAssumed } = registry.get(name)!;
  if (textModel === undefined || (await nodeHost.files.stat(pulledPath(nodeHost, textModel))) !== undefined) return;
  terminal.note(`${name}: to name pictures by text (--as), also: saccade pull ${textModel}`);
  if (isTextModelAssumed === true)
    terminal.note("  (that they belong together is assumed: the model's release does not say it)");
}
