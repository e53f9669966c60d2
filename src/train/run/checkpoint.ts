// Checkpoints on disk. Each is a folder `checkpoint-<step>`: a model folder, optimizer.safetensors, state.json, and validation.safetensors once an
// epoch was evaluated. It is written under a temporary name, every file synced, and gets its real name by one rename; it loses that name, by
// another rename, before it is deleted. So whatever is called checkpoint-<step> is complete at every moment, and the newest one is where a run goes
// on, however it ended.
import { FormatError, NotFoundError, SaccadeError, UsageError } from "../../errors.ts";
import { MAX_WEIGHT_BYTES } from "../../model-folder/folder-weights.ts";
import { readModelFolder, writeModelFolder } from "../../model-folder/load.ts";
import type { Files } from "../../platform/host.ts";
import { readSafetensors, writeSafetensors } from "../../weights/safetensors.ts";
import type { OpenChoice } from "../epoch-choice.ts";
import type { StateTensor } from "../updates.ts";
import { type Progress, parseProgress, printProgress } from "./checkpoint-progress.ts";
import { type CheckpointTensors, stateOfTensors } from "./checkpoint-tensors.ts";
import { readChoice, writeChoice } from "./choice-file.ts";

/** A run at one moment: all that is needed to go on from it to the same numbers. */
export interface Checkpoint extends CheckpointTensors {
  readonly progress: Progress;
  /** undefined before the first evaluation. */
  readonly choice?: OpenChoice | undefined;
}

export interface StoredCheckpoint extends Checkpoint {
  /** Its folder. */
  readonly path: string;
}

const OPTIMIZER_FILE = "optimizer.safetensors";
const PROGRESS_FILE = "state.json";
const CHOICE_FILE = "validation.safetensors";
const MAX_PROGRESS_BYTES = 64 * 2 ** 20;
/** End of the names that mean nothing to readers: checkpoints not yet or no longer whole, and unfinished atomic writes. */
const TEMPORARY = ".tmp";

/**
 * Writes a checkpoint below `folder`, then deletes those of later steps (a run that went on from an earlier checkpoint has left them behind),
 * the oldest beyond `keep` (default 2, at least 1), and what a killed run left. If it fails, or the process dies at any moment, the newest
 * checkpoint is the one before or this one, whole. One process at a time may write to a folder. The tensors' bytes are held twice meanwhile.
 * @returns the checkpoint's folder.
 * @throws SaccadeError when the disk refuses; UsageError for progress that JSON cannot hold.
 *
 * @example
 * const values = await session.readState!();
 * await saveCheckpoint(files, run.paths.checkpoints, { ...tensorsOfState(model, step.state, values), progress });
 */
export async function saveCheckpoint(
  files: Files,
  folder: string,
  checkpoint: Checkpoint,
  options: { readonly keep?: number } = {},
): Promise<string> {
  const { keep = 2 } = options;
  if (!Number.isInteger(keep) || keep < 1) throw new UsageError(`a run keeps at least 1 checkpoint, not ${keep}`);
  const progress = printProgress(checkpoint.progress);
  await files.makeDirectory(folder);
  const before = await listCheckpoints(files, folder);
  const path = files.join(folder, freeName(before, checkpoint.progress.step));
  const temporary = `${path}${TEMPORARY}`;
  // A part of an earlier attempt must not become a part of this one.
  await files.remove(temporary);
  await writeModelFolder(files, temporary, checkpoint.model);
  await files.writeAtomic(files.join(temporary, OPTIMIZER_FILE), writeSafetensors(checkpoint.optimizer));
  if (checkpoint.choice !== undefined) await writeChoice(files, files.join(temporary, CHOICE_FILE), checkpoint.choice);
  await files.writeAtomic(files.join(temporary, PROGRESS_FILE), progress);
  await files.rename(temporary, path);
  const ahead = before.filter(({ step }) => step > checkpoint.progress.step);
  const kept = before.slice(ahead.length, ahead.length + keep - 1);
  await discardOthers(
    files,
    folder,
    before.filter((entry) => !kept.includes(entry)),
  );
  return path;
}

/** The checkpoint is safe by now. What cannot be deleted costs only space, and the next save tries again: no reason to end a training. */
async function discardOthers(files: Files, folder: string, old: readonly CheckpointEntry[]): Promise<void> {
  for (const { path } of old) await discard(files, path).catch(() => undefined);
  await removeTemporaries(files, folder).catch(() => undefined);
}

/** Deleting a folder takes many operations, so it gives up its name first: half a checkpoint is never taken for a whole one. */
async function discard(files: Files, path: string): Promise<void> {
  const temporary = `${path}${TEMPORARY}`;
  await files.remove(temporary);
  await files.rename(path, temporary);
  await files.remove(temporary);
}

