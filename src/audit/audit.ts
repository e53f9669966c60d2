// All that an audit finds in pictures with features: labels, copies, strangers, odd files, balance. What to do about it is a person's to decide.
import type { FeatureMatrix } from "../learn/feature-matrix.ts";
import { requireFinite, selectRows } from "../learn/feature-matrix.ts";
import type { ProductsOf } from "../learn/products.ts";
import { type Balance, measureBalance } from "./balance.ts";
import { type DuplicateGroup, findDuplicates, neighbourPairs } from "./duplicates.ts";
import { answerHeldOut, type ScaledHead } from "./held-out.ts";
import { checkLabels, type LabelCheck } from "./label-errors.ts";
import { cosine, findNeighbours, type Neighbourhood, typicalSimilarity } from "./neighbourhood.ts";
import { findOddities, type Oddity } from "./oddities.ts";
import { findOutliers, type Outlier } from "./outliers.ts";
import type { AuditedPicture, PictureSet } from "./picture-set.ts";
import { comparable, THUMBNAIL_CELLS } from "./same-picture.ts";

export interface CheckedLabels extends LabelCheck {
  /** Share of the labels that classifiers which had not seen the pictures agree with. */
  readonly agreement: number;
  /** Classes with enough pictures for that. */
  readonly checked: readonly number[];
  /** Classes with too few. */
  readonly unchecked: readonly number[];
  /** Fitted to all of the checked classes, in their order. */
  readonly classifier: ScaledHead;
}

/** Places are places in the picture set, classes its labels' numbers. */
export interface Findings {
  /** undefined: fewer than two classes have enough pictures. */
  readonly labels: CheckedLabels | undefined;
  readonly duplicates: readonly DuplicateGroup[];
  readonly outliers: readonly Outlier[];
  readonly oddities: readonly Oddity[];
  readonly balance: Balance;
}

export const AUDIT_STEPS = ["neighbours", "labels"] as const;
export type AuditStep = (typeof AUDIT_STEPS)[number];

export interface FindOptions {
  readonly seed: number;
  readonly products?: ProductsOf;
  readonly signal?: AbortSignal;
  readonly onProgress?: (step: AuditStep, done: number, total: number) => void;
}

/** Neighbours that are looked at: more copies of one picture than this are found through each other. */
const NEIGHBOURS = 10;
/** The distance to which of the neighbours says how lonely a picture is. Copies of it must not hide it. */
const LONELY_RANK = 5;
/** With fewer pictures, too little of a class is left when one of them is held out. */
export const LEAST_CHECKED = 3;

/**
 * @param labels class names
 * @throws UsageError for features that are no numbers, AbortedError
 */
export async function findAll(set: PictureSet, labels: readonly string[], options: FindOptions): Promise<Findings> {
  const { pictures, features } = set;
  requireFinite(features);
  const targets = Int32Array.from(pictures, ({ label }) => label);
  const common = commonOptions(options);
  const onNeighbours = (done: number, total: number) => options.onProgress?.("neighbours", done, total);
  const near = await findNeighbours(features, {
    ...common,
    k: NEIGHBOURS,
    targets,
    ownRank: LONELY_RANK,
    onProgress: onNeighbours,
  });
  const duplicates = await findCopies(set, near, common);
  return {
    labels: await checkSetLabels(features, targets, labels, duplicates, options),
    duplicates,
    outliers: findOutliers({ targets, nearest: atRank(near, LONELY_RANK), own: near.own }),
    oddities: findOddities(pictures.map(({ facts }) => facts)),
    balance: measureBalance(labels, pictures),
  };
}

type CommonOptions = Pick<FindOptions, "products" | "signal">;

function commonOptions({ products, signal }: FindOptions): CommonOptions {
  return { ...(products === undefined ? {} : { products }), ...(signal === undefined ? {} : { signal }) };
}

/** Pictures with near features are compared, and those with near thumbnails, whose features a smaller size may have changed. */
async function findCopies(
  { pictures, features }: PictureSet,
  near: Neighbourhood,
  common: CommonOptions,
): Promise<DuplicateGroup[]> {
  if (pictures.length < 2) return [];
  const compared = pictures.map(({ label, split, hash, facts: { thumbnail } }) => ({ label, split, hash, thumbnail }));
  const alike = await findNeighbours(thumbnailFeatures(pictures), { ...common, k: 3 });
  function* candidates() {
    yield* neighbourPairs(near);
    for (const [a, b] of neighbourPairs(alike)) yield [a, b, cosine(features, a, b)] as const;
  }
  return findDuplicates(compared, candidates(), typicalSimilarity(features));
}

function thumbnailFeatures(pictures: readonly AuditedPicture[]): FeatureMatrix {
  const data = new Float32Array(pictures.length * THUMBNAIL_CELLS);
  for (const [i, { facts }] of pictures.entries()) data.set(comparable(facts.thumbnail), i * THUMBNAIL_CELLS);
  return { rows: pictures.length, width: THUMBNAIL_CELLS, data };
}

async function checkSetLabels(
  features: FeatureMatrix,
  targets: Int32Array,
  labels: readonly string[],
  duplicates: readonly DuplicateGroup[],
  options: FindOptions,
): Promise<CheckedLabels | undefined> {
  const counts = new Int32Array(labels.length);
  for (const target of targets) counts[target]!++;
  const checked = [...counts.keys()].filter((label) => counts[label]! >= LEAST_CHECKED);
  if (checked.length < 2) return undefined;
  const classOf = new Map(checked.map((label, i) => [label, i]));
  const places = [...targets.keys()].filter((place) => classOf.has(targets[place]!));
  const rowOf = new Map(places.map((place, row) => [place, row]));
  const classes = Int32Array.from(places, (place) => classOf.get(targets[place]!)!);
  options.onProgress?.("labels", 0, 1);
  const { probabilities, accuracy, classifier } = await answerHeldOut(
    places.length === targets.length ? features : selectRows(features, places),
    classes,
    checked.length,
    {
      ...commonOptions(options),
      seed: options.seed,
      together: duplicates.map((group) => group.pictures.flatMap((place) => rowOf.get(place) ?? [])),
    },
  );
  const check = checkLabels({
    pictures: Int32Array.from(places),
    targets: classes,
    probabilities,
    classes: checked.length,
  });
  return {
    estimated: check.estimated,
    doubts: check.doubts.map((doubt) => ({ ...doubt, suggested: checked[doubt.suggested]! })),
    agreement: accuracy,
    checked,
    classifier,
    unchecked: [...counts.keys()].filter((label) => counts[label]! > 0 && !classOf.has(label)),
  };
}

/** Cosine with the neighbour of a rank, from 1; NaN where there are fewer. */
function atRank({ k, similarities }: Neighbourhood, rank: number): Float32Array {
  return Float32Array.from({ length: similarities.length / k }, (_, row) => similarities[row * k + rank - 1]!);
}
