import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { UsageError } from "../errors.ts";
import { nodeHost } from "../platform/node/host.ts";
import { RandomSource } from "../random.ts";
import { encodeQuery, encodeVectors, exactCosine, normOf, QUERY_ROWS, reachOf } from "./codes.ts";
import { ExactSearch, type Neighbour, type VectorSource } from "./exact-search.ts";

/** Vectors in memory, in pieces. */
function sourcesOf(vectors: Float32Array, width: number, pieces: readonly number[]): VectorSource[] {
  let at = 0;
  return pieces.map((rows) => {
    const own = vectors.subarray(at * width, (at + rows) * width);
    at += rows;
    return {
      rows,
      all: async () => own,
      range: async (start, end) => own.subarray(start * width, end * width),
    };
  });
}

/** All compared with all, in float64; those that are as near as the last are there too. */
function bruteForce(vectors: Float32Array, query: readonly Float32Array[], perPicture: number, count: number) {
  const width = query[0]!.length;
  const pictures = vectors.length / width / perPicture;
  const scored: Neighbour[] = Array.from({ length: pictures }, (_, picture) => {
    const best = query.map((vector) => {
      const cosines = Array.from({ length: perPicture }, (_, p) =>
        exactCosine(vector, normOf(vector), vectors, (picture * perPicture + p) * width),
      );
      return Math.max(...cosines);
    });
    return { picture, score: best.reduce((sum, value) => sum + value, 0) / query.length };
  });
  const sorted = scored.toSorted((a, b) => b.score - a.score || a.picture - b.picture);
  return sorted.filter(({ score }) => score >= (sorted[count - 1]?.score ?? -2));
}

const open: ExactSearch[] = [];
async function openSearch(vectors: Float32Array, width: number, pieces: readonly number[], perPicture = 1) {
  const search = await ExactSearch.open(nodeHost, sourcesOf(vectors, width, pieces), { width, perPicture });
  open.push(search);
  return search;
}
afterAll(() => Promise.all(open.map((search) => search.dispose())));

/** Normal numbers around a few centres; some vectors are zero, some are copies of others, some are huge or tiny. */
function clusteredVectors(rows: number, width: number, spread: number, seed: number): Float32Array {
  const random = new RandomSource(seed, "vectors");
  const centres = Array.from({ length: 5 }, () => Float64Array.from({ length: width }, () => random.normal()));
  const vectors = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const centre = centres[random.integer(centres.length)]!;
    const length = 10 ** random.between(-3, 3);
    const kind = random.uniform();
    if (kind < 0.05) continue;
    if (row > 0 && kind < 0.25) {
      const other = random.integer(row);
      vectors.copyWithin(row * width, other * width, (other + 1) * width);
    } else for (let d = 0; d < width; d++) vectors[row * width + d] = length * (centre[d]! + spread * random.normal());
  }
  return vectors;
}