/** Deletes what unfinished writes left directly below `folder`. Nothing may be writing there. */
export async function removeTemporaries(files: Files, folder: string): Promise<void> {
  if ((await files.stat(folder)) === undefined) return;
  for (const { path } of await files.list(folder)) if (path.endsWith(TEMPORARY)) await files.remove(path);
}

/** A complete checkpoint, without its contents. */
export interface CheckpointEntry {
  readonly path: string;
  readonly step: number;
}

/** The complete checkpoints below `folder`, newest first; none when there is no such folder. */
export async function listCheckpoints(files: Files, folder: string): Promise<readonly CheckpointEntry[]> {
  if (!(await files.stat(folder))?.isDirectory) return [];
  const entries: (CheckpointEntry & { readonly repetition: number })[] = [];
  for (const { path, isDirectory } of await files.list(folder)) {
    const match = /[/\\]checkpoint-(\d+)(?:-(\d+))?$/.exec(path);
    if (match !== null && isDirectory)
      entries.push({ path, step: Number(match[1]), repetition: Number(match[2] ?? "1") });
  }
  return entries
    .sort((a, b) => b.step - a.step || b.repetition - a.repetition)
    .map(({ path, step }) => ({ path, step }));
}

/** `checkpoint-120`, or `checkpoint-120-2` when step 120 was saved before: the one there stays until the new one is complete. */
function freeName(existing: readonly CheckpointEntry[], step: number): string {
  const name = `checkpoint-${step}`;
  const newest = existing.find((entry) => entry.step === step);
  if (newest === undefined) return name;
  const repetition = Number(/-\d+-(\d+)$/.exec(newest.path)?.[1] ?? "1");
  return `${name}-${repetition + 1}`;
}

export interface LoadCheckpointOptions {
  /** The state of the train step that goes on. When given, the checkpoint's tensors must be exactly these. */
  readonly state?: readonly StateTensor[];
}

/**
 * Reads the newest checkpoint below `folder`, or the one that `folder` itself is.
 * @throws NotFoundError when there is none; SaccadeError "checkpoint_damaged" when it cannot be read, which only a failing disk or another
 * program can cause; SaccadeError "checkpoint_mismatch", listing the tensors, when it belongs to another training.
 */
export async function loadCheckpoint(
  files: Files,
  folder: string,
  options: LoadCheckpointOptions = {},
): Promise<StoredCheckpoint> {
  const { newest, older } = await findCheckpoint(files, folder);
  const checkpoint = await intact(newest, older, async () => ({
    path: newest,
    model: await readModelFolder(files, newest),
    optimizer: await readOptimizer(files, files.join(newest, OPTIMIZER_FILE)),
    progress: await readProgress(files, newest),
    choice: await readChoice(files, files.join(newest, CHOICE_FILE)),
  }));
  if (options.state !== undefined) stateOfTensors(checkpoint, options.state, newest);
  return checkpoint;
}

/** Where the newest checkpoint below `folder` stands, without reading tensors. Throws as `loadCheckpoint` does. */
export async function loadProgress(files: Files, folder: string): Promise<Progress> {
  const { newest, older } = await findCheckpoint(files, folder);
  return intact(newest, older, () => readProgress(files, newest));
}

async function findCheckpoint(files: Files, folder: string): Promise<{ newest: string; older: string | undefined }> {
  if ((await files.stat(files.join(folder, PROGRESS_FILE))) !== undefined) return { newest: folder, older: undefined };
  const [newest, older] = await listCheckpoints(files, folder);
  if (newest === undefined)
    throw new NotFoundError("checkpoint", folder, "a run can be resumed once its first checkpoint is written");
  return { newest: newest.path, older: older?.path };
}

async function intact<T>(path: string, older: string | undefined, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof SaccadeError)) throw cause;
    const hint = older === undefined ? undefined : `delete it, and the run goes on from ${older}`;
    throw new SaccadeError("checkpoint_damaged", `${path} is damaged: ${cause.message}`, {
      ...(hint === undefined ? {} : { hint }),
      data: { path, problem: cause.message, ...(older === undefined ? {} : { older }) },
      cause,
    });
  }
}

async function readOptimizer(files: Files, path: string): Promise<CheckpointTensors["optimizer"]> {
  const bytes = await files.read(path, { maxBytes: MAX_WEIGHT_BYTES });
  try {
    return readSafetensors(bytes).tensors;
  } catch (cause) {
    // The reader does not know the path, and a checkpoint has two files of this format.
    throw cause instanceof SaccadeError ? new FormatError(path, cause.message, { cause }) : cause;
  }
}

async function readProgress(files: Files, checkpoint: string): Promise<Progress> {
  const path = files.join(checkpoint, PROGRESS_FILE);
  return parseProgress(new TextDecoder().decode(await files.read(path, { maxBytes: MAX_PROGRESS_BYTES })), path);
}
