// The lightweight CNN on digits: the recipe of two stages, and the same network trained at once for as many epochs. A row a method and seed: accuracy on digits that
// nothing was trained or chosen on.
//
//   npx tsx bench/digits.ts [--methods lightweight,at-once] [--seeds 1,2,3] [--epochs 30] [--work FOLDER] [--threads 1] [--out FILE]
//
// Rows that are there already are not made again; a run that was stopped is gone on with.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { modelCost } from "../src/models/cost.ts";
import { defineModel } from "../src/models/registry.ts";
import { nodeTrainingHost } from "../src/platform/node/training-host.ts";
import { lightweightAtOnce, lightweightRecipe } from "../src/recipes/lightweight.ts";
import { overrideRecipe, parseRecipe } from "../src/train/recipe.ts";
import type { RecipeInput } from "../src/train/recipe-fields.ts";
import { evaluate } from "../src/workflows/evaluate.ts";
import { train } from "../src/workflows/train.ts";
import { writeDigits } from "./digits-data.ts";

const { values: flags } = parseArgs({
  options: {
    methods: { type: "string", default: "lightweight,at-once" },
    seeds: { type: "string", default: "1,2,3" },
    epochs: { type: "string", default: "30" },
    work: { type: "string", default: "runs/digits" },
    threads: { type: "string", default: "1" },
    out: { type: "string", default: resolve(import.meta.dirname, "results/digits.json") },
  },
});
const threads = Number(flags.threads);
const epochs = Number(flags.epochs);

interface Row {
  readonly method: string;
  readonly seed: number;
  /** Of each stage. */
  readonly epochs: number;
  /** Share of right answers. */
  readonly test: number;
  readonly validation: number;
  /** Of training, with one thread and whatever else the machine did. */
  readonly seconds: number;
}

const rows: Row[] = existsSync(flags.out) ? JSON.parse(readFileSync(flags.out, "utf8")).rows : [];
const data = join(flags.work, "data");
if (!existsSync(data)) writeDigits(data);

function recipeOf(method: string, seed: number) {
  const changed = (recipe: RecipeInput, factor = 1) =>
    overrideRecipe(parseRecipe(recipe), { seed, epochs: factor * epochs });
  // As long as both stages together.
  if (method === "at-once") return changed(lightweightAtOnce, 2);
  return { ...lightweightRecipe, stages: lightweightRecipe.stages.map((stage) => changed(stage)) };
}

for (const seed of flags.seeds.split(",").map(Number))
  for (const method of flags.methods.split(",")) {
    if (rows.some((row) => row.method === method && row.seed === seed && row.epochs === epochs)) continue;
    const folder = join(flags.work, `${method}-${seed}`);
    const resume = existsSync(folder);
    const began = performance.now();
    const { model } = await train(nodeTrainingHost, resume ? undefined : data, {
      ...(resume ? { resume } : { recipe: recipeOf(method, seed) }),
      folder,
      threads,
      workers: 1,
    });
    const seconds = Math.round((performance.now() - began) / 1000);
    const top1 = async (split: "test" | "validation") =>
      (await evaluate(nodeTrainingHost, model, data, { split, threads })).accuracy.top1;
    rows.push({ method, seed, epochs, test: await top1("test"), validation: await top1("validation"), seconds });
    const definition = defineModel("lightweight_cnn");
    const { parameters, macs } = modelCost(definition, { height: 28, width: 28 });
    writeFileSync(flags.out, `${JSON.stringify({ parameters, macs, threads, rows }, undefined, 1)}\n`);
    console.log(method, seed, rows.at(-1));
  }
