// The Gabor texture branch on textures: gratings of three wavelengths and four orientations, each in a random part of a picture, under noise, over a smooth ground. The same small ResNet alone and
// with the branch, from scratch, for as many epochs. A row a network, number of training pictures and seed; a run that is stopped goes on with the rows that are missing.
//
//   npx tsx bench/textures.ts [--counts 16,32] [--seeds 1,2,3] [--epochs 30] [--work FOLDER] [--threads 1] [--out FILE]
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { modelCost } from "../src/models/cost.ts";
import { defineModel } from "../src/models/registry.ts";
import { nodeTrainingHost } from "../src/platform/node/training-host.ts";
import { RandomSource } from "../src/random.ts";
import { parseRecipe } from "../src/train/recipe.ts";
import { evaluate } from "../src/workflows/evaluate.ts";
import { train } from "../src/workflows/train.ts";

const { values: flags } = parseArgs({
  options: {
    counts: { type: "string", default: "16,32" },
    seeds: { type: "string", default: "1,2,3" },
    epochs: { type: "string", default: "30" },
    work: { type: "string", default: "runs/textures" },
    threads: { type: "string", default: "1" },
    out: { type: "string", default: resolve(import.meta.dirname, "results/textures.json") },
  },
});
const threads = Number(flags.threads);
const SIZE = 64;
const WAVELENGTHS = [3, 4, 5.3];
const ORIENTATIONS = 4;
const CLASSES = WAVELENGTHS.length * ORIENTATIONS;
/** Pictures of a class that the epoch is chosen by, and that accuracy is told on. */
const [VALIDATION, TEST] = [4, 40];

/** A picture of a class, grey, (SIZE, SIZE). */
function texture(kind: number, random: RandomSource): Uint8Array {
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  const wavelength = WAVELENGTHS[Math.floor(kind / ORIENTATIONS)]! * between(0.95, 1.05);
  const angle = ((kind % ORIENTATIONS) / ORIENTATIONS + between(-0.04, 0.04)) * Math.PI;
  const [side, contrast, phase] = [between(20, 36), between(20, 45), between(0, 2 * Math.PI)];
  const [left, top] = [between(0, SIZE - side), between(0, SIZE - side)];
  const [ground, slopeX, slopeY] = [between(90, 160), between(-1, 1), between(-1, 1)];
  return Uint8Array.from({ length: SIZE * SIZE }, (_, i) => {
    const [x, y] = [i % SIZE, Math.floor(i / SIZE)];
    const isInside = x >= left && x < left + side && y >= top && y < top + side;
    const turns = (x * Math.cos(angle) + y * Math.sin(angle)) / wavelength;
    const wave = isInside ? contrast * Math.cos(2 * Math.PI * turns + phase) : 0;
    const value = ground + slopeX * (x - SIZE / 2) + slopeY * (y - SIZE / 2) + wave + 22 * random.normal();
    return Math.max(0, Math.min(255, Math.round(value)));
  });
}

async function writeTextures(folder: string, split: string, count: number, seed: number): Promise<void> {
  const random = new RandomSource(seed, `textures ${split}`);
  for (let kind = 0; kind < CLASSES; kind++) {
    const name = `wave-${WAVELENGTHS[Math.floor(kind / ORIENTATIONS)]}-${(180 / ORIENTATIONS) * (kind % ORIENTATIONS)}`;
    const place = join(folder, split, name);
    mkdirSync(place, { recursive: true });
    for (let i = 0; i < count; i++) {
      const raw = { width: SIZE, height: SIZE, channels: 1 } as const;
      await sharp(texture(kind, random), { raw })
        .png()
        .toFile(join(place, `${i}.png`));
    }
  }
}

const BACKBONE = { stem_channels: 16, layers: [1, 1, 1, 1], channels: [16, 32, 48, 64] };
const BRANCH = {
  region_scales: [2],
  num_regions: 3,
  region_size: 32,
  num_filters: 24,
  kernel_size: 9,
  wavelength: [2, 9],
  deviation: [1, 3],
};
const NETWORKS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  one: { texture: false },
  two: BRANCH,
};
const configOf = (network: string) => ({
  ...{ backbone: "resnet18", backbone_config: BACKBONE, img_size: SIZE },
  ...NETWORKS[network],
});

interface Row {
  readonly branches: string;
  /** Training pictures of a class. */
  readonly pictures: number;
  readonly seed: number;
  readonly epochs: number;
  readonly accuracy: number;
  readonly seconds: number;
}

const epochs = Number(flags.epochs);
const rows: Row[] = existsSync(flags.out) ? JSON.parse(readFileSync(flags.out, "utf8")).rows : [];
const costs = Object.keys(NETWORKS).map((network) => {
  const definition = defineModel("gabor", { ...configOf(network), num_classes: CLASSES });
  const { parameters, macs } = modelCost(definition, { height: SIZE, width: SIZE });
  return { branches: network, parameters, macs };
});
for (const pictures of flags.counts.split(",").map(Number))
  for (const seed of flags.seeds.split(",").map(Number)) {
    const data = join(flags.work, `data-${pictures}-${seed}`);
    if (!existsSync(data)) {
      await writeTextures(data, "train", pictures, seed);
      await writeTextures(data, "val", VALIDATION, seed);
      await writeTextures(data, "test", TEST, seed);
    }
    for (const network of Object.keys(NETWORKS)) {
      const isDone = (row: Row) =>
        row.branches === network && row.pictures === pictures && row.seed === seed && row.epochs === epochs;
      if (rows.some(isDone)) continue;
      const folder = join(flags.work, `${network}-${pictures}-${seed}`);
      const transform = `resize(${SIZE},${SIZE},bilinear)|normalize(imagenet)`;
      const recipe = parseRecipe({
        ...{ name: `textures-${network}`, summary: "textures", architecture: "gabor", config: configOf(network) },
        ...{ height: SIZE, width: SIZE, transform, augmentation: transform, seed, epochs, batch: 16 },
        ...{ learning_rate: 2e-3, weight_decay: 0.02, warmup_epochs: 1 },
      });
      const began = performance.now();
      const { model } = await train(nodeTrainingHost, data, { recipe, folder, threads, workers: 1 });
      const seconds = Math.round((performance.now() - began) / 1000);
      const { accuracy } = await evaluate(nodeTrainingHost, model, data, { split: "test", threads });
      rows.push({ branches: network, pictures, seed, epochs, accuracy: accuracy.top1, seconds });
      console.log(JSON.stringify(rows.at(-1)));
      writeFileSync(flags.out, `${JSON.stringify({ test: CLASSES * TEST, threads, costs, rows }, undefined, 1)}\n`);
    }
  }
