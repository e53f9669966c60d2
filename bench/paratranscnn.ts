// What two branches are worth to a small ParaTransCNN beside each of them alone: runs of the recipe paratranscnn-scenes that differ in config.branches and in nothing else, gathered
// into one file: mIoU and Dice on held-out scenes after each epoch.
//
//   saccade scenes PICTURES SCENES --annotations masks --objects 1:3 --shapes --size 64 --evidence 40 --evidence-low 24 --clutter 3 \
//     --classes beach,bus,lion,pizza --count 2400 --held-out 300
//   saccade recipes paratranscnn-scenes --json > RECIPE.json             epochs: 4; config.branches: both, cnn or transformer
//   saccade train SCENES --recipe RECIPE.json --seed SEED --threads 1 --workers 1 --out RUNS/pt-BRANCHES-SEED
//   npx tsx bench/paratranscnn.ts --runs RUNS [--out FILE]
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { countMacs } from "../src/graph/macs.ts";
import { inferenceGraph, parameterCount } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";

const { values: flags } = parseArgs({
  options: {
    runs: { type: "string", default: "runs" },
    out: { type: "string", default: resolve(import.meta.dirname, "results/dense/paratranscnn.json") },
  },
});

interface Line {
  readonly kind: string;
  readonly miou: number;
  readonly dice: number;
}

const rows = readdirSync(flags.runs).flatMap((name) => {
  const [, branches, seed] = /^pt-(both|cnn|transformer)-(\d+)$/.exec(name) ?? [];
  if (branches === undefined) return [];
  const folder = join(flags.runs, name);
  const recipe = JSON.parse(readFileSync(join(folder, "recipe.json"), "utf8"));
  const graph = inferenceGraph(defineModel(recipe.architecture, { ...recipe.config, num_classes: 5 }));
  const cost = { parameters: parameterCount(graph), macs: countMacs(graph, new Map([["batch", 1]])).total };
  const lines = readFileSync(join(folder, "metrics.jsonl"), "utf8").trim().split("\n");
  const measured = lines.map((line) => JSON.parse(line) as Line).filter(({ kind }) => kind === "eval");
  const epochs = measured.map(({ miou, dice }) => ({ miou, dice }));
  return [{ branches, seed: Number(seed), ...cost, epochs }];
});
if (rows.length === 0) throw new Error(`${flags.runs} has no run named pt-BRANCHES-SEED`);
writeFileSync(flags.out, `${JSON.stringify({ rows }, undefined, 1)}\n`);
for (const { branches, seed, parameters, macs, epochs } of rows)
  console.log(branches, seed, parameters, macs, ...epochs.map(({ miou }) => miou.toFixed(3)));
