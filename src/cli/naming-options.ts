// Labels that are given with the pictures: options for naming by text.
import type { Command } from "commander";
import { UsageError } from "../errors.ts";
import type { LoadedModel } from "../model-folder/model.ts";
import { nodeHost } from "../platform/node/host.ts";
import type { Classifier } from "../tasks/classify/classifier.ts";
import { loadZeroShot, type ZeroShotOptions } from "../tasks/zero-shot/zero-shot-classifier.ts";
import { readLines } from "./options.ts";

export interface NamingFlags {
  as?: string[];
  asFile?: string;
  template?: string[];
  textModel?: string;
  truncate?: boolean;
}

/** The model that is taken when labels are given and no model is. */
export const NAMING_MODEL = "sparseformer_btsp_openai_clip_base";

const collect = (text: string, before: string[] = []) => [...before, text];

/** --as, --as-file, --template, --text-model, --truncate. */
export function addNamingOptions(command: Command): Command {
  return command
    .option("--as <labels>", 'CLIP models: what it may be, such as "a sheep, a boat"; may be repeated', collect)
    .option("--as-file <file>", "the same, one label a line: for many, and for those with commas")
    .option("--template <text>", 'how labels are said, such as "a photo of {a}."; may be repeated', collect)
    .option("--text-model <model>", "the text model to compare with (default: the one that belongs to the model)")
    .option("--truncate", "cut labels that are longer than the text model reads");
}

/** The labels that were given; undefined where the model's own classes are asked for. Throws UsageError for options that need labels. */
export async function labelsGiven(flags: NamingFlags): Promise<string[] | undefined> {
  const { as, asFile } = flags;
  if (as === undefined && asFile === undefined) {
    const [needs] = (["template", "textModel", "truncate"] as const).filter((name) => flags[name] !== undefined);
    if (needs === undefined) return undefined;
    const flag = `--${needs.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new UsageError(`${flag} is for labels that are given`, "give them: --as 'a sheep, a boat'");
  }
  if (as !== undefined && asFile !== undefined) throw new UsageError("--as and --as-file cannot be together");
  if (asFile !== undefined) return await readLines(nodeHost.files, asFile);
  return as!.flatMap((text) => text.split(",").map((label) => label.trim()));
}

/** A classifier of these labels. The text model is let go as soon as their vectors are known. */
export async function openNaming(
  model: LoadedModel,
  labels: readonly string[],
  { template, textModel, truncate }: NamingFlags,
  options: ZeroShotOptions,
): Promise<Classifier> {
  const zeroShot = await loadZeroShot(nodeHost, model, {
    ...options,
    ...(textModel === undefined ? {} : { textModel }),
  });
  try {
    const classifier = await zeroShot.naming(labels, {
      ...(template === undefined ? {} : { templates: template }),
      ...(truncate === undefined ? {} : { truncate }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    await zeroShot.texts.dispose();
    return classifier;
  } catch (error) {
    await zeroShot.dispose();
    throw error;
  }
}
