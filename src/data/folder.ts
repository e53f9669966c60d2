// Image folders: one folder per class, pictures anywhere below it. The layout of torchvision's ImageFolder. Folders of clips are the same: one per class,
// videos anywhere below it, or folders of their frames.

import { baseName, isHidden, LeftOut, picturesAndFolders } from "../image/picture-files.ts";
import { isAnimationName, isFolderOfFrames, isVideoName } from "../video/video-files.ts";
import type { DataProblem } from "./dataset.ts";
import { type DataFileEntry, type DataFiles, mapLimited } from "./files.ts";
import { labelsOfFolders } from "./labels.ts";
import type { DataKind, Sample, SamplePart } from "./samples.ts";

/** Deeper trees are loops of links, or not a data set. */
const MAX_DEPTH = 8;
const PARALLEL = 8;

/** Reads the class folders among the entries. */
export async function readClassFolders(
  files: DataFiles,
  entries: readonly DataFileEntry[],
  kind: DataKind = "pictures",
): Promise<SamplePart> {
  const leftOut = new LeftOut();
  const folders = picturesAndFolders(
    entries.filter((entry) => entry.isDirectory),
    leftOut,
  );
  const labels = labelsOfFolders(folders.map(({ path }) => baseName(path)));
  const classes = await mapLimited(folders, PARALLEL, async (folder, i) => {
    const found: Found = { samples: [], problems: [], leftOut: new LeftOut() };
    await (kind === "clips" ? walkClips : walk)(files, folder.path, labels[i]!, found, 0);
    if (found.samples.length === 0) found.problems.push({ name: folder.path, reason: nothingIn(found, kind) });
    return found;
  });
  for (const found of classes) leftOut.include(found.leftOut);
  return {
    samples: classes.flatMap((found) => found.samples),
    problems: classes.flatMap((found) => found.problems),
    leftOut,
    emptyFolders: folders.filter((_, i) => classes[i]!.samples.length === 0).map(({ path }) => path),
  };
}

interface Found {
  readonly samples: Sample[];
  readonly problems: DataProblem[];
  readonly leftOut: LeftOut;
}

function nothingIn({ leftOut }: Found, kind: DataKind): string {
  const others = leftOut.describe();
  return `there is no ${kind === "clips" ? "video" : "picture"} in this folder${others === "" ? "" : ` (it has ${others})`}`;
}

async function walk(files: DataFiles, path: string, label: string, found: Found, depth: number): Promise<void> {
  for (const entry of picturesAndFolders(await files.list(path), found.leftOut)) {
    if (entry.isDirectory) {
      if (depth < MAX_DEPTH) await walk(files, entry.path, label, found, depth + 1);
      else found.problems.push({ name: entry.path, reason: `it lies more than ${MAX_DEPTH} folders deep` });
    } else if (entry.size === 0) found.problems.push({ name: entry.path, reason: "the file is empty: 0 bytes" });
    else found.samples.push({ name: entry.path, label, picture: { kind: "file", path: entry.path } });
  }
}

/** Video files are clips, and so are folders of still pictures below the class's own. */
async function walkClips(files: DataFiles, path: string, label: string, found: Found, depth: number): Promise<void> {
  const entries = await files.list(path);
  if (depth > 0 && isFolderOfFrames(entries)) {
    found.samples.push({ name: path, label, picture: { kind: "video", path } });
    return;
  }
  for (const entry of entries) {
    const isVideo = !entry.isDirectory && (isVideoName(entry.path) || isAnimationName(entry.path));
    if (isHidden(entry) || !(entry.isDirectory || isVideo)) found.leftOut.add(entry);
    else if (isVideo && entry.size === 0)
      found.problems.push({ name: entry.path, reason: "the file is empty: 0 bytes" });
    else if (isVideo) found.samples.push({ name: entry.path, label, picture: { kind: "video", path: entry.path } });
    else if (depth < MAX_DEPTH) await walkClips(files, entry.path, label, found, depth + 1);
    else found.problems.push({ name: entry.path, reason: `it lies more than ${MAX_DEPTH} folders deep` });
  }
}
