// Before hours are spent on data: whether every class has a picture that can be read at all.
import { SaccadeError } from "../errors.ts";
import { type DataProblem, type Dataset, membersByClass } from "./dataset.ts";
import { checkAborted, type DataFiles, type DecodePicture, loadPicture, mapLimited } from "./files.ts";
import { notReadable } from "./unreadable.ts";

const PARALLEL = 4;

/** A class of which no picture can be read. */
export interface UnreadableClass {
  readonly label: string;
  readonly problems: readonly DataProblem[];
}

/** Reads pictures of every class until one can be read; of good data, one a class. Classes without pictures are not meant. */
export async function findUnreadableClasses(
  dataset: Dataset,
  files: Pick<DataFiles, "read" | "readRange">,
  decode: DecodePicture,
  signal?: AbortSignal,
): Promise<readonly UnreadableClass[]> {
  const classes = await mapLimited(membersByClass(dataset), PARALLEL, async (members, target) => {
    const problems: DataProblem[] = [];
    for (const index of members) {
      checkAborted(signal, "looking at the pictures");
      try {
        await loadPicture((await dataset.item(index)).picture, files, decode);
        return [];
      } catch (error) {
        if (!(error instanceof SaccadeError)) throw error;
        problems.push({ name: dataset.name(index), reason: error.message });
      }
    }
    return problems.length === 0 ? [] : [{ label: dataset.labels[target]!, problems }];
  });
  return classes.flat();
}

/** @throws SaccadeError `data` naming a class of which no picture can be read, and why */
export async function requireReadableClasses(...about: Parameters<typeof findUnreadableClasses>): Promise<void> {
  const [lost] = await findUnreadableClasses(...about);
  if (lost !== undefined)
    throw notReadable(`one of the ${lost.problems.length} pictures of the class "${lost.label}"`, lost.problems);
}
