// Pictures that are far from all others, or far from the others of their class: distance to a near neighbour, against what is usual.
import { spreadOf } from "../statistics.ts";

export interface Outlier {
  /** Place of the picture. */
  readonly picture: number;
  /** "all": far from every picture; "class": far from its class only. */
  readonly from: "all" | "class";
  /** By how many usual spreads it is farther than usual. */
  readonly deviation: number;
}

export interface OutlierInput {
  /** Class of each picture. */
  readonly targets: Int32Array;
  /** Cosine with the k-th nearest of all. NaN: there is none. */
  readonly nearest: Float32Array;
  /** Cosine with the k-th nearest of the own class. NaN: there is none. */
  readonly own: Float32Array;
}

/** The share of normally distributed values beyond this is one in 4,000. */
const LEAST_DEVIATION = 3.5;
/** Half of the values of a normal distribution lie within 1.349 standard deviations. */
const QUARTILES_TO_DEVIATION = 1.349;
/** Of fewer pictures nobody can say what is usual. */
const LEAST_PICTURES = 8;

/** The farthest first. A picture that is far from everything is not told again as far from its class. */
export function findOutliers({ targets, nearest, own }: OutlierInput): Outlier[] {
  const everyone = [...targets.keys()];
  const outliers = new Map<number, Outlier>();
  for (const label of new Set(targets))
    for (const [picture, deviation] of deviations(
      everyone.filter((picture) => targets[picture] === label),
      own,
    ))
      outliers.set(picture, { picture, from: "class", deviation });
  for (const [picture, deviation] of deviations(everyone, nearest))
    outliers.set(picture, { picture, from: "all", deviation });
  return [...outliers.values()].sort((a, b) => b.deviation - a.deviation || a.picture - b.picture);
}

/** Those that are much farther away than the middle one. */
function deviations(members: readonly number[], similarities: Float32Array): [picture: number, deviation: number][] {
  const known = members.filter((picture) => !Number.isNaN(similarities[picture]!));
  if (known.length < LEAST_PICTURES) return [];
  const { median, q1, q3 } = spreadOf(known.map((picture) => 1 - similarities[picture]!));
  const deviation = Math.max((q3 - q1) / QUARTILES_TO_DEVIATION, 1e-6);
  return known
    .map((picture): [number, number] => [picture, (1 - similarities[picture]! - median) / deviation])
    .filter(([, value]) => value >= LEAST_DEVIATION);
}
