// A plain ViT against what thins it: fine-tuned as long as DynamicViT, EViT and IA-RED2 are, and against the same without training. One row a method and seed: accuracy
// on pictures that nothing was trained on, and the share of the plain model's products that a picture costs on average.
//
//   npx tsx bench/tokens-training.ts MODEL DATA [--seeds 1,2,3] [--methods longer-vit,evit,dynamicvit,ia-red2] [--epochs 3] [--work FOLDER] [--threads 1] [--out FILE]
//
// --epochs is how long each model is fine-tuned; interpreters of IA-RED2 learn before that, as long as the recipe says. MODEL is the folder of a plain ViT at 64 px that was trained on DATA (recipe small-vit), DATA has a folder for each split. Runs are kept in --work; rows that
// the file has already are not made again.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Dataset } from "../src/data/dataset.ts";
import { inlineWorker } from "../src/data/loader.ts";
import { openDataset } from "../src/data/open.ts";
import { loadModel, requireNative } from "../src/model-folder/load.ts";
import type { NativeModel } from "../src/model-folder/model.ts";
import { modelCost } from "../src/models/cost.ts";
import { inferenceGraph } from "../src/models/graph.ts";
import type { VitConfig } from "../src/models/vit/config.ts";
import { parseReduction } from "../src/nn/tokens/language.ts";
import { lower } from "../src/onnx/lower.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import { nodeTrainingHost } from "../src/platform/node/training-host.ts";
import { listedRecipeNamed } from "../src/recipes/index.ts";
import { toFloat32 } from "../src/tensor.ts";
import { validationLoader } from "../src/train/loaders.ts";
import { overrideRecipe, parseRecipe } from "../src/train/recipe.ts";
import type { Recipe } from "../src/train/recipe-fields.ts";
import { isStaged, type StagedRecipe } from "../src/train/staged-recipe.ts";
import { train } from "../src/workflows/train.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "1,2,3" },
    methods: { type: "string", default: "longer-vit,evit,dynamicvit,ia-red2" },
    work: { type: "string", default: "runs/tokens-training" },
    epochs: { type: "string", default: "3" },
    threads: { type: "string", default: "1" },
    out: { type: "string", default: resolve(import.meta.dirname, "results/tokens-training/clothing.json") },
  },
});
const [base, data] = positionals;
if (base === undefined || data === undefined) throw new Error("npx tsx bench/tokens-training.ts MODEL DATA");
const threads = Number(flags.threads);
const epochs = Number(flags.epochs);

/** A recipe of this seed, whose models are fine-tuned for so many epochs. */
function recipeOf(name: string, seed: number): Recipe | StagedRecipe {
  const changed = (recipe: Recipe) =>
    overrideRecipe(recipe, recipe.reducing?.group === undefined ? { seed, epochs } : { seed });
  const { recipe } = listedRecipeNamed(name);
  return isStaged(recipe) ? { ...recipe, stages: recipe.stages.map(changed) } : changed(recipe);
}

/** What is done to the longer-trained plain model without any training. */
const TRAINING_FREE = [
  "keep=0.7@1,3,4:prune",
  "keep=0.7@1,3,4:evit",
  "merge=5:tome",
  "merge=7:tome",
  "merge=8:tome",
  "transform=0.7@1,3,4:transforming",
];

interface Row {
  /** A recipe; "as it is" for the model that all begin with. */
  readonly method: string;
  /** How tokens are reduced; undefined for all tokens. */
  readonly tokens?: string;
  /** Whether the model was trained so. */
  readonly isTrained: boolean;
  readonly seed?: number;
  /** Share of right answers, by split. */
  readonly top1: Readonly<Record<string, number>>;
  /** Products of a picture, on average over the pictures, as a share of the plain model's. */
  readonly products: number;
  /** Where the picture decides: mean share of tokens that are left after each place. */
  readonly left?: readonly number[];
  /** What training it took, of one thread. */
  readonly seconds?: number;
}

const rows: Row[] = existsSync(flags.out) ? JSON.parse(readFileSync(flags.out, "utf8")).rows : [];
const opened = await openDataset(nodeTrainingHost.dataFiles, data);
const splits = Object.entries({ validation: opened.validation, test: opened.test }).filter(
  (entry): entry is [string, Dataset] => entry[1] !== undefined,
);

function keep(row: Row): void {
  rows.push(row);
  const pictures = Object.fromEntries(splits.map(([name, { length }]) => [name, length]));
  writeFileSync(
    flags.out,
    `${JSON.stringify({ data: data!.split("/").at(-1), pictures, threads, epochs, rows }, undefined, 1)}\n`,
  );
  const shown = Object.entries(row.top1).map(([name, top1]) => `${name} ${(100 * top1).toFixed(1)} %`);
  console.log(row.method, row.tokens ?? "", row.seed ?? "", shown.join(", "), `products ${row.products.toFixed(3)}`);
}

