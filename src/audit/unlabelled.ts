// Pictures without labels, of which some are to be labelled next.
import { selectRows } from "../learn/feature-matrix.ts";
import { decisions } from "../learn/heads.ts";
import { labelNext, uncertainties } from "../learn/label-next.ts";
import type { CheckedLabels } from "./audit.ts";
import { probabilitiesOf } from "./held-out.ts";
import type { PictureSet } from "./picture-set.ts";

/** A picture that is to be labelled. */
export interface NextPicture {
  /** Place of the picture among the unlabelled ones. */
  readonly picture: number;
  /** 0: sure of one class; 1: two classes are equally likely. */
  readonly uncertainty: number;
  /** The two likeliest classes. */
  readonly likeliest: readonly [first: number, second: number];
}

/** Labelled pictures that the unlabelled ones are compared with at most, spread over the data. */
const MOST_LABELLED = 20_000;

/** Which pictures of a pool to label next, in order: unsure ones, unlike what is labelled and each other. Classes are the labelled set's. */
export function chooseNext(
  labelled: PictureSet,
  { checked, classifier }: Pick<CheckedLabels, "checked" | "classifier">,
  { features }: PictureSet,
  count: number,
): NextPicture[] {
  const classes = checked.length;
  const probabilities = probabilitiesOf(decisions(classifier.head, features), classifier.scale, classes);
  const doubt = uncertainties(probabilities, classes, "margin");
  const every = Math.ceil(labelled.pictures.length / MOST_LABELLED);
  const known = [...labelled.pictures.keys()].filter((place) => place % every === 0);
  const chosen = labelNext(features, doubt, count, { labelled: selectRows(labelled.features, known) });
  return Array.from(chosen, (picture) => {
    const row = [...probabilities.subarray(picture * classes, (picture + 1) * classes).entries()];
    const [first, second] = row.sort(([, a], [, b]) => b - a).map(([c]) => checked[c]!);
    return { picture, uncertainty: doubt[picture]!, likeliest: [first!, second!] };
  });
}
