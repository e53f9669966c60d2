// Pictures without labels, of which some are to be labelled next.
import { createDataset, type Dataset } from "../data/dataset.ts";
import type { DataFiles } from "../data/files.ts";
import { readClassFolders } from "../data/folder.ts";
import { NotFoundError, SaccadeError, UsageError } from "../errors.ts";
import { decisions } from "../learn/heads.ts";
import type { CheckedLabels } from "./audit.ts";
import { probabilitiesOf } from "./held-out.ts";
import { type NextOptions, type NextPicture, nextToLabel } from "./next-to-label.ts";
import type { PictureSet } from "./picture-set.ts";

/**
 * All pictures in a folder and the folders in it, with one label that means nothing.
 *
 * @throws NotFoundError, UsageError for a file, SaccadeError (`data`) when there is no picture
 */
export async function openUnlabelled(files: DataFiles, path: string): Promise<Dataset> {
  const entry = await files.stat(path);
  if (entry === undefined) throw new NotFoundError("folder", path, "pass a folder of pictures without labels");
  if (!entry.isDirectory) throw new UsageError(`${path} is a file`, "pass a folder of pictures without labels");
  const { samples, problems } = await readClassFolders(files, [entry]);
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

/** Which pictures of a pool to label next; classes are numbers of the labelled set's labels. */
export async function chooseNext(
  labelled: PictureSet,
  { checked, classifier }: Pick<CheckedLabels, "checked" | "classifier">,
  pool: PictureSet,
  options: NextOptions,
): Promise<NextPicture[]> {
  const probabilities = probabilitiesOf(decisions(classifier.head, pool.features), classifier.scale, checked.length);
  const chosen = await nextToLabel(
    { features: pool.features, probabilities, classes: checked.length },
    labelled.features,
    options,
  );
  return chosen.map((next) => {
    const [first, second] = next.likeliest;
    return { ...next, likeliest: [checked[first]!, checked[second]!] };
  });
}