describe("exact search", () => {
  test.each([
    ["spread out", 1],
    ["in tight clusters", 0.01],
    ["all but the same", 1e-6],
  ])("finds what comparing all finds, ties and zero vectors included: %s", async (_, spread) => {
    const [rows, width] = [700, 24];
    const vectors = clusteredVectors(rows, width, spread, 3);
    const search = await openSearch(vectors, width, [1, 500, 199]);
    const queries = fc.oneof(
      fc.integer({ min: 0, max: rows - 1 }).map((row) => vectors.slice(row * width, (row + 1) * width)),
      fc
        .array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: width, maxLength: width })
        .map(Float32Array.from.bind(Float32Array)),
      fc.constant(new Float32Array(width)),
    );
    await fc.assert(
      fc.asyncProperty(queries, fc.integer({ min: 1, max: 60 }), async (query, count) => {
        const found = await search.search([query as Float32Array], count);
        expect(found).toEqual(bruteForce(vectors, [query as Float32Array], 1, count));
      }),
      { numRuns: 40 },
    );
  });

  test("several vectors a picture: the mean over the query's of the best of the picture's", async () => {
    const [pictures, perPicture, width] = [120, 5, 16];
    const vectors = clusteredVectors(pictures * perPicture, width, 0.3, 7);
    const search = await openSearch(vectors, width, [200, 400], perPicture);
    for (let i = 0; i < 12; i++) {
      const query = [0, 1, 2].map((j) => vectors.slice((13 * i + j) * width, (13 * i + j + 1) * width));
      expect(await search.search(query, 9)).toEqual(bruteForce(vectors, query, perPicture, 9));
    }
  });

  test("vectors that are not those of their codes are found out, where they would be among the nearest", async () => {
    const [rows, width] = [200, 24];
    const vectors = clusteredVectors(rows, width, 0.3, 9);
    let stored = vectors;
    const [source] = sourcesOf(vectors, width, [rows]);
    const range = async (start: number, end: number) => stored.subarray(start * width, end * width);
    const changing = { ...source!, range, all: async () => stored, codes: async () => encodeVectors(vectors, width) };
    const search = await ExactSearch.open(nodeHost, [changing], { width, perPicture: 1 });
    open.push(search);
    const query = [vectors.slice(-width)];
    expect(await search.search(query, 5)).toEqual(bruteForce(vectors, query, 1, 5));
    for (const others of [new Float32Array(rows * width), vectors.map((x) => -x), vectors.map(() => Number.NaN)]) {
      stored = others;
      await expect(search.search(query, 5)).rejects.toThrow(/not the one its codes were made of/);
    }
  });

  test("refuses queries of another width or with NaN", async () => {
    const search = await openSearch(Float32Array.of(1, 0, 0, 1), 2, [2]);
    await expect(search.search([new Float32Array(3)], 1)).rejects.toThrow(UsageError);
    await expect(search.search([Float32Array.of(1, Number.NaN)], 1)).rejects.toThrow(/not finite/);
  });
});

test("a query's digits stay where sixteen bits hold the sum of two products, and come near it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 40 }),
      (values) => {
        const query = Float32Array.from(values);
        const { digits, steps, missed: bound } = encodeQuery(query);
        expect(Math.max(...digits) * 127 * 2).toBeLessThan(2 ** 15);
        const norm = normOf(query);
        const missed = values.map((value, d) => {
          const near = [0, 1].reduce(
            (sum, row) => sum + steps[row as 0 | 1] * (digits[row * values.length + d]! - 64),
            0,
          );
          return (norm === 0 ? 0 : Math.fround(value) / norm) - near;
        });
        expect(Math.hypot(...missed)).toBeLessThanOrEqual(bound);
        expect(digits).toHaveLength(QUERY_ROWS * values.length);
      },
    ),
  );
});

test("the cosine of a query and a vector is within reach of that of their codes, and near vectors have less reach", () => {
  const random = new RandomSource(4, "vectors");
  for (const width of [1, 2, 48, 300])
    for (const spread of [1, 0.3, 1e-3, 0]) {
      const query = Float32Array.from({ length: width }, () => random.normal());
      const vector = query.map((value) => 1e3 * (value + spread * random.normal()));
      const { codes, scales, errors } = encodeVectors(vector, width);
      const { digits, steps, missed } = encodeQuery(query);
      const sum = (row: number) => codes.reduce((all, code, d) => all + code * (digits[row * width + d]! - 64), 0);
      const cosine = scales[0]! * (steps[0] * sum(0) + steps[1] * sum(1));
      const reach = reachOf(cosine, errors[0]!, missed);
      const exact = exactCosine(query, normOf(query), vector, 0);
      expect(Math.abs(exact - cosine)).toBeLessThanOrEqual(reach);
      expect(reach).toBeLessThanOrEqual(errors[0]! * Math.sqrt(Math.max(0, 1 - (Math.abs(exact) - 0.01) ** 2)) + 1e-3);
    }
});
