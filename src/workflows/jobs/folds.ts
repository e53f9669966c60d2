// Folds for cross-validation, as lists that say of each picture whether it is held out: what training reads anyway.
import { type Dataset, membersByClass } from "../../data/dataset.ts";
import { openDataset } from "../../data/open.ts";
import { UsageError } from "../../errors.ts";
import type { JobsHost } from "../../platform/host.ts";
import { RandomSource } from "../../random.ts";

/** Of every class as many in each fold, drawn with a seed of their own: folds of one set of data are the same in every sweep. */
export function foldsOf(dataset: Pick<Dataset, "length" | "targets" | "labels">, folds: number): Int32Array {
  const foldOf = new Int32Array(dataset.length);
  let next = 0;
  for (const [label, members] of membersByClass(dataset).entries()) {
    const random = new RandomSource(0, `folds/${dataset.labels[label]}`);
    // One class goes on where the one before has ended, so that folds are of one size whatever classes are.
    for (const member of random.shuffle(members)) foldOf[member] = next++ % folds;
  }
  return foldOf;
}

/**
 * The path of a list in `folder` in which fold `fold` is held out.
 *
 * @throws UsageError for data whose pictures are not files of their own
 */
export async function foldList(
  host: JobsHost,
  data: string,
  folds: number,
  fold: number,
  folder: string,
): Promise<string> {
  const { train, labels } = await openDataset(host.dataFiles, data, { validationFraction: 0 });
  if (train === undefined) throw new UsageError(`${data} has no training pictures to make folds of`);
  const foldOf = foldsOf(train, folds);
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const lines = ["path,label,split"];
  for (let i = 0; i < train.length; i++) {
    const { picture, label } = await train.item(i);
    if (picture.kind !== "file")
      throw new UsageError(
        `folds are made of pictures that are files, and ${train.name(i)} is none`,
        "leave folds out",
      );
    const split = foldOf[i] === fold ? "validation" : "train";
    lines.push(`${quoted(host.absolutePath(picture.path))},${quoted(labels[label]!)},${split}`);
  }
  const path = host.files.join(folder, `fold-${fold}-of-${folds}.csv`);
  await host.files.writeAtomic(path, `${lines.join("\n")}\n`);
  return path;
}
