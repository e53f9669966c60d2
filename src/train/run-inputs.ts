// inputs.json in a run's folder: what the run began with besides its recipe, so that `--resume` needs to be told nothing again and notices when
// the data is not what it was.
import { z } from "zod";
import { sameLabels } from "../data/labels.ts";
import { FormatError, SaccadeError } from "../errors.ts";
import { isHidden } from "../image/picture-files.ts";
import type { NativeModel } from "../model-folder/model.ts";
import type { Files } from "../platform/host.ts";
import { DEVICES } from "../runtime/session.ts";
import { decodeText } from "../text-file.ts";
import { listCheckpoints, loadCheckpoint } from "./run/checkpoint.ts";
import type { RunPaths } from "./run/run-folder.ts";

const inputsSchema = z.looseObject({
  /** Its absolute path: a run may be gone on with from another working directory. */
  data: z.string(),
  /** The model whose weights it began with. */
  from: z.string().optional(),
  teacher: z.string().optional(),
  /** A folder of pictures without labels. */
  unlabelled: z.string().optional(),
  /** Of pre-training: labelled pictures that features are tried on, every so many epochs, and whose values these are. */
  probe: z.looseObject({ data: z.string(), every: z.int().min(1).optional(), layer: z.string().optional() }).optional(),
  validation_fraction: z.number().optional(),
  /** Where to run, when the user said so. */
  device: z.enum(DEVICES).optional(),
  /** Where it ran. */
  computed_on: z.string().optional(),
  /** Of the engine: sums are rounded in another order with another number. */
  threads: z.int().min(1).optional(),
  /** The order of an epoch depends on their number. */
  training_pictures: z.int(),
  validation_pictures: z.int(),
});

/** What a run began with. */
export type RunInputs = z.infer<typeof inputsSchema>;

const MAX_INPUTS_BYTES = 2 ** 20;
const pathOf = (files: Files, folder: string) => files.join(folder, "inputs.json");

export async function writeRunInputs(files: Files, folder: string, inputs: RunInputs): Promise<void> {
  await files.writeAtomic(pathOf(files, folder), `${JSON.stringify(inputs, undefined, 2)}\n`);
}

/** undefined for a folder without one. */
export async function readRunInputs(files: Files, folder: string): Promise<RunInputs | undefined> {
  const path = pathOf(files, folder);
  if ((await files.stat(path)) === undefined) return undefined;
  const text = decodeText(await files.read(path, { maxBytes: MAX_INPUTS_BYTES }), path);
  try {
    return inputsSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new FormatError(path, "not what a run writes there", { cause });
  }
}

/**
 * Checks that a run goes on with the data that it began with.
 *
 * @param before undefined for a run that kept no record; then only labels are compared
 * @throws SaccadeError "data_differs"
 */
export function requireSameData(
  before: RunInputs | undefined,
  now: Pick<RunInputs, "training_pictures" | "validation_pictures">,
  model: NativeModel,
  labels: readonly string[],
): void {
  const known = model.card.labels ?? [];
  const fail = (problem: string, data: Record<string, unknown>) =>
    new SaccadeError("data_differs", `this is not the data that the run began with: ${problem}`, {
      hint: "resume with the same data, or begin a new run with --from and this one's last/",
      data,
    });
  if (!sameLabels(known, labels))
    throw fail(`its classes are ${summary(labels)}, they were ${summary(known)}`, { before: known, now: labels });
  if (before === undefined) return;
  for (const [field, what] of [
    ["training_pictures", "training"],
    ["validation_pictures", "validation"],
  ] as const)
    if (before[field] !== now[field])
      throw fail(`it has ${now[field]} ${what} pictures, it had ${before[field]}`, { before, now });
}

function summary(labels: readonly string[]): string {
  return labels.length <= 4 ? labels.join(", ") : `${labels.length} (${labels.slice(0, 3).join(", ")}, …)`;
}

/** The model of a run's newest checkpoint: its definition and labels, whatever the run was started from. */
export async function modelOfRun(files: Files, paths: RunPaths): Promise<NativeModel> {
  return (await loadCheckpoint(files, paths.checkpoints)).model;
}

/**
 * Takes away what a run that failed before its first checkpoint has written, so that its folder can be used again. A run with a checkpoint is
 * left as it is.
 *
 * @returns whether the run can be resumed
 */
export async function abandonRun(files: Files, paths: RunPaths): Promise<boolean> {
  if ((await listCheckpoints(files, paths.checkpoints)).length > 0) return true;
  // The folder was empty when the run was made in it, but for what is not its own.
  for (const entry of await files.list(paths.folder)) if (!isHidden(entry)) await files.remove(entry.path);
  return false;
}

/**
 * Where a run goes when nobody says: `runs/NAME`, or the first of `runs/NAME-2`, `runs/NAME-3`, … that is free; to go on, the last that is not.
 * An empty folder, which a run that failed at once leaves, is free.
 */
export async function defaultRunFolder(files: Files, name: string, resumes: boolean): Promise<string> {
  const folder = (number: number) => files.join("runs", number === 1 ? name : `${name}-${number}`);
  let next = 1;
  while (await isTaken(files, folder(next))) next += 1;
  return folder(resumes ? Math.max(1, next - 1) : next);
}

async function isTaken(files: Files, path: string): Promise<boolean> {
  const entry = await files.stat(path);
  return entry !== undefined && (!entry.isDirectory || (await files.list(path)).some((inside) => !isHidden(inside)));
}
