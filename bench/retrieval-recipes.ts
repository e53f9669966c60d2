// What the retrieval recipe and patches change: mean average precision of finding pictures of the query's class among others.
//
//   npx tsx bench/retrieval-recipes.ts [--model M] [--transform T] [--references clothing/train] [--queries clothing/validation] [--per-class 30] [--asked 10] [--components 32,64,128] [--levels 1,2] [--out bench/results/retrieval-recipes.json]
import { readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { averagePrecision } from "../src/learn/ranking.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { RandomSource } from "../src/random.ts";
import { ExactSearch, type VectorSource } from "../src/retrieval/exact-search.ts";
import { cutPatches, patchesOf } from "../src/retrieval/patches.ts";
import { fitRecipe } from "../src/retrieval/recipe.ts";
import { bootstrapMeans } from "../src/statistics.ts";
import { type Embedder, loadEmbedder } from "../src/tasks/embed/embedder.ts";
import { readPicture } from "../src/tasks/engine/pictures.ts";

const DATA = resolve(import.meta.dirname, "../../shared/data");
const { values: flags } = parseArgs({
  options: {
    model: { type: "string", default: resolve(DATA, "../models/mobilenet_v2_imagenet.onnx") },
    transform: { type: "string", default: "resize_small(256,bilinear)|central_crop(224)|value_range(-1,1)" },
    references: { type: "string", default: "clothing/train" },
    queries: { type: "string", default: "clothing/validation" },
    "per-class": { type: "string", default: "30" },
    asked: { type: "string", default: "10" },
    components: { type: "string", default: "32,64,128" },
    levels: { type: "string", default: "1,2" },
    out: { type: "string" },
  },
});
const numbers = (text: string) => text.split(",").map(Number);

interface Embedded {
  readonly label: string;
  /** The picture's patches, the whole first. */
  readonly vectors: readonly Float32Array[];
}

/** Some pictures of every class, drawn, with the vectors of their patches. */
async function embedded(embedder: Embedder, folder: string, perClass: number, levels: number): Promise<Embedded[]> {
  const root = join(DATA, folder);
  const random = new RandomSource(1, folder);
  const found: Embedded[] = [];
  for (const label of readdirSync(root).sort()) {
    const files = random.shuffle(readdirSync(join(root, label)).sort()).slice(0, perClass);
    for (const file of files) {
      const patches = cutPatches(await readPicture(nodeHost, join(root, label, file)), levels);
      found.push({ label, vectors: await embedder.embed(patches) });
    }
  }
  return found;
}

/** The average precision of each query. */
async function precisions(
  references: readonly Embedded[],
  queries: readonly Embedded[],
  apply: (vectors: Float32Array) => Float32Array,
): Promise<number[]> {
  const perPicture = references[0]!.vectors.length;
  const width = apply(references[0]!.vectors[0]!).length;
  const all = new Float32Array(references.length * perPicture * width);
  for (const [i, vector] of references.flatMap(({ vectors }) => vectors).entries()) all.set(apply(vector), i * width);
  const search = await ExactSearch.open(nodeHost, [inMemory(all, width)], { width, perPicture });
  const found: number[] = [];
  for (const { label, vectors } of queries) {
    const ranking = await search.search(vectors.map(apply), references.length);
    const positive = Uint8Array.from(ranking, ({ picture }) => (references[picture]!.label === label ? 1 : 0));
    found.push(
      averagePrecision(
        Float64Array.from(ranking, ({ score }) => score),
        positive,
      ),
    );
  }
  await search.dispose();
  return found;
}

function inMemory(vectors: Float32Array, width: number): VectorSource {
  return {
    rows: vectors.length / width,
    all: async () => vectors,
    range: async (start, end) => vectors.subarray(start * width, end * width),
  };
}

const percent = (share: number) => Number((100 * share).toFixed(1));

await using embedder = await loadEmbedder(nodeHost, flags.model, { transform: flags.transform });
const rows = [];
for (const levels of numbers(flags.levels)) {
  const references = await embedded(embedder, flags.references, Number(flags["per-class"]), levels);
  const queries = await embedded(embedder, flags.queries, Number(flags.asked), levels);
  const { width } = embedder.space;
  const all = new Float32Array(references.length * patchesOf(levels) * width);
  for (const [i, vector] of references.flatMap(({ vectors }) => vectors).entries()) all.set(vector, i * width);
  const plain = await precisions(references, queries, (vector) => vector);
  for (const components of [undefined, ...numbers(flags.components)]) {
    const recipe =
      components === undefined ? undefined : await fitRecipe([inMemory(all, width)], width, { components });
    const found = recipe === undefined ? plain : await precisions(references, queries, recipe.apply);
    const [ofAll, gained] = bootstrapMeans(
      [Float64Array.from(found), Float64Array.from(found, (value, i) => value - plain[i]!)],
      new RandomSource(1, "bootstrap"),
    );
    rows.push({
      levels,
      vectors_a_picture: patchesOf(levels),
      components: components ?? null,
      references: references.length,
      queries: queries.length,
      mean_average_precision: percent(ofAll!.mean),
      gained: percent(gained!.mean),
      gained_interval: [percent(gained!.low), percent(gained!.high)],
    });
    console.log(rows.at(-1));
  }
}

if (flags.out !== undefined)
  writeFileSync(
    flags.out,
    `${JSON.stringify({ date: new Date().toISOString().slice(0, 10), model: embedder.space.name.split("/").at(-1), rows }, undefined, 2)}\n`,
  );
