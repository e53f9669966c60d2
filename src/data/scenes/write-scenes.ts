// The folder of a scene data set: written under a temporary name, which becomes the real one when everything is there.
import { UsageError } from "../../errors.ts";
import type { DataFiles } from "../files.ts";
import type { SplitName } from "../samples.ts";

/** What writing a data set needs of files. A `Host`'s are of this kind. */
export interface SceneFiles extends Pick<DataFiles, "read" | "readRange" | "stat" | "join"> {
  writeAtomic(path: string, bytes: Uint8Array | string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  makeDirectory(path: string): Promise<void>;
}

export interface EncodedScene {
  readonly label: string;
  /** From 1, unique in its split. */
  readonly number: number;
  readonly jpeg: Uint8Array;
  readonly box: readonly number[];
}

const FOLDERS: Readonly<Record<SplitName, string>> = { train: "train", validation: "val", test: "test" };

/**
 * Writes scenes as `fill` hands them over, then the boxes of every split and the record.
 *
 * @throws UsageError when something is at `out`; whatever `fill` throws, after everything was taken away again
 */
export async function writeScenes(
  files: SceneFiles,
  out: string,
  record: Record<string, unknown>,
  fill: (write: (split: SplitName, scene: EncodedScene) => Promise<void>) => Promise<void>,
): Promise<void> {
  if ((await files.stat(out)) !== undefined)
    throw new UsageError(`${out} is there already`, "name a new folder for the scenes, or delete that one");
  const temporary = `${out.replace(/[/\\]+$/, "")}.tmp`;
  await files.remove(temporary);
  try {
    const boxes = new Map<SplitName, [name: string, box: readonly number[]][]>();
    const folders = new Map<string, Promise<void>>();
    await fill(async (split, { label, number, jpeg, box }) => {
      const folder = files.join(temporary, FOLDERS[split], folderName(label));
      if (!folders.has(folder)) folders.set(folder, files.makeDirectory(folder));
      await folders.get(folder);
      const name = `${String(number).padStart(6, "0")}.jpg`;
      await files.writeAtomic(files.join(folder, name), jpeg);
      if (!boxes.has(split)) boxes.set(split, []);
      boxes.get(split)!.push([`${folderName(label)}/${name}`, box]);
    });
    for (const [split, entries] of boxes) {
      // Scenes are finished in any order.
      const sorted = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
      await files.writeAtomic(files.join(temporary, `${FOLDERS[split]}-boxes.json`), `${JSON.stringify(sorted)}\n`);
    }
    await files.writeAtomic(files.join(temporary, "scenes.json"), `${JSON.stringify(record, undefined, 2)}\n`);
    await files.rename(temporary, out);
  } catch (error) {
    await files.remove(temporary);
    throw error;
  }
}

/**
 * Checks that every label can have a folder of its own that is read again.
 *
 * @throws UsageError naming the labels
 */
export function requireFolders(labels: readonly string[]): void {
  const byFolder = new Map<string, string>();
  for (const label of labels) {
    const folder = folderName(label);
    if (folder.startsWith("."))
      throw new UsageError(`scenes of "${label}" would lie in a hidden folder`, "leave the class out: --classes");
    // On some file systems names of another case are the same folder.
    const key = folder.normalize("NFC").toLowerCase();
    const other = byFolder.get(key);
    if (other !== undefined)
      throw new UsageError(
        `scenes of "${other}" and "${label}" would lie in one folder`,
        "choose one of them: --classes",
      );
    byFolder.set(key, label);
  }
}

/** A label as a folder's name, from which the label is read again. */
function folderName(label: string): string {
  return label.replace(/[/\\:*?"<>|]/g, "_") || "_";
}
