// An audit as a whole, from a path to what is wrong with the pictures there: what `audit` of the library and `saccade audit` do. The data is read
// and never changed.
import { type AuditStep, type Findings, findAll } from "../audit/audit.ts";
import { type AuditHost, type PictureSet, readPictures, type Splits } from "../audit/picture-set.ts";
import type { AuditResult, NextToLabel } from "../audit/result.ts";
import { chooseNext } from "../audit/unlabelled.ts";
import type { Dataset } from "../data/dataset.ts";
import { openDataset } from "../data/open.ts";
import { SPLITS } from "../data/samples.ts";
import { openUnlabelled } from "../data/unlabelled.ts";
import { SaccadeError, UsageError } from "../errors.ts";
import { spreadSubset } from "../evaluate/dataset-split.ts";
import type { Host } from "../platform/host.ts";
import { type Embedder, type EmbedderOptions, loadEmbedder } from "../tasks/embed/embedder.ts";
import type { ModelSource } from "../tasks/engine/engine.ts";
import { engineProducts } from "../tasks/recognise/engine-products.ts";
import { defaultBackbone } from "./backbone.ts";

/** What is under way, for progress. */
export type AuditPhase = "pictures" | "unlabelled pictures" | AuditStep;

export interface AuditOptions extends Omit<EmbedderOptions, "normalize" | "expectedPictures"> {
  /** Whose features tell pictures apart. Default: the best at hand. */
  readonly model?: ModelSource;
  /** At most so many pictures, spread over the data. Default 100,000, or as many as have their features in a gigabyte. */
  readonly limit?: number;
  /** Decides how pictures are held out, and where the map puts them. Default 0. */
  readonly seed?: number;
  /** Which pictures of a folder to label next. */
  readonly next?: { readonly count: number; readonly unlabelled: string };
  readonly batchSize?: number;
  readonly onProgress?: (phase: AuditPhase, done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

const MOST_PICTURES = 100_000;
const MOST_FEATURE_BYTES = 2 ** 30;

/**
 * Looks for what is wrong with labelled pictures.
 *
 * @param path folder, list or archive of labelled pictures
 * @throws NotFoundError, FormatError for what has no labels, SaccadeError (`data`) when no picture can be read, UsageError, AbortedError
 */
export async function audit(host: Host & AuditHost, path: string, options: AuditOptions = {}): Promise<AuditResult> {
  const { seed = 0, next } = options;
  requireNextCount(next);
  const opened = await openDataset(host.dataFiles, path, { validationFraction: 0 });
  const pool = next === undefined ? undefined : await openUnlabelled(host.dataFiles, next.unlabelled);
  const given = Object.fromEntries(
    SPLITS.flatMap((split) => (opened[split] === undefined ? [] : [[split, opened[split]]])),
  );
  const model = options.model ?? (await defaultBackbone(host, options.onNotice));
  await using embedder = await loadEmbedder(host, model, {
    ...options,
    normalize: true,
    sessions: options.sessions ?? "auto",
    expectedPictures: countOf(given),
  });
  const { splits, notes } = limited(given, embedder, options);
  const set = await readSet(host, embedder, path, splits, options);
  const products = engineProducts(host, options);
  const findings = await findAll(set, opened.labels, { ...options, seed, products });
  return {
    ...findings,
    data: path,
    layout: opened.layout,
    classNames: opened.labels,
    splits,
    set,
    model: embedder.card,
    space: embedder.space,
    next: pool === undefined ? undefined : await choose(host, embedder, set, findings, pool, { ...options, seed }),
    notes: [...opened.notes, ...notes, ...labelNotes(findings, opened.labels)],
    problems: SPLITS.flatMap((split) => opened[split]?.problems ?? []),
    seed,
  };
}

function requireNextCount(next: AuditOptions["next"]): void {
  if (next !== undefined && !(Number.isInteger(next.count) && next.count >= 1))
    throw new UsageError(`the number of pictures to label next is at least 1, got ${next.count}`);
}

const countOf = (splits: Splits): number => Object.values(splits).reduce((sum, { length }) => sum + length, 0);

/** Features of all pictures are held at once, and all are compared with all. */
function limited(splits: Splits, { space }: Embedder, { limit = MOST_PICTURES }: AuditOptions) {
  const inMemory = Math.floor(MOST_FEATURE_BYTES / (4 * space.width));
  const most = Math.min(limit, inMemory);
  const count = countOf(splits);
  if (count <= most) return { splits, notes: [] };
  const kept = Object.entries(splits).map(([split, dataset]): [string, Dataset] => [
    split,
    spreadSubset(dataset, Math.max(1, Math.floor((dataset.length * most) / count))),
  ]);
  const why =
    most < limit
      ? `: the features of more than ${inMemory} take over a gigabyte`
      : limit === MOST_PICTURES
        ? "; a limit of your own allows more"
        : "";
  const sampled: Splits = Object.fromEntries(kept);
  return { splits: sampled, notes: [`only ${countOf(sampled)} of ${count} pictures, spread over the data${why}`] };
}

async function readSet(
  host: AuditHost,
  embedder: Embedder,
  path: string,
  splits: Splits,
  { batchSize, signal, onProgress }: AuditOptions,
): Promise<PictureSet> {
  const set = await readPictures(host, embedder, splits, {
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(signal === undefined ? {} : { signal }),
    onProgress: (done, total) => onProgress?.("pictures", done, total),
  });
  const [first] = set.unreadable;
  if (set.pictures.length === 0)
    throw new SaccadeError(
      "data",
      `none of the ${set.unreadable.length} pictures in ${path} can be read`,
      first === undefined ? {} : { hint: `${first.name}: ${first.reason}` },
    );
  return set;
}

function labelNotes({ labels }: Findings, names: readonly string[]): string[] {
  if (labels === undefined)
    return ["labels are not checked: that takes two classes with at least three pictures that can be read"];
  if (labels.unchecked.length === 0) return [];
  const few = labels.unchecked.map((label) => names[label]).join(", ");
  return [`too few pictures to check the labels of: ${few}`];
}

async function choose(
  host: AuditHost,
  embedder: Embedder,
  set: PictureSet,
  { labels }: Findings,
  dataset: Dataset,
  options: AuditOptions & { readonly seed: number },
): Promise<NextToLabel> {
  const { count, unlabelled } = options.next!;
  if (labels === undefined)
    throw new UsageError(
      "which pictures to label next cannot be said without two classes with at least three pictures each",
      "label a few pictures of each class first",
    );
  const { splits } = limited({ train: dataset }, embedder, options);
  const pool = await readSet(host, embedder, unlabelled, splits, {
    ...options,
    onProgress: (_, done, total) => options.onProgress?.("unlabelled pictures", done, total),
  });
  const chosen = chooseNext(set, labels, pool, count);
  return {
    unlabelled,
    pictures: pool.pictures.length,
    chosen: chosen.map((next) => ({ ...next, name: pool.pictures[next.picture]!.name })),
    unreadable: [...dataset.problems, ...pool.unreadable],
  };
}
