// Pictures without labels.
import { NotFoundError, SaccadeError, UsageError } from "../errors.ts";
import { createDataset, type Dataset } from "./dataset.ts";
import type { DataFileEntry, DataFiles } from "./files.ts";
import { readClassFolders } from "./folder.ts";
import { readList } from "./list.ts";
import { isListName } from "./list-rows.ts";
import { joinParts, type SamplePart, SPLITS } from "./samples.ts";

const WANTED = "pass a folder of pictures without labels, or a CSV or JSON-lines list of their paths";

/**
 * All pictures in a folder and the folders in it, or those of a list, with one label that means nothing.
 *
 * @throws NotFoundError, UsageError for another file, SaccadeError (`data`) when there is no picture, FormatError for a list that is none
 */
export async function openUnlabelled(files: DataFiles, path: string): Promise<Dataset> {
  const entry = await files.stat(path);
  if (entry === undefined) throw new NotFoundError("pictures", path, WANTED);
  const { samples, problems } = await readSamples(files, entry);
  if (samples.length === 0)
    throw new SaccadeError("data", `there is no picture in ${path}`, { hint: "pass a folder of pictures" });
  return createDataset({
    labels: ["unlabelled"],
    targets: new Int32Array(samples.length),
    problems,
    origin: "without labels",
    name: (i) => samples[i]!.name,
    picture: (i) => ({ kind: "file", path: samples[i]!.name }),
  });
}

async function readSamples(files: DataFiles, entry: DataFileEntry): Promise<SamplePart> {
  if (entry.isDirectory) return readClassFolders(files, [entry]);
  if (!isListName(entry.path)) throw new UsageError(`${entry.path} is no folder and no list`, WANTED);
  const parts = await readList(files, entry.path, { isUnlabelled: true });
  return joinParts(SPLITS.flatMap((split) => parts[split] ?? []));
}
