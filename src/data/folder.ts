// Image folders: one folder per class, pictures anywhere below it. The layout of torchvision's ImageFolder.
import type { DataProblem } from "./dataset.ts";
import {
  baseName,
  type DataFileEntry,
  type DataFiles,
  extensionOf,
  isHidden,
  isPictureName,
  mapLimited,
} from "./files.ts";
import { labelFromFolder } from "./labels.ts";
import type { Sample, SamplePart } from "./samples.ts";

/** Deeper trees are loops of links, or not a data set. */
const MAX_DEPTH = 8;
const PARALLEL = 8;

/** Pictures that are not read here; naming them is more helpful than ignoring them like a text file. */
const OTHER_PICTURES: ReadonlySet<string> = new Set([
  "bmp",
  "heic",
  "heif",
  "jp2",
  "jxl",
  "svg",
  "ico",
  "psd",
  "ppm",
  "pgm",
]);

/** Reads the class folders among the entries. */
export async function readClassFolders(files: DataFiles, entries: readonly DataFileEntry[]): Promise<SamplePart> {
  const folders = entries.filter((entry) => entry.isDirectory && !isHidden(entry));
  const classes = await mapLimited(folders, PARALLEL, async (folder) => {
    const found: Found = { samples: [], problems: [] };
    await walk(files, folder.path, labelFromFolder(baseName(folder.path)), found, 0);
    if (found.samples.length === 0)
      found.problems.push({ name: folder.path, reason: "there is no picture in this folder" });
    return found;
  });
  return { samples: classes.flatMap((found) => found.samples), problems: classes.flatMap((found) => found.problems) };
}

interface Found {
  readonly samples: Sample[];
  readonly problems: DataProblem[];
}

async function walk(files: DataFiles, path: string, label: string, found: Found, depth: number): Promise<void> {
  for (const entry of await files.list(path)) {
    if (isHidden(entry)) continue;
    if (entry.isDirectory) {
      if (depth < MAX_DEPTH) await walk(files, entry.path, label, found, depth + 1);
      else found.problems.push({ name: entry.path, reason: `it lies more than ${MAX_DEPTH} folders deep` });
    } else if (isPictureName(entry.path)) {
      if (entry.size === 0) found.problems.push({ name: entry.path, reason: "the file is empty: 0 bytes" });
      else found.samples.push({ name: entry.path, label, picture: { kind: "file", path: entry.path } });
    } else if (OTHER_PICTURES.has(extensionOf(entry.path))) {
      found.problems.push({
        name: entry.path,
        reason: `${extensionOf(entry.path).toUpperCase()} pictures cannot be read`,
      });
    }
  }
}
