// Which part of the data an evaluation is about.
import { type Dataset, subset } from "../data/dataset.ts";
import type { DataFiles } from "../data/files.ts";
import { type OpenedData, openDataset } from "../data/open.ts";
import { type DataKind, SPLITS, type SplitName, splitFromWord } from "../data/samples.ts";
import { UsageError } from "../errors.ts";
import { baseName } from "../image/picture-files.ts";

export interface SplitOptions {
  /** Default: the first there is of validation, test and train. */
  readonly split?: SplitName;
  /** Splits this share off as validation where the data is one undivided set, as training does. Default: only when validation is asked for. */
  readonly validationFraction?: number;
  /** The share that training is known to have held back: splits it off when validation is asked for. Default: what training does of itself. */
  readonly heldBack?: number;
  /** What the data is of. Default "pictures". */
  readonly kind?: DataKind;
  /** Decides which pictures those are. Default 0; to get those of a training run, the run's. */
  readonly seed?: number;
}

export interface EvaluationData {
  readonly split: SplitName;
  readonly dataset: Dataset;
  /** What the data was taken for: "image folders", … */
  readonly layout: string;
  /** What a person must know of how the data was read. */
  readonly notes: readonly string[];
  /** Whether training may have seen these pictures: nobody said which they are, and the data has but one part. */
  readonly isUndivided: boolean;
}

/** Pictures that the model was not trained on come first. */
const PREFERENCE = ["validation", "test", "train"] as const satisfies readonly SplitName[];

/**
 * Opens the part of a data set that a model is to be measured on. A folder of class folders that is called `val` or `test` is that split.
 *
 * @throws what openDataset throws; UsageError when the data does not have the split asked for
 * @example const { dataset } = await openForEvaluation(files, "flowers", { split: "test" });
 */
export async function openForEvaluation(
  files: DataFiles,
  path: string,
  options: SplitOptions = {},
): Promise<EvaluationData> {
  const { split: wanted, seed, kind } = options;
  const named = splitFromWord(baseName(path.replace(/[/\\]+$/, "")));
  // Of data that is not divided, all of it is measured unless somebody asks for the part that training would have held back.
  const isPartWanted = wanted === "validation" && named === undefined;
  const fraction = options.validationFraction ?? (isPartWanted ? options.heldBack : 0);
  const splitting = {
    ...(kind === undefined ? {} : { kind }),
    ...(fraction === undefined ? {} : { validationFraction: fraction }),
    ...(seed === undefined ? {} : { seed }),
  };
  const data = await openDataset(files, path, splitting);
  const there = PREFERENCE.filter((name) => (data[name]?.length ?? 0) > 0);
  const { layout, notes } = data;
  if (there.join() === "train" && (wanted === undefined || wanted === (named ?? "train")))
    return { split: named ?? "train", dataset: data.train!, layout, notes, isUndivided: named === undefined };
  return { ...pick(data, there, wanted), layout, notes, isUndivided: false };
}

type OpenSplits = Pick<OpenedData, SplitName | "layout">;

function pick(data: OpenSplits, there: readonly SplitName[], wanted: SplitName | undefined) {
  const split = wanted ?? there[0];
  const dataset = split === undefined ? undefined : data[split];
  if (split === undefined || dataset === undefined || dataset.length === 0)
    throw new UsageError(
      `the data has no ${wanted ?? SPLITS.join(", ")} pictures`,
      there.length === 0 ? undefined : `it has ${there.join(" and ")}`,
    );
  return { split, dataset };
}

/** At most `limit` pictures, spread evenly over the data: its first ones would be of one class. */
export function spreadSubset(dataset: Dataset, limit: number): Dataset {
  if (limit >= dataset.length) return dataset;
  return subset(
    dataset,
    Array.from({ length: limit }, (_, i) => Math.floor(((i + 0.5) * dataset.length) / limit)),
  );
}
