// Which unlabelled pictures to label next: those that the classifier is unsure of, and no two of a kind.
import { type FeatureMatrix, selectRows } from "../learn/feature-matrix.ts";
import type { ProductsOf } from "../learn/products.ts";
import { cosine, nearestSimilarities } from "./neighbourhood.ts";

export interface NextPicture {
  /** Place of the picture among the unlabelled ones. */
  readonly picture: number;
  /** 0: sure of one class; 1: two classes are equally likely. */
  readonly uncertainty: number;
  /** The two likeliest classes. */
  readonly likeliest: readonly [first: number, second: number];
}

/** Pictures that somebody may label, with what a classifier says of them. */
export interface Unlabelled {
  /** Rows of length 1. */
  readonly features: FeatureMatrix;
  /** (rows, classes) */
  readonly probabilities: Float64Array;
  readonly classes: number;
}

export interface NextOptions {
  readonly count: number;
  readonly products?: ProductsOf;
  readonly signal?: AbortSignal;
}

/** So many times as many of the least certain are looked at as are chosen. */
const CHOICE = 20;
const LEAST_CHOICE = 200;

/**
 * Takes one after the other: what is unsure counts the more the farther it is from all labelled and all chosen pictures. So ten pictures of one
 * new thing do not crowd out everything else, and copies of what is labelled are not asked for.
 *
 * @param labelled features of the pictures with labels, of length 1
 * @returns at most `count`, in the order to label them
 */
export async function nextToLabel(
  pool: Unlabelled,
  labelled: FeatureMatrix,
  options: NextOptions,
): Promise<NextPicture[]> {
  const { features } = pool;
  const { count } = options;
  const unsure = Array.from({ length: features.rows }, (_, picture) => judge(pool, picture))
    .sort((a, b) => b.uncertainty - a.uncertainty || a.picture - b.picture)
    .slice(0, Math.max(CHOICE * count, LEAST_CHOICE));
  const places = unsure.map(({ picture }) => picture);
  const nearest = await nearestSimilarities(selectRows(features, places), labelled, options);
  const candidates = unsure.map((next, i) => ({ next, distance: 1 - nearest[i]! }));
  const chosen: NextPicture[] = [];
  while (chosen.length < count && candidates.length > 0) {
    const worth = candidates.map(({ next, distance }) => next.uncertainty * Math.max(distance, 0));
    const best = worth.reduce((at, value, i) => (value > worth[at]! ? i : at), 0);
    const [{ next }] = candidates.splice(best, 1) as [(typeof candidates)[number]];
    chosen.push(next);
    for (const candidate of candidates)
      candidate.distance = Math.min(candidate.distance, 1 - cosine(features, next.picture, candidate.next.picture));
  }
  return chosen;
}

function judge({ probabilities, classes }: Unlabelled, picture: number): NextPicture {
  const row = probabilities.subarray(picture * classes, (picture + 1) * classes);
  let [first, second] = row[1]! > row[0]! ? [1, 0] : [0, 1];
  for (let c = 2; c < classes; c++) {
    if (row[c]! > row[first]!) [first, second] = [c, first];
    else if (row[c]! > row[second]!) second = c;
  }
  return { picture, uncertainty: 1 - (row[first]! - row[second]!), likeliest: [first, second] };
}
