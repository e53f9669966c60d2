// How right a recogniser is that was made from a few pictures of each class, and what making it costs: fine-tuning against heads over features.
// Every method learns from the same drawn pictures and is measured on all validation pictures.
//
//   npx tsx bench/learning-curves.ts [--data FOLDER] [--methods fine-tune,learn,learn-mobilenetv2] [--sets clothing,living] [--sizes 5,10,20,60,all] [--seeds 1,2,3] [--out bench/results/learning-curves.json]
//
// `learn` takes the bundled model's features, `learn-mobilenetv2` those of FOLDER/../models/mobilenet_v2_imagenet.onnx.
// FOLDER has clothing/{train,validation} and photos/{train,val}, a folder a class. Rows that the file has already are not made again.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { nodeTrainingHost } from "../src/platform/node/training-host.ts";
import { RandomSource } from "../src/random.ts";
import { evaluate } from "../src/workflows/evaluate.ts";
import { learn } from "../src/workflows/learn.ts";
import { train } from "../src/workflows/train.ts";

const { values: flags } = parseArgs({
  options: {
    data: { type: "string", default: resolve(import.meta.dirname, "../../shared/data") },
    methods: { type: "string", default: "fine-tune,learn,learn-mobilenetv2" },
    sets: { type: "string", default: "clothing,living" },
    sizes: { type: "string", default: "5,10,20,60,all" },
    seeds: { type: "string", default: "1,2,3" },
    threads: { type: "string" },
    out: { type: "string" },
  },
});

interface LabelledSet {
  readonly training: string;
  readonly validation: string;
  readonly classes: readonly string[];
}

const LIVING = "butterfly,cat,daisy,dandelion,dog,elephant,horse,rose,sunflower,tulip".split(",");
const SETS: Readonly<Record<string, LabelledSet>> = {
  clothing: {
    training: join(flags.data, "clothing/train"),
    validation: join(flags.data, "clothing/validation"),
    classes: readdirSync(join(flags.data, "clothing/train")),
  },
  living: { training: join(flags.data, "photos/train"), validation: join(flags.data, "photos/val"), classes: LIVING },
};

interface Row {
  readonly method: string;
  readonly set: string;
  /** Pictures a class; "all" that there are. */
  readonly size: number | "all";
  readonly seed: number;
  readonly pictures: number;
  readonly top1: number;
  readonly seconds: number;
  /** Of all threads. */
  readonly processorSeconds: number;
}

/** A list of pictures that `train` and `evaluate` read. */
function writeList(
  path: string,
  folder: string,
  classes: readonly string[],
  size: number | "all",
  seed: number,
): number {
  const random = new RandomSource(seed);
  const lines = classes.flatMap((label) => {
    const files = readdirSync(join(folder, label));
    const count = size === "all" ? files.length : Math.min(size, files.length);
    return random
      .shuffle(files)
      .slice(0, count)
      .map((file) => `${join(folder, label, file)},${label}`);
  });
  writeFileSync(path, ["path,label", ...lines].join("\n"));
  return lines.length;
}

type Method = (list: string, folder: string, seed: number) => Promise<string>;

const METHODS: Readonly<Record<string, Method>> = {
  async "fine-tune"(list, folder, seed) {
    const threads = flags.threads === undefined ? {} : { threads: Number(flags.threads) };
    const run = await train(nodeTrainingHost, list, { folder, seed, validationFraction: 0, ...threads });
    return run.model;
  },
  learn: (list, folder, seed) => learnOn({ model: "saccade/everyday" }, list, folder, seed),
  "learn-mobilenetv2": (list, folder, seed) =>
    learnOn(
      { model: resolve(flags.data, "../models/mobilenet_v2_imagenet.onnx"), transform: MOBILENET_SEES },
      list,
      folder,
      seed,
    ),
};

const MOBILENET_SEES = "resize_small(256,bicubic)|central_crop(224)|value_range(-1,1)";

/** Features are computed anew each time. */
async function learnOn(
  from: { readonly model: string; readonly transform?: string },
  list: string,
  folder: string,
  seed: number,
): Promise<string> {
  const threads = flags.threads === undefined ? {} : { threads: Number(flags.threads) };
  return (await learn(nodeTrainingHost, list, { ...from, ...threads, out: folder, seed })).folder;
}

async function measure(method: string, set: string, size: number | "all", seed: number): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), "learning-curves-"));
  try {
    const { training, validation, classes } = SETS[set]!;
    const list = join(folder, "train.csv");
    const pictures = writeList(list, training, classes, size, seed);
    const held = join(folder, "validation.csv");
    writeList(held, validation, classes, "all", 0);
    const started = performance.now();
    const before = process.cpuUsage();
    const model = await METHODS[method]!(list, join(folder, "made"), seed);
    const { user, system } = process.cpuUsage(before);
    const seconds = (performance.now() - started) / 1000;
    const { accuracy } = await evaluate(nodeTrainingHost, model, held);
    const processorSeconds = (user + system) / 1e6;
    return {
      method,
      set,
      size,
      seed,
      pictures,
      top1: accuracy.top1,
      seconds: rounded(seconds),
      processorSeconds: rounded(processorSeconds),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const rounded = (value: number) => Number(value.toPrecision(3));

const keyOf = ({ method, set, size, seed }: Pick<Row, "method" | "set" | "size" | "seed">) =>
  [method, set, size, seed].join(" ");
const readRows = (): Row[] =>
  flags.out !== undefined && existsSync(flags.out) ? JSON.parse(readFileSync(flags.out, "utf8")).rows : [];

for (const size of flags.sizes.split(",").map((text) => (text === "all" ? text : Number(text))))
  for (const seed of flags.seeds.split(",").map(Number))
    for (const set of flags.sets.split(","))
      for (const method of flags.methods.split(",")) {
        // All pictures are the same ones whatever the seed, which still draws batches and first weights.
        const isKnown = readRows().some(
          (row) => keyOf(row) === keyOf({ method, set, size: size as Row["size"], seed }),
        );
        if (isKnown) continue;
        const row = await measure(method, set, size as Row["size"], seed);
        console.log(JSON.stringify(row));
        if (flags.out === undefined) continue;
        const rows = [...readRows(), row];
        writeFileSync(
          flags.out,
          `${JSON.stringify({ date: new Date().toISOString().slice(0, 10), rows }, undefined, 2)}\n`,
        );
      }
