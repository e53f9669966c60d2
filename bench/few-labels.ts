// What pre-training without labels is worth where few pictures have labels: a small ResNet learns from all pictures of a set what hidden patches were, and is then
// fine-tuned on a few of each class; beside it the same network from scratch, by the same recipe on the same drawn pictures. One row a method, size and seed.
//
//   npx tsx bench/few-labels.ts TRAIN VAL [--methods scratch,spark] [--sizes 10,50] [--seeds 1,2,3] [--epochs 12] [--minutes 12] [--work FOLDER] [--out FILE]
//
// TRAIN and VAL are folders of class folders. --epochs is how long the network is pre-trained, --minutes after how long nothing new is begun: the same command then goes on.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { AbortedError } from "../src/errors.ts";
import { nodeTrainingHost } from "../src/platform/node/training-host.ts";
import { RandomSource } from "../src/random.ts";
import type { RecipeInput } from "../src/train/recipe-fields.ts";
import { evaluate } from "../src/workflows/evaluate.ts";
import { pretrain } from "../src/workflows/pretrain.ts";
import { train } from "../src/workflows/train.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    methods: { type: "string", default: "scratch,spark" },
    sizes: { type: "string", default: "10,50" },
    seeds: { type: "string", default: "1,2,3" },
    epochs: { type: "string", default: "12" },
    minutes: { type: "string", default: "Infinity" },
    work: { type: "string", default: "runs/few-labels" },
    threads: { type: "string", default: "1" },
    out: { type: "string", default: resolve(import.meta.dirname, "results/few-labels.json") },
  },
});
const [training, validation] = positionals;
if (training === undefined || validation === undefined) throw new Error("npx tsx bench/few-labels.ts TRAIN VAL");

const SIDE = 32;
const epochs = Number(flags.epochs);
const session = { threads: Number(flags.threads), workers: 1 };
const deadline = performance.now() + 60_000 * Number(flags.minutes);

/** Two stages: 32 pixels are four by four patches of eight. 0.39 million parameters. */
const NETWORK = {
  architecture: "resnet",
  config: { block: "BasicBlock", layers: [2, 2], stem_channels: 48, channels: [48, 96], input_size: SIDE },
  height: SIDE,
  width: SIDE,
  transform: `resize(${SIDE},${SIDE})|normalize(imagenet)`,
} as const satisfies Partial<RecipeInput>;

const PRETRAINING: RecipeInput = {
  ...NETWORK,
  name: "hidden-patches",
  pretext: { objective: "spark", decoder_width: 48 },
  augmentation: `random_resized_crop(${SIDE},0.67:1)|flip(0.5)|normalize(imagenet)`,
  epochs,
  batch: 64,
  learning_rate: 1e-3,
  warmup_epochs: 0.5,
  minimum_rate: 1e-6,
  weight_decay: 0.04,
  no_decay: ["*mask_tokens*"],
  clip_norm: 5,
  seed: 1,
};

/** Pictures that each of the two sees; where few have labels they come more often. */
const SEEN = 40_000;

const fineTuning = (pictures: number, seed: number): RecipeInput => ({
  ...NETWORK,
  name: "few-labels",
  augmentation: `random_resized_crop(${SIDE},0.5:1)|flip(0.5)|normalize(imagenet)`,
  epochs: Math.round(SEEN / pictures),
  batch: 32,
  learning_rate: 1e-3,
  warmup_epochs: 2,
  minimum_rate: 1e-6,
  weight_decay: 0.05,
  label_smoothing: 0.1,
  clip_norm: 5,
  seed,
});

interface Row {
  readonly method: string;
  /** Pictures a class. */
  readonly size: number;
  readonly seed: number;
  readonly pictures: number;
  readonly top1: number;
  readonly top5: number;
}

interface Results {
  readonly date: string;
  /** Of pre-training. */
  readonly epochs: number;
  readonly unlabelled: number;
  readonly rows: readonly Row[];
}

const classes = readdirSync(training);
const filesOf = (label: string) => readdirSync(join(training, label)).map((file) => join(training, label, file));
const everything = classes.flatMap(filesOf);

/** The network after so many epochs on all pictures; undefined when time was up before. */
async function pretrained(): Promise<string | undefined> {
  const folder = join(flags.work, `spark-${epochs}`);
  const done = join(folder, "done");
  if (existsSync(done)) return join(folder, "run/last");
  mkdirSync(folder, { recursive: true });
  const list = join(folder, "pictures.csv");
  writeFileSync(list, ["path", ...everything].join("\n"));
  const run = { folder: join(folder, "run"), ...session, onNotice: console.log };
  const signal = AbortSignal.timeout(Math.round(Math.min(2 ** 31 - 1, Math.max(0, deadline - performance.now()))));
  const isBegun = existsSync(join(run.folder, "recipe.json"));
  try {
    await (isBegun
      ? pretrain(nodeTrainingHost, undefined, { ...run, resume: true, signal })
      : pretrain(nodeTrainingHost, list, { ...run, recipe: PRETRAINING, signal }));
  } catch (error) {
    if (error instanceof AbortedError) return undefined;
    throw error;
  }
  writeFileSync(done, "");
  return join(run.folder, "last");
}

async function measure(method: string, size: number, seed: number, from: string): Promise<Row> {
  const folder = join(flags.work, `${method}-${size}-${seed}-${Date.now()}`);
  mkdirSync(folder, { recursive: true });
  const random = new RandomSource(seed, `few-labels/${size}`);
  const drawn = classes.flatMap((label) =>
    random
      .shuffle(filesOf(label))
      .slice(0, size)
      .map((path) => `${path},${label}`),
  );
  const list = join(folder, "labelled.csv");
  writeFileSync(list, ["path,label", ...drawn].join("\n"));
  const run = join(folder, "run");
  const recipe = fineTuning(drawn.length, seed);
  await train(nodeTrainingHost, list, { recipe, from, folder: run, validationFraction: 0, ...session });
  const { accuracy } = await evaluate(nodeTrainingHost, join(run, "last"), validation!, { threads: session.threads });
  return { method, size, seed, pictures: drawn.length, top1: accuracy.top1, top5: accuracy.top5 };
}

function readRows(): readonly Row[] {
  return existsSync(flags.out) ? (JSON.parse(readFileSync(flags.out, "utf8")) as Results).rows : [];
}

for (const size of flags.sizes.split(",").map(Number))
  for (const seed of flags.seeds.split(",").map(Number))
    for (const method of flags.methods.split(",")) {
      const isKnown = readRows().some((row) => row.method === method && row.size === size && row.seed === seed);
      if (isKnown || performance.now() > deadline) continue;
      const from = method === "scratch" ? "scratch" : await pretrained();
      if (from === undefined) continue;
      const row = await measure(method, size, seed, from);
      console.log(JSON.stringify(row));
      const date = new Date().toISOString().slice(0, 10);
      const results: Results = { date, epochs, unlabelled: everything.length, rows: [...readRows(), row] };
      writeFileSync(flags.out, `${JSON.stringify(results, undefined, 2)}\n`);
    }
