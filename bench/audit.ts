// How many wrong labels an audit finds, and how many of its copies are none: labels of real pictures are flipped, and the audit is to find them.
//
//   npx tsx bench/audit.ts [--data FOLDER] [--sets clothing,photos] [--models saccade/everyday,teacher] [--seeds 1,2,3] [--out bench/results/audit.json]
//
// FOLDER has clothing/ and photos/, a folder a split and class, and photos.csv, which names groups of pictures that belong together. The teacher is
// ../models/mobilenet_v2_imagenet.onnx beside it. Features do not depend on labels, so every set is read once a model.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { findAll } from "../src/audit/audit.ts";
import { type PictureSet, readPictures } from "../src/audit/picture-set.ts";
import { parseCsv } from "../src/data/csv.ts";
import { openDataset } from "../src/data/open.ts";
import { nodeTrainingHost } from "../src/platform/node/training-host.ts";
import { RandomSource } from "../src/random.ts";
import { loadEmbedder } from "../src/tasks/embed/embedder.ts";
import { engineProducts } from "../src/tasks/recognise/engine-products.ts";

const { values: flags } = parseArgs({
  options: {
    data: { type: "string", default: resolve(import.meta.dirname, "../../shared/data") },
    sets: { type: "string", default: "clothing,photos" },
    models: { type: "string", default: "saccade/everyday,teacher" },
    seeds: { type: "string", default: "1,2,3" },
    flipped: { type: "string", default: "0.05" },
    out: { type: "string" },
  },
});

const TEACHER = {
  model: join(flags.data, "../models/mobilenet_v2_imagenet.onnx"),
  transform: "resize_small(256,bicubic)|central_crop(224)|value_range(-1,1)",
};

const products = engineProducts(nodeTrainingHost);

interface Row {
  readonly set: string;
  readonly model: string;
  readonly pictures: number;
  readonly classes: number;
  readonly seed: number;
  readonly flips: number;
  /** Share of the flipped labels among as many suggestions as there are flips, and among twice as many. */
  readonly found_at_1x: number;
  readonly found_at_2x: number;
  /** How many labels the audit thinks are wrong; without flips, and with them. */
  readonly estimated_before: number;
  readonly estimated: number;
  readonly agreement: number;
  /** Of the findings, neighbours and copies included; the pictures were read before. */
  readonly seconds: number;
}

interface Copies {
  readonly set: string;
  readonly model: string;
  readonly groups: number;
  /** Pairs of pictures in one group of the audit. */
  readonly pairs: number;
  /** Of these, pairs that photos.csv has in one group; null for sets without known groups. */
  readonly known: number | null;
}

/** Other labels for some pictures, all others equally likely. */
function flip(
  set: PictureSet,
  classes: number,
  share: number,
  seed: number,
): { set: PictureSet; flipped: Set<number> } {
  const random = new RandomSource(seed, "bench/flips");
  const places = random.shuffle(Int32Array.from(set.pictures.keys())).slice(0, Math.round(share * set.pictures.length));
  const flipped = new Set(places);
  const pictures = set.pictures.map((picture, place) => {
    if (!flipped.has(place)) return picture;
    const other = random.integer(classes - 1);
    return { ...picture, label: other >= picture.label ? other + 1 : other };
  });
  return { set: { ...set, pictures }, flipped };
}

function knownGroups(): Map<string, string> {
  const path = join(flags.data, "photos.csv");
  const [, ...rows] = existsSync(path) ? parseCsv(readFileSync(path, "utf8"), path) : [];
  return new Map(rows.map(({ fields }) => [resolve(flags.data, fields[0]!), fields[7]!]));
}

function copiesOf(
  set: string,
  model: string,
  { pictures }: PictureSet,
  groups: readonly { pictures: readonly number[] }[],
): Copies {
  const groupOf = knownGroups();
  const pairs = groups.flatMap(({ pictures: members }) =>
    members.flatMap((a, i) => members.slice(i + 1).map((b) => [a, b] as const)),
  );
  const known = (place: number) => groupOf.get(resolve(pictures[place]!.name));
  return {
    set,
    model,
    groups: groups.length,
    pairs: pairs.length,
    known: set === "photos" ? pairs.filter(([a, b]) => known(a) !== undefined && known(a) === known(b)).length : null,
  };
}

async function measure(set: string, model: string): Promise<{ rows: Row[]; copies: Copies }> {
  const data = await openDataset(nodeTrainingHost.dataFiles, join(flags.data, set), { validationFraction: 0 });
  const source = model === "teacher" ? TEACHER : { model };
  await using embedder = await loadEmbedder(nodeTrainingHost, source.model, {
    ...("transform" in source ? { transform: source.transform } : {}),
    sessions: "auto",
    expectedPictures: 10_000,
  });
  const { train, validation, test } = data;
  const splits = Object.fromEntries(
    Object.entries({ train, validation, test }).filter(([, part]) => part !== undefined),
  );
  const read = await readPictures(nodeTrainingHost, embedder, splits);
  const before = await findAll(read, data.labels, { seed: 0, products });
  const rows: Row[] = [];
  for (const seed of flags.seeds.split(",").map(Number)) {
    const { set: wrong, flipped } = flip(read, data.labels.length, Number(flags.flipped), seed);
    const started = performance.now();
    const { labels } = await findAll(wrong, data.labels, { seed, products });
    const seconds = (performance.now() - started) / 1000;
    const found = (suggestions: number) =>
      labels!.doubts.slice(0, suggestions).filter(({ picture }) => flipped.has(picture)).length / flipped.size;
    rows.push({
      set,
      model,
      pictures: read.pictures.length,
      classes: data.labels.length,
      seed,
      flips: flipped.size,
      found_at_1x: rounded(found(flipped.size)),
      found_at_2x: rounded(found(2 * flipped.size)),
      estimated_before: before.labels!.estimated,
      estimated: labels!.estimated,
      agreement: rounded(labels!.agreement),
      seconds: rounded(seconds),
    });
    console.log(JSON.stringify(rows.at(-1)));
  }
  const copies = copiesOf(set, model, read, before.duplicates);
  console.log(JSON.stringify(copies));
  return { rows, copies };
}

const rounded = (value: number): number => Number(value.toPrecision(3));

const results: { flips: Row[]; copies: Copies[] } = { flips: [], copies: [] };
for (const set of flags.sets.split(","))
  for (const model of flags.models.split(",")) {
    const { rows, copies } = await measure(set, model);
    results.flips.push(...rows);
    results.copies.push(copies);
    if (flags.out !== undefined) writeFileSync(flags.out, `${JSON.stringify(results, undefined, 1)}\n`);
  }
