// The retrieval recipe of "CNN features off-the-shelf" (arXiv 1403.6382): unit length, principal components, whitening, unit length, and the root of
// every number with its sign. It is fitted on the index itself, on a sample where that is large.
import { AbortedError } from "../errors.ts";
import { featureMatrix, unitRows } from "../learn/feature-matrix.ts";
import { fitPca, type Pca, project } from "../learn/pca.ts";
import { RandomSource } from "../random.ts";
import type { VectorSource } from "./exact-search.ts";

export interface RecipeOptions {
  /** Principal components that are kept, at most the numbers in a vector and one less than there are vectors. */
  readonly components: number;
  /** Draws the sample. Default 1. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

/** Vectors that the recipe is fitted on, at most. */
const SAMPLE_ROWS = 20_000;

/** What vectors become before they are compared. */
export interface Recipe {
  readonly width: number;
  /** @param vectors (n, the index's width). @returns (n, width) */
  apply(vectors: Float32Array): Float32Array;
}

/**
 * Fits the recipe to the vectors of an index.
 *
 * @throws UsageError for more components than the vectors have; AbortedError
 */
export async function fitRecipe(
  sources: readonly VectorSource[],
  width: number,
  { components, seed = 1, signal }: RecipeOptions,
): Promise<Recipe> {
  const sample = await sampleOf(sources, width, seed, signal);
  const rows = sample.length / width;
  const stopping = signal === undefined ? {} : { signal };
  const pca = await fitPca(unitRows(featureMatrix(rows, width, sample)), components, stopping);
  return { width: components, apply: (vectors) => applied(pca, vectors) };
}

function applied(pca: Pca, vectors: Float32Array): Float32Array {
  const units = unitRows(featureMatrix(vectors.length / pca.width, pca.width, vectors));
  return Float32Array.from(project(pca, units, { whiten: true, signedRoot: true }).data);
}

/** Sources whose vectors have gone through the recipe once, and stay in memory. */
export async function recipeSources(
  sources: readonly VectorSource[],
  { width, apply }: Recipe,
  signal: AbortSignal | undefined,
): Promise<VectorSource[]> {
  const made: VectorSource[] = [];
  for (const source of sources) {
    if (signal?.aborted === true) throw new AbortedError("preparing the index", signal.reason);
    const vectors = apply(await source.all());
    made.push({
      rows: source.rows,
      all: async () => vectors,
      range: async (start, end) => vectors.subarray(start * width, end * width),
    });
  }
  return made;
}

/** All vectors, or so many of them, drawn without replacement, in their order. */
async function sampleOf(
  sources: readonly VectorSource[],
  width: number,
  seed: number,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const rows = sources.reduce((sum, source) => sum + source.rows, 0);
  const order = Int32Array.from({ length: rows }, (_, row) => row);
  const drawn =
    rows <= SAMPLE_ROWS
      ? order
      : new RandomSource(seed, "retrieval recipe").shuffle(order).slice(0, SAMPLE_ROWS).toSorted();
  const sample = new Float32Array(drawn.length * width);
  let at = 0;
  let first = 0;
  for (const source of sources) {
    if (signal?.aborted === true) throw new AbortedError("preparing the index", signal.reason);
    const vectors = drawn[at] !== undefined && drawn[at]! < first + source.rows ? await source.all() : undefined;
    for (; vectors !== undefined && at < drawn.length && drawn[at]! < first + source.rows; at++) {
      const start = (drawn[at]! - first) * width;
      sample.set(vectors.subarray(start, start + width), at * width);
    }
    first += source.rows;
  }
  return sample;
}
