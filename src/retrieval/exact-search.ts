// Exact nearest neighbours. A product in eight bits says of every vector how near it is, and how wrong that can be; those that can be among the
// nearest by that are compared in full. The result is that of comparing all, and a quarter of the bytes is read.
import { AbortedError, FormatError, UsageError } from "../errors.ts";
import type { Host } from "../platform/host.ts";
import type { Session, SessionOptions } from "../runtime/session.ts";
import { tensor } from "../tensor.ts";
import { type Candidate, Candidates } from "./candidates.ts";
import {
  type Codes,
  encodeQuery,
  encodeVectors,
  exactCosine,
  normOf,
  QUERY_ROWS,
  type QueryCodes,
  reachOf,
} from "./codes.ts";
import { SCAN_INPUT, scanModel } from "./scan-model.ts";

/** Vectors that are somewhere: on a disk, in memory. */
export interface VectorSource {
  readonly rows: number;
  /** All of them, (rows, width). */
  all(): Promise<Float32Array>;
  /** Some of them, (ends - start, width). */
  range(start: number, end: number): Promise<Float32Array>;
  /** Their codes, where they are kept: else they are made of all vectors. */
  codes?(): Promise<Codes>;
}

/** A picture, by its place among all, and how near it is: the mean over the query's vectors of the largest cosine with the picture's. */
export interface Neighbour {
  readonly picture: number;
  readonly score: number;
}

export interface SearchShape {
  readonly width: number;
  /** Vectors of each picture, one after another. */
  readonly perPicture: number;
}

/** Codes of one session: with more, loading them would need several times the memory. */
const SEGMENT_BYTES = 2 ** 27;

interface Segment {
  readonly session: Session;
  readonly blocks: readonly Block[];
}

/** The vectors of a source, as their codes are gone through. */
interface Block extends Pick<Codes, "rows" | "scales" | "errors"> {
  /** The model's output with its sums. */
  readonly output: string;
  /** Its first row among all. */
  readonly start: number;
}

export class ExactSearch {
  readonly #segments: readonly Segment[];
  readonly #sources: readonly VectorSource[];
  readonly #shape: SearchShape;

  private constructor(segments: readonly Segment[], sources: readonly VectorSource[], shape: SearchShape) {
    this.#segments = segments;
    this.#sources = sources;
    this.#shape = shape;
  }

  /** Reads all codes, or all vectors where there are none; what stays in memory is a byte for each number. */
  static async open(
    host: Pick<Host, "createSession">,
    sources: readonly VectorSource[],
    shape: SearchShape,
    options: Pick<SessionOptions, "threads" | "signal" | "onNotice"> = {},
  ): Promise<ExactSearch> {
    const segments: Segment[] = [];
    try {
      let start = 0;
      for (const together of grouped(sources, shape.width)) {
        segments.push(await openSegment(host, together, start, shape, options));
        start += rowsOf(together);
      }
      return new ExactSearch(segments, sources, shape);
    } catch (error) {
      await Promise.all(segments.map(({ session }) => session.dispose()));
      throw error;
    }
  }

  /**
   * The `count` nearest pictures, the nearest first, and all that are as near as the last of them; equally near ones in their order.
   *
   * @param query vectors of one picture
   * @throws FormatError where vectors are not what their codes say
   */
  async search(query: readonly Float32Array[], count: number, signal?: AbortSignal): Promise<Neighbour[]> {
    const { width } = this.#shape;
    for (const vector of query) requireVector(vector, width);
    const candidates = await this.#scan(query.map(encodeQuery), count, signal);
    const scored = await this.#compareBest(query, candidates, count, signal);
    const found = scored.toSorted((a, b) => b.score - a.score || a.picture - b.picture);
    const worst = found[count - 1]?.score ?? Number.NEGATIVE_INFINITY;
    return found.filter(({ score }) => score >= worst);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#segments.map(({ session }) => session.dispose()));
  }

