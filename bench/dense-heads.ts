// What SEPC and BVR add to a plain dense detector: the same small ResNet and pyramid with RetinaNet's head alone, with pyramid convolutions in place of its towers, and with places that look
// at corners and centres first, from scratch on made scenes with boxes, for as many epochs (recipes/dense-heads.ts). A row a detector and seed; what is stopped goes on where it was.
//
//   saccade scenes PICTURES SCENES --annotations coco --objects 1:4 --shapes --size 128 --evidence 56 --evidence-low 24 --clutter 4 --count 3000 --held-out 400 \
//     --classes beach,bus,lion,pizza
//   npx tsx bench/dense-heads.ts --data SCENES [--detectors plain,sepc,bvr] [--seeds 1,2] [--epochs 6] [--work FOLDER] [--threads 1] [--out FILE]
//
// Average precision is COCO's, of the held-out scenes.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { modelCost } from "../src/models/cost.ts";
import { defineModel } from "../src/models/registry.ts";
import { nodeTrainingHost } from "../src/platform/node/training-host.ts";
import {
  fcosScenes,
  retinanetBvrScenes,
  retinanetPconvScenes,
  retinanetScenes,
  retinanetSepcScenes,
} from "../src/recipes/dense-heads.ts";
import type { RecipeInput } from "../src/train/recipe-fields.ts";
import { evaluateDense } from "../src/workflows/evaluate-dense.ts";
import { isResumable, train } from "../src/workflows/train.ts";

const { values: flags } = parseArgs({
  options: {
    data: { type: "string", default: "runs/scenes" },
    detectors: { type: "string", default: "plain,sepc,bvr" },
    seeds: { type: "string", default: "1,2" },
    epochs: { type: "string", default: "6" },
    work: { type: "string", default: "runs/dense-heads" },
    threads: { type: "string", default: "1" },
    out: { type: "string", default: resolve(import.meta.dirname, "results/dense/dense-heads.json") },
  },
});

const DETECTORS: Readonly<Record<string, RecipeInput>> = {
  plain: retinanetScenes,
  fcos: fcosScenes,
  pconv: retinanetPconvScenes,
  sepc: retinanetSepcScenes,
  bvr: retinanetBvrScenes,
};

interface Row {
  readonly detector: string;
  readonly seed: number;
  readonly epochs: number;
  readonly ap: number;
  readonly ap50: number;
  readonly ap75: number;
}

const threads = Number(flags.threads);
const epochs = Number(flags.epochs);
const rows: Row[] = existsSync(flags.out) ? JSON.parse(readFileSync(flags.out, "utf8")).rows : [];
const costs = Object.entries(DETECTORS).map(([detector, { config, height, width }]) => {
  const { parameters, macs } = modelCost(defineModel("single_stage", { ...config, num_classes: 4 }), { height, width });
  return { detector, parameters, macs };
});
for (const seed of flags.seeds.split(",").map(Number))
  for (const detector of flags.detectors.split(",")) {
    if (rows.some((row) => row.detector === detector && row.seed === seed && row.epochs === epochs)) continue;
    const folder = join(flags.work, `${detector}-${seed}-${epochs}`);
    const options = { folder, threads, workers: 1, device: "cpu" } as const;
    const { model } = (await isResumable(nodeTrainingHost.files, folder))
      ? await train(nodeTrainingHost, undefined, { ...options, resume: true })
      : await train(nodeTrainingHost, flags.data, { ...options, recipe: DETECTORS[detector]!, seed, epochs });
    const measured = await evaluateDense(nodeTrainingHost, model, flags.data, { threads, device: "cpu" });
    const { ap = 0, ap50 = 0, ap75 = 0 } = measured.boxes!;
    rows.push({ detector, seed, epochs, ap, ap50, ap75 });
    console.log(JSON.stringify(rows.at(-1)));
    mkdirSync(dirname(flags.out), { recursive: true });
    writeFileSync(flags.out, `${JSON.stringify({ scenes: measured.pictures, threads, costs, rows }, undefined, 1)}\n`);
  }
