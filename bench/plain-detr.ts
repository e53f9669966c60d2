// What positions relative to boxes (BoxRPB) are worth to a small Plain DETR: runs of the recipes plain-detr and plain-detr-absolute, which differ in nothing else, gathered
// into one file: average precision on held-out scenes, and losses.
//
//   npx tsx bench/painted-scenes.ts SCENES --classes colors --things-only --size 96 --count 4000 --held-out 400 --seed 5
//   saccade recipes RECIPE --json > RECIPE.json                          128 px become 96
//   saccade train SCENES --recipe RECIPE.json --seed SEED --threads 1 --workers 1 --out RUNS/RECIPE-SEED
//   saccade eval RUNS/RECIPE-SEED/best SCENES --json > RUNS/RECIPE-SEED/eval.json
//   npx tsx bench/plain-detr.ts --runs RUNS [--out FILE]
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const { values: flags } = parseArgs({
  options: {
    runs: { type: "string", default: "runs" },
    out: { type: "string", default: resolve(import.meta.dirname, "results/dense/plain-detr.json") },
  },
});

const POSITIONS = { "plain-detr": "relative to boxes", "plain-detr-absolute": "absolute" } as const;

interface Line {
  readonly kind: string;
  readonly epoch: number;
  readonly loss: number;
}

/** The mean of an epoch's lines, by epoch. */
function lossesOf(folder: string): number[] {
  const lines = readFileSync(join(folder, "metrics.jsonl"), "utf8").trim().split("\n");
  const byEpoch: number[][] = [];
  for (const { kind, epoch, loss } of lines.map((line) => JSON.parse(line) as Line)) {
    if (kind !== "train") continue;
    byEpoch[epoch] ??= [];
    byEpoch[epoch].push(loss);
  }
  return byEpoch.map((own) => Number((own.reduce((a, b) => a + b, 0) / own.length).toFixed(4)));
}

const rows = readdirSync(flags.runs).flatMap((name) => {
  const [, recipe, seed] = /^(plain-detr(?:-absolute)?)-(\d+)$/.exec(name) ?? [];
  const folder = join(flags.runs, name);
  if (recipe === undefined || !existsSync(join(folder, "eval.json"))) return [];
  const { pictures, boxes } = JSON.parse(readFileSync(join(folder, "eval.json"), "utf8"));
  const { epochs } = JSON.parse(readFileSync(join(folder, "recipe.json"), "utf8"));
  const { ap, ap50, ap75, ar10 } = boxes;
  const positions = POSITIONS[recipe as keyof typeof POSITIONS];
  return [{ recipe, positions, seed: Number(seed), epochs, pictures, ap, ap50, ap75, ar10, losses: lossesOf(folder) }];
});
if (rows.length === 0) throw new Error(`${flags.runs} has no run with an eval.json`);
writeFileSync(flags.out, `${JSON.stringify({ rows }, undefined, 1)}\n`);
for (const { recipe, seed, ap, ap50 } of rows) console.log(recipe, seed, "AP", ap, "AP50", ap50);