  /** While the numbers of one segment are gone through, the next is computed. */
  async #scan(query: readonly QueryCodes[], count: number, signal?: AbortSignal): Promise<readonly Candidate[]> {
    const candidates = new Candidates(count);
    const digits = new Uint8Array(query.flatMap(({ digits }) => [...digits]));
    const feeds = { [SCAN_INPUT]: tensor("uint8", [query.length * QUERY_ROWS, this.#shape.width], digits) };
    const run = (segment: Segment | undefined) => segment?.session.run(feeds, signal === undefined ? {} : { signal });
    let coming = run(this.#segments[0]);
    for (const [i, segment] of this.#segments.entries()) {
      const outputs = await coming!;
      coming = run(this.#segments[i + 1]);
      coming?.catch(() => undefined); // it is awaited in the next turn, or not at all
      for (const block of segment.blocks) {
        const sums = outputs[block.output]!.data as Int32Array;
        offerBlock(candidates, { query, sums, block, perPicture: this.#shape.perPicture });
      }
    }
    return candidates.left();
  }

  /** The likeliest first, until nobody who is left can be among the best. */
  async #compareBest(
    query: readonly Float32Array[],
    candidates: readonly Candidate[],
    count: number,
    signal: AbortSignal | undefined,
  ): Promise<Neighbour[]> {
    const scored: Neighbour[] = [];
    let batch = Math.max(LEAST_BATCH, 2 * count);
    for (let at = 0; at < candidates.length; batch *= 2) {
      const next = candidates.slice(at, at + batch).toSorted((a, b) => a.picture - b.picture);
      const compared = await this.#compare(query, next, signal);
      requireWithin(compared, next);
      for (const each of compared) scored.push(each);
      at += next.length;
      scored.sort((a, b) => b.score - a.score);
      const worst = scored[count - 1]?.score ?? Number.NEGATIVE_INFINITY;
      if (at < candidates.length && candidates[at]!.upper < worst) break;
    }
    return scored;
  }

  /**
   * Vectors are read where they are, from many places at once: a disk answers many as soon as one.
   *
   * @param candidates in order, as is what they become
   */
  async #compare(
    query: readonly Float32Array[],
    candidates: readonly Candidate[],
    signal: AbortSignal | undefined,
  ): Promise<Neighbour[]> {
    const { width, perPicture } = this.#shape;
    const norms = query.map(normOf);
    const scored: Neighbour[] = [];
    const score = async ({ source, first, pictures, isAll }: Reading) => {
      if (signal?.aborted === true) throw new AbortedError("searching", signal.reason);
      const start = isAll ? 0 : pictures[0]!;
      const end = pictures.at(-1)! + 1;
      const vectors = await (isAll ? source.all() : source.range(start * perPicture, end * perPicture));
      for (const picture of pictures) {
        const begin = (picture - start) * perPicture * width;
        scored.push({ picture: first + picture, score: scoreOf(query, norms, vectors, begin, perPicture) });
      }
    };
    const places = candidates.map(({ picture }) => picture);
    const readings = readingsOf(this.#sources, places, perPicture);
    for (const reading of readings) if (reading.isAll) await score(reading);
    const short = readings.filter(({ isAll }) => !isAll);
    for (let i = 0; i < short.length; i += READS) await Promise.all(short.slice(i, i + READS).map(score));
    return scored.sort((a, b) => a.picture - b.picture);
  }
}

/** Throws UsageError for a vector of another length, or with numbers that are not finite. */
export function requireVector(vector: Float32Array, width: number): void {
  if (vector.length !== width)
    throw new UsageError(`a query of ${vector.length} numbers does not go with vectors of ${width}`);
  if (!vector.every(Number.isFinite)) throw new UsageError("a query has numbers that are not finite");
}

/** Codes of other vectors, or vectors that have changed, would hide what is near. */
function requireWithin(scored: readonly Neighbour[], candidates: readonly Candidate[]): void {
  for (const [i, { picture, score }] of scored.entries()) {
    const { lower, upper } = candidates[i]!;
    if (score >= lower && score <= upper) continue;
    throw new FormatError("index", `picture ${picture} has a vector that is not the one its codes were made of`, {
      hint: "the index is damaged: make it again: saccade index PICTURES --out INDEX",
    });
  }
}

/** Candidates that are compared before it is asked whether that is enough. */
const LEAST_BATCH = 32;

const rowsOf = (sources: readonly VectorSource[]): number => sources.reduce((sum, { rows }) => sum + rows, 0);

/** Sources that go into one session, in their order. */
function* grouped(sources: readonly VectorSource[], width: number): Generator<readonly VectorSource[]> {
  let together: VectorSource[] = [];
  for (const source of sources) {
    if (together.length > 0 && (rowsOf(together) + source.rows) * width > SEGMENT_BYTES) {
      yield together;
      together = [];
    }
    together.push(source);
  }
  if (together.length > 0) yield together;
}

async function openSegment(
  host: Pick<Host, "createSession">,
  sources: readonly VectorSource[],
  start: number,
  { width }: SearchShape,
  options: Pick<SessionOptions, "threads" | "signal" | "onNotice">,
): Promise<Segment> {
  const all: Codes[] = [];
  for (const source of sources) {
    if (options.signal?.aborted === true) throw new AbortedError("opening the index", options.signal.reason);
    all.push(await (source.codes?.() ?? encodedSource(source, width)));
  }
  const { bytes, outputs } = scanModel(all, width);
  const blocks: Block[] = [];
  for (const [i, { rows, scales, errors }] of all.entries()) {
    blocks.push({ output: outputs[i]!, start, rows, scales, errors });
    start += rows;
  }
  return { session: await host.createSession(bytes, options), blocks };
}

async function encodedSource(source: VectorSource, width: number): Promise<Codes> {
  return encodeVectors(await source.all(), width);
}

interface BlockSums {
  readonly query: readonly QueryCodes[];
  /** (QUERY_ROWS for each vector of the query, columns) */
  readonly sums: Int32Array;
  readonly block: Block;
  readonly perPicture: number;
}

function offerBlock(candidates: Candidates, given: BlockSums): void {
  if (given.query.length === 1 && given.perPicture === 1) offerSingles(candidates, given);
  else offerPictures(candidates, given);
}

/** One vector against one vector a picture: the loop that a million goes through. */
function offerSingles(candidates: Candidates, { query, sums, block }: BlockSums): void {
  const { steps, missed } = query[0]!;
  const [coarse, fine] = steps;
  const { rows, start, scales, errors } = block;
  let { threshold } = candidates;
  for (let row = 0; row < rows; row++) {
    const cosine = scales[row]! * (coarse * sums[row]! + fine * sums[rows + row]!);
    const error = errors[row]!;
    if (cosine + error + missed < threshold) continue; // most are out by a bound that costs nothing
    const reach = reachOf(cosine, error, missed);
    if (cosine + reach < threshold) continue;
    candidates.offer(start + row, cosine - reach, cosine + reach);
    threshold = candidates.threshold;
  }
}

/** The mean over the query's vectors of the largest cosine with a picture's: bounds of the parts give bounds of the whole. */
function offerPictures(candidates: Candidates, { query, sums, block, perPicture }: BlockSums): void {
  const { rows, start, scales, errors } = block;
  for (let first = 0; first < rows; first += perPicture) {
    let lower = 0;
    let upper = 0;
    for (const [i, { steps, missed }] of query.entries()) {
      const at = QUERY_ROWS * i * rows;
      let least = -2;
      let most = -2;
      for (let row = first; row < first + perPicture; row++) {
        const cosine = scales[row]! * (steps[0] * sums[at + row]! + steps[1] * sums[at + rows + row]!);
        const reach = reachOf(cosine, errors[row]!, missed);
        least = Math.max(least, cosine - reach);
        most = Math.max(most, cosine + reach);
      }
      lower += least / query.length;
      upper += most / query.length;
    }
    if (upper >= candidates.threshold) candidates.offer((start + first) / perPicture, lower, upper);
  }
}

/** Some pictures of a source that are read together, by their places in it. */
interface Reading {
  readonly source: VectorSource;
  /** The place of the source's first picture among all. */
  readonly first: number;
  readonly pictures: readonly number[];
  /** Whether so many are wanted that the source is read whole. */
  readonly isAll: boolean;
}

/** Candidates that are at most so far apart are read together. */
const READ_GAP = 4;
/** Reads that are under way at once. */
const READS = 64;
/** One in so many: then all of a source is read at once. */
const DENSE = 16;

/** @param candidates in order */
function readingsOf(sources: readonly VectorSource[], candidates: readonly number[], perPicture: number): Reading[] {
  const readings: Reading[] = [];
  let first = 0;
  let at = 0;
  for (const source of sources) {
    const count = source.rows / perPicture;
    const inside: number[] = [];
    for (; at < candidates.length && candidates[at]! < first + count; at++) inside.push(candidates[at]! - first);
    const isAll = inside.length * DENSE >= count;
    const runs: number[][] = [];
    for (const picture of inside) {
      const last = runs.at(-1);
      if (last !== undefined && (isAll || picture - last.at(-1)! <= READ_GAP)) last.push(picture);
      else runs.push([picture]);
    }
    for (const pictures of runs) readings.push({ source, first, pictures, isAll });
    first += count;
  }
  return readings;
}

function scoreOf(
  query: readonly Float32Array[],
  norms: readonly number[],
  vectors: Float32Array,
  begin: number,
  perPicture: number,
): number {
  let sum = 0;
  for (const [i, vector] of query.entries()) {
    let most = -2;
    for (let p = 0; p < perPicture; p++)
      most = Math.max(most, exactCosine(vector, norms[i]!, vectors, begin + p * vector.length));
    sum += most;
  }
  return sum / query.length;
}
