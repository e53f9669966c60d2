// Writes the lists of pictures that `saccade/photographs` is made from, and those that it is measured on besides. Nothing is copied.
//
//   npx tsx bench/photographs-list.ts [--data FOLDER] --out FOLDER
//
// FOLDER has photos/{train,val}, photos.csv, pool/, pool.csv, everyday/{train,val} and clothing/{validation,test}. What is written:
//
//   photographs.csv   all training pictures of photos (three times: there are a third as many as of everyday) and everyday, and both validation
//                     splits. Labels of the same name are one class
//   fewer.csv         the same labels for short trainings: photos once, a sixth of everyday's training pictures, and the validation split of photos
//   unlabelled.csv    the pool, without the pictures of Animals-10
//   held-out.csv      pictures of two sources in classes that are learnt from others: of Animals-10 the model has seen only other classes, of PACS
//                     other classes and, without labels, some pictures of the pool
//   open.csv          photos whose terms are open, with their validation split
//
// Left out of all training: pictures that are also in clothing's validation or test split, on which features are measured, and the held-out ones.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { parseCsv } from "../src/data/csv.ts";
import type { RawImage } from "../src/image/raw-image.ts";
import { resample } from "../src/image/resample.ts";
import { nodeHost } from "../src/platform/node/host.ts";

const { values: flags } = parseArgs({
  options: {
    data: { type: "string", default: resolve(import.meta.dirname, "../../shared/data") },
    out: { type: "string" },
  },
});
if (flags.out === undefined) throw new Error("--out says where the lists go");
const { data, out } = flags;

/** Photographs of photos for each of everyday. */
const REPEATS = 3;

const ANIMALS_10 = "SamvelKarapetyaan/animal_classification";
/** Sources that are held out, in classes of which others have enough. */
const HELD_OUT: Readonly<Record<string, readonly string[]>> = {
  [ANIMALS_10]: ["butterfly", "cat", "chicken", "dog", "elephant", "horse"],
  "MachineLearning2020/Homework3-PACS": ["dog", "elephant", "guitar"],
};

interface Picture {
  readonly file: string;
  readonly split: string;
  readonly label: string;
  readonly source: string;
  readonly terms: string;
}

function readPictures(name: string): Picture[] {
  const [header, ...rows] = parseCsv(readFileSync(join(data, name), "utf8"), name);
  const column = (wanted: string) => header!.fields.indexOf(wanted);
  const [file, split, label, source, terms] = ["file", "split", "class", "source", "terms"].map(column);
  return rows.map(({ fields }) => ({
    file: fields[file!]!,
    split: fields[split!] ?? "train",
    label: nameOf(fields[label!] ?? ""),
    source: fields[source!]!,
    terms: fields[terms!]!,
  }));
}

/** As people write it. */
const nameOf = (folder: string) => (folder === "t-shirt" ? folder : folder.replaceAll("-", " "));

const isHeldOut = ({ source, label }: Picture) => HELD_OUT[source]?.includes(label) ?? false;

function everyday(split: "train" | "val"): Picture[] {
  const root = join("everyday", split);
  return readdirSync(join(data, root)).flatMap((folder) =>
    readdirSync(join(data, root, folder)).map((file) => ({
      file: join(root, folder, file),
      split,
      label: nameOf(folder),
      source: "everyday",
      terms: "customary",
    })),
  );
}

const SIDE = 16;
/** Correlation of grey pictures from which on two are one: of pairs between 0.9 and 0.95, about half are. */
const SAME = 0.9;

/** (16 * 16) grey values with mean 0 and length 1. */
async function outline(file: string): Promise<Float32Array> {
  const { width, height, data: rgb } = await nodeHost.decode(readFileSync(join(data, file)));
  const grey = new Uint8Array(rgb.length);
  for (let i = 0; i < rgb.length; i += 3)
    grey.fill((19595 * rgb[i]! + 38470 * rgb[i + 1]! + 7471 * rgb[i + 2]! + 0x8000) >> 16, i, i + 3);
  const picture: RawImage = { width, height, data: grey };
  const small = resample(picture, SIDE, SIDE, { filter: "bicubic" }).data.filter((_, i) => i % 3 === 0);
  const mean = small.reduce((sum, value) => sum + value, 0) / small.length;
  const centred = Float32Array.from(small, (value) => value - mean);
  const length = Math.hypot(...centred) || 1;
  return centred.map((value) => value / length);
}

/** Files of clothing's source that are, or may be, pictures that features are measured on. */
async function measuredClothing(pictures: readonly Picture[]): Promise<ReadonlySet<string>> {
  const measured: Float32Array[] = [];
  for (const split of ["validation", "test"])
    for (const folder of readdirSync(join(data, "clothing", split)))
      for (const file of readdirSync(join(data, "clothing", split, folder)))
        measured.push(await outline(join("clothing", split, folder, file)));
  const same = new Set<string>();
  for (const { file, source } of pictures) {
    if (!source.includes("clothing")) continue;
    const shape = await outline(file);
    if (measured.some((other) => other.reduce((sum, value, i) => sum + value * shape[i]!, 0) > SAME)) same.add(file);
  }
  return same;
}

function write(name: string, pictures: readonly Picture[]): void {
  const rows = pictures.map(({ file, label, split }) => `${join(data, file)},${label},${split}`);
  writeFileSync(join(out!, name), `${["path,label,split", ...rows].join("\n")}\n`);
  console.log(`${name}: ${pictures.length} rows, ${new Set(pictures.map(({ label }) => label)).size} labels`);
}

const photos = readPictures("photos.csv");
const pool = readPictures("pool.csv");
const excluded = await measuredClothing([...photos.filter(({ split }) => split === "train"), ...pool]);
const isTrained = (picture: Picture) => !isHeldOut(picture) && !excluded.has(picture.file);
const training = photos.filter((picture) => picture.split === "train" && isTrained(picture));
const validation = photos.filter(({ split }) => split !== "train");
const isOpen = ({ terms }: Picture) => terms === "open";

mkdirSync(out, { recursive: true });
write("photographs.csv", [
  ...training.flatMap((picture) => Array<Picture>(REPEATS).fill(picture)),
  ...everyday("train"),
  ...validation,
  ...everyday("val"),
]);
write("fewer.csv", [...training, ...everyday("train").filter((_, i) => i % 6 === 5), ...validation]);
write(
  "unlabelled.csv",
  pool.filter(({ file, source }) => !excluded.has(file) && source !== ANIMALS_10),
);
write(
  "held-out.csv",
  photos.filter(isHeldOut).map((picture) => ({ ...picture, split: "val" })),
);
write("open.csv", [...training, ...validation].filter(isOpen));
console.log(`${excluded.size} pictures that are also in clothing's validation or test split are left out`);
