// The folder of a data set that is made: written under a temporary name, which becomes the real one when everything is there.
import { UsageError } from "../errors.ts";
import type { DataFiles } from "./files.ts";
import type { SplitName } from "./samples.ts";

/** What writing a data set needs of files. A `Host`'s are of this kind. */
export interface NewFolderFiles extends Pick<DataFiles, "read" | "readRange" | "stat" | "join"> {
  writeAtomic(path: string, bytes: Uint8Array | string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  makeDirectory(path: string): Promise<void>;
}

/** What each split's folder is called. */
export const SPLIT_FOLDERS: Readonly<Record<SplitName, string>> = { train: "train", validation: "val", test: "test" };

/**
 * Has a folder filled, and shows it when it is complete.
 *
 * @param what is written, for messages: "the scenes"
 * @param fill writes into the folder that it is given
 * @throws UsageError when something is at `out`; whatever `fill` throws, after everything was taken away again
 */
export async function writeNewFolder(
  files: NewFolderFiles,
  out: string,
  what: string,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  if ((await files.stat(out)) !== undefined)
    throw new UsageError(`${out} is there already`, `name a new folder for ${what}, or delete that one`);
  const temporary = `${out.replace(/[/\\]+$/, "")}.tmp`;
  await files.remove(temporary);
  try {
    await fill(temporary);
    await files.rename(temporary, out);
  } catch (error) {
    await files.remove(temporary);
    throw error;
  }
}

/** Makes each folder once, however many ask for it. */
export class FolderMaker {
  readonly #made = new Map<string, Promise<void>>();

  constructor(readonly files: NewFolderFiles) {}

  make(folder: string): Promise<void> {
    const known = this.#made.get(folder);
    if (known !== undefined) return known;
    const made = this.files.makeDirectory(folder);
    this.#made.set(folder, made);
    return made;
  }
}

/** A label as a folder's name, from which the label is read again. */
export function folderName(label: string): string {
  return label.replace(/[/\\:*?"<>|]/g, "_") || "_";
}

/** The number of a sample as a file's name without an extension, so that names sort as numbers do. */
export function sampleName(number: number): string {
  return String(number).padStart(6, "0");
}