const isMade = ({ method, tokens, seed }: Pick<Row, "method" | "tokens" | "seed">) =>
  rows.some((row) => row.method === method && row.tokens === tokens && row.seed === seed);

/** The shares of tokens that are left of each picture, the class token among them, and its products. */
async function measure(model: NativeModel): Promise<Pick<Row, "top1" | "products" | "left">> {
  const { definition, weights, card } = model;
  const { img_size, tokens } = definition.config as VitConfig;
  const text = tokens === undefined ? undefined : parseReduction(tokens);
  const layers = text?.system === "ia-red2" ? text.blocks!.map((block) => `score.${block}`) : [];
  const graph = inferenceGraph(definition, {}, { layers });
  const bytes = lower(graph, { parameters: weights, target: "onnxruntime" });
  await using session = await nodeHost.createSession(bytes, { device: "cpu", threads });
  const size = Number(img_size);
  const recipe = parseRecipe({
    ...{ name: "measure", architecture: "vit", height: size, width: size, epochs: 1, batch: 32, learning_rate: 0 },
    augmentation: card.transform,
    transform: card.transform,
  });
  const products = new Map<string, number>();
  const cost = (left: readonly number[]) => {
    const key = left.join();
    const extent = { height: size, width: size, ...(left.length === 0 ? {} : { tokensLeft: left }) };
    if (!products.has(key)) products.set(key, modelCost(definition, extent).macs);
    return products.get(key)!;
  };
  const top1: Record<string, number> = {};
  const shares: number[][] = [];
  for (const [name, dataset] of splits) {
    const worker = inlineWorker({ files: nodeTrainingHost.dataFiles, decode: nodeTrainingHost.decode });
    await using loader = validationLoader(dataset, recipe, [worker]);
    let right = 0;
    for await (const { images, labels } of loader.batches({ untilEpoch: 1 })) {
      const outputs = await session.run({ image: images }, { outputs: ["logits", ...layers] });
      const logits = toFloat32(outputs.logits!);
      const classes = outputs.logits!.shape[1]!;
      for (const [i, label] of labels.entries()) {
        if (label < 0) continue;
        const row = logits.subarray(i * classes, (i + 1) * classes);
        if (row.indexOf(Math.max(...row)) === label) right += 1;
        shares.push(layers.map((layer) => keptShare(toFloat32(outputs[layer]!), outputs[layer]!.shape[1]!, i)));
      }
    }
    top1[name] = right / dataset.length;
  }
  const { tokens: _, ...plain } = definition.config as VitConfig;
  const whole = modelCost({ ...definition, config: plain }, { height: size, width: size }).macs;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    top1,
    products: mean(shares.map(cost)) / whole,
    ...(layers.length === 0 ? {} : { left: layers.map((_, i) => mean(shares.map((share) => share[i]!))) }),
  };
}

/** Of one picture's tokens, those that an interpreter scores above one half, and the class token. */
function keptShare(scores: Float32Array, patches: number, picture: number): number {
  const kept = scores.subarray(picture * patches, (picture + 1) * patches).filter((score) => score > 0.5).length;
  return (kept + 1) / (patches + 1);
}

async function modelAt(folder: string, tokens?: string): Promise<NativeModel> {
  return requireNative(await loadModel(nodeTrainingHost, folder, tokens === undefined ? {} : { tokens }));
}

if (!isMade({ method: "as it is" }))
  keep({ method: "as it is", isTrained: true, ...(await measure(await modelAt(base))) });
for (const seed of flags.seeds.split(",").map(Number))
  for (const method of flags.methods.split(",")) {
    const folder = join(flags.work, `${method}-${seed}`);
    if (!rows.some((row) => row.isTrained && row.method === method && row.seed === seed)) {
      const started = performance.now();
      const resume = existsSync(join(folder, "recipe.json"));
      await train(nodeTrainingHost, data, {
        recipe: recipeOf(method, seed),
        ...(resume ? {} : { from: base }),
        folder,
        threads,
        resume,
      });
      const seconds = Math.round((performance.now() - started) / 1000);
      const model = await modelAt(join(folder, "best"));
      const { tokens } = model.definition.config as VitConfig;
      const how = { method, ...(tokens === undefined ? {} : { tokens }), isTrained: true, seed, seconds };
      keep({ ...how, ...(await measure(model)) });
    }
    if (method !== "longer-vit") continue;
    for (const tokens of TRAINING_FREE)
      if (!isMade({ method, tokens, seed }))
        keep({
          method,
          tokens,
          isTrained: false,
          seed,
          ...(await measure(await modelAt(join(folder, "best"), tokens))),
        });
  }
