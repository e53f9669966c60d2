// Which classes the caller means.
import { UsageError } from "../../errors.ts";
import { didYouMean } from "../../nearest-name.ts";

/** The indexes of labels. Throws UsageError for one that the model does not know. */
export function indexesOf(
  wanted: readonly string[],
  labels: readonly string[] | undefined,
  model: string,
): ReadonlySet<number> {
  return new Set(
    wanted.map((label) => {
      const index = labels?.indexOf(label) ?? -1;
      if (index >= 0) return index;
      throw new UsageError(
        `${model} knows no "${label}"`,
        labels === undefined
          ? "its classes have no names: the option labels gives them some"
          : `${didYouMean(label, labels)}it knows ${labels.length} labels`,
      );
    }),
  );
}
