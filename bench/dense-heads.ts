// What SEPC and BVR add to a plain dense detector: the same small ResNet and pyramid with RetinaNet's head alone, with pyramid convolutions in place of its towers, and with places that look
// at corners and centres first, from scratch on made scenes with boxes, for as many epochs. A row a detector and seed; a run that is stopped goes on with the rows that are missing.
//
//   saccade scenes PICTURES SCENES --annotations coco --objects 1:4 --shapes --size 128 --evidence 56 --evidence-low 24 --clutter 4 --count 3000 --held-out 400
//   npx tsx bench/dense-heads.ts --data SCENES [--detectors plain,sepc,bvr] [--seeds 1,2] [--epochs 6] [--work FOLDER] [--threads 1] [--out FILE]
//
// Average precision is COCO's, of the held-out scenes.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { objectsInPixels } from "../src/data/annotated/place-objects.ts";
import { loadPicture } from "../src/data/files.ts";
import { createLoader, inlineWorker } from "../src/data/loader.ts";
import { openDataset } from "../src/data/open.ts";
import { createSampler } from "../src/data/sampler.ts";
import { DetectionMeter } from "../src/evaluate/dense/average-precision.ts";
import { writeModelFolder } from "../src/model-folder/load.ts";
import { nativeModel } from "../src/model-folder/native.ts";
import { modelCost } from "../src/models/cost.ts";
import { inferenceGraph, initialWeights } from "../src/models/graph.ts";
import { defineModel } from "../src/models/registry.ts";
import { nodeHost } from "../src/platform/node/host.ts";
import {
  fcosScenes,
  retinanetBvrScenes,
  retinanetPconvScenes,
  retinanetScenes,
  retinanetSepcScenes,
} from "../src/recipes/dense-heads.ts";
import { loadDetector } from "../src/tasks/detect/detector.ts";
import { lowerStep } from "../src/train/host-work.ts";
import { optimizerOf, parseRecipe } from "../src/train/recipe.ts";
import type { RecipeInput } from "../src/train/recipe-fields.ts";
import { scheduleOfRecipe, stepOfRecipe } from "../src/train/train-model.ts";
import { initialState, stateOf, Trainer } from "../src/train/trainer.ts";

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
const threads = Number(flags.threads);
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
  readonly seconds: number;
  /** The mean loss of each epoch. */
  readonly losses: readonly number[];
}

const epochs = Number(flags.epochs);
const { train: pictures, validation, labels } = await openDataset(nodeHost.files, flags.data);
if (pictures === undefined || validation === undefined) throw new Error(`${flags.data} needs two splits`);

const definitionOf = (detector: string) =>
  defineModel("single_stage", { ...DETECTORS[detector]!.config, num_classes: labels.length });

async function train(detector: string, seed: number) {
  const recipe = parseRecipe({ ...DETECTORS[detector], seed, epochs });
  const definition = definitionOf(detector);
  const step = stepOfRecipe(recipe, definition, labels.length);
  const model = nativeModel(definition, initialWeights(inferenceGraph(definition), seed), { name: detector });
  await using session = await nodeHost.createSession(lowerStep(step, "onnxruntime"), {
    state: stateOf(step),
    threads,
  });
  await using loader = createLoader({
    dataset: pictures!,
    sampler: createSampler(pictures!, { batchSize: recipe.batch, seed }),
    augmentation: recipe.augmentation,
    workers: [inlineWorker({ files: nodeHost.files, decode: nodeHost.decode })],
    annotations: recipe.annotations!,
  });
  const schedule = scheduleOfRecipe(recipe, loader.batchesPerEpoch);
  const options = { step, session, optimizer: optimizerOf(recipe), schedule, emaDecay: 0, accumulate: 1, seed };
  const trainer = new Trainer(options, model.weights, initialState(step, model.weights));
  const losses: number[] = [];
  let sum = 0;
  for await (const batch of loader.batches({ untilEpoch: epochs })) {
    sum += (await trainer.run(batch)).loss;
    if (batch.index + 1 < loader.batchesPerEpoch) continue;
    losses.push(Number((sum / loader.batchesPerEpoch).toFixed(4)));
    console.log(`${detector} ${seed} epoch ${batch.epoch}: loss ${losses.at(-1)}`);
    sum = 0;
  }
  const weights = trainer.parametersOf(await trainer.state(), "current");
  return { model: nativeModel(definition, weights, { name: detector, labels, transform: recipe.transform }), losses };
}

/** COCO's average precision on the held-out scenes. */
async function measure(folder: string) {
  await using detector = await loadDetector(nodeHost, folder, { threads, device: "cpu" });
  const meter = new DetectionMeter(labels.length, "box");
  for (let i = 0; i < validation!.length; i++) {
    const { picture: source } = await validation!.item(i);
    const { detections, picture } = await detector.detect(await loadPicture(source, nodeHost.files, nodeHost.decode), {
      threshold: 0.01,
    });
    const things = objectsInPixels(validation!.annotations!(i), picture);
    meter.add(
      things.map(({ label, box }) => ({ category: label, box })),
      detections.map(({ index, score, box }) => ({ category: index, score, box })),
    );
  }
  const { ap = 0, ap50 = 0, ap75 = 0 } = meter.result();
  return { ap, ap50, ap75 };
}

const rows: Row[] = existsSync(flags.out) ? JSON.parse(readFileSync(flags.out, "utf8")).rows : [];
const costs = Object.keys(DETECTORS).map((detector) => {
  const { parameters, macs } = modelCost(definitionOf(detector), DETECTORS[detector]!);
  return { detector, parameters, macs };
});
for (const seed of flags.seeds.split(",").map(Number))
  for (const detector of flags.detectors.split(",")) {
    if (rows.some((row) => row.detector === detector && row.seed === seed && row.epochs === epochs)) continue;
    const began = performance.now();
    const { model, losses } = await train(detector, seed);
    const seconds = Math.round((performance.now() - began) / 1000);
    const folder = join(flags.work, `${detector}-${seed}`);
    await writeModelFolder(nodeHost.files, folder, model);
    rows.push({ detector, seed, epochs, ...(await measure(folder)), seconds, losses });
    console.log(JSON.stringify(rows.at(-1)));
    writeFileSync(
      flags.out,
      `${JSON.stringify({ training: pictures.length, validation: validation.length, threads, costs, rows }, undefined, 1)}\n`,
    );
  }
