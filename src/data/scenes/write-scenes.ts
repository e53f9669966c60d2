// The folder of a scene data set: scenes in class folders, the boxes of every split, and a record of how it was made.
import { UsageError } from "../../errors.ts";
import {
  FolderMaker,
  folderName,
  type NewFolderFiles,
  SPLIT_FOLDERS,
  sampleName,
  writeNewFolder,
} from "../new-folder.ts";
import type { SplitName } from "../samples.ts";

export interface EncodedScene {
  readonly label: string;
  /** From 1, unique in its split. */
  readonly number: number;
  readonly jpeg: Uint8Array;
  readonly box: readonly number[];
}

/**
 * Writes scenes as `fill` hands them over, then the boxes of every split and the record.
 *
 * @throws as `writeNewFolder`
 */
export async function writeScenes(
  files: NewFolderFiles,
  out: string,
  record: Record<string, unknown>,
  fill: (write: (split: SplitName, scene: EncodedScene) => Promise<void>) => Promise<void>,
): Promise<void> {
  await writeNewFolder(files, out, "the scenes", async (target) => {
    const boxes = new Map<SplitName, [name: string, box: readonly number[]][]>();
    const folders = new FolderMaker(files);
    await fill(async (split, { label, number, jpeg, box }) => {
      const folder = files.join(target, SPLIT_FOLDERS[split], folderName(label));
      await folders.make(folder);
      const name = `${sampleName(number)}.jpg`;
      await files.writeAtomic(files.join(folder, name), jpeg);
      if (!boxes.has(split)) boxes.set(split, []);
      boxes.get(split)!.push([`${folderName(label)}/${name}`, box]);
    });
    for (const [split, entries] of boxes) {
      // Scenes are finished in any order.
      const sorted = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
      await files.writeAtomic(files.join(target, `${SPLIT_FOLDERS[split]}-boxes.json`), `${JSON.stringify(sorted)}\n`);
    }
    await files.writeAtomic(files.join(target, "scenes.json"), `${JSON.stringify(record, undefined, 2)}\n`);
  });
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
