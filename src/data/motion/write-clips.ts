// The folder of a data set of clips: each clip a file, or a folder of its frames, in its class's folder; and a record of how they were made.
import {
  FolderMaker,
  folderName,
  type NewFolderFiles,
  SPLIT_FOLDERS,
  sampleName,
  writeNewFolder,
} from "../new-folder.ts";
import type { SplitName } from "../samples.ts";

/** A clip as it is kept: bytes of a video file, or of its frames in order. */
export type EncodedClip =
  | { readonly kind: "file"; readonly extension: string; readonly bytes: Uint8Array }
  | { readonly kind: "frames"; readonly extension: string; readonly frames: readonly Uint8Array[] };

export interface LabelledClip {
  readonly label: string;
  /** From 1, unique in its split. */
  readonly number: number;
  readonly clip: EncodedClip;
}

/**
 * Writes clips as `fill` hands them over, then the record.
 *
 * @throws as `writeNewFolder`
 */
export async function writeClips(
  files: NewFolderFiles,
  out: string,
  record: Record<string, unknown>,
  fill: (write: (split: SplitName, clip: LabelledClip) => Promise<void>) => Promise<void>,
): Promise<void> {
  await writeNewFolder(files, out, "the clips", async (target) => {
    const folders = new FolderMaker(files);
    await fill(async (split, { label, number, clip }) => {
      const folder = files.join(target, SPLIT_FOLDERS[split], folderName(label));
      await folders.make(folder);
      const path = files.join(folder, sampleName(number));
      if (clip.kind === "file") {
        await files.writeAtomic(`${path}.${clip.extension}`, clip.bytes);
        return;
      }
      await folders.make(path);
      for (const [i, frame] of clip.frames.entries())
        await files.writeAtomic(files.join(path, `${sampleName(i + 1)}.${clip.extension}`), frame);
    });
    await files.writeAtomic(files.join(target, "motion.json"), `${JSON.stringify(record, undefined, 2)}\n`);
  });
}
