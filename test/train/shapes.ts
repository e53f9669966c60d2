// A toy that a tiny model learns in seconds: pictures of one class have one colour and one shape, at random places.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDataset, type Dataset } from "../../src/data/dataset.ts";
import { inlineWorker } from "../../src/data/loader.ts";
import type { RawImage } from "../../src/image/raw-image.ts";
import { nodeDataFiles } from "../../src/platform/node/data-files.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { RandomSource } from "../../src/random.ts";
import { parseRecipe } from "../../src/train/recipe.ts";
import type { Recipe, RecipeInput } from "../../src/train/recipe-fields.ts";

export const SIZE = 32;
export const LABELS = ["disc", "cross", "square"];
const COLOURS = [
  [230, 60, 40],
  [40, 200, 70],
  [50, 80, 230],
] as const;

/** A shape of its class's colour on a grey ground with noise. */
export function shapePicture(label: number, number: number): RawImage {
  const random = new RandomSource(7, `shape/${label}/${number}`);
  const [cx, cy, radius] = [random.between(10, 22), random.between(10, 22), random.between(5, 9)];
  const ground = random.between(60, 180);
  const data = new Uint8Array(3 * SIZE * SIZE);
  for (let y = 0; y < SIZE; y++)
    for (let x = 0; x < SIZE; x++) {
      const [dx, dy] = [Math.abs(x - cx), Math.abs(y - cy)];
      const inside = [
        Math.hypot(dx, dy) < radius,
        Math.min(dx, dy) < 2 && Math.max(dx, dy) < radius,
        Math.max(dx, dy) < radius,
      ];
      for (let c = 0; c < 3; c++)
        data[3 * (y * SIZE + x) + c] = (inside[label] ? COLOURS[label]![c]! : ground) + random.between(-15, 15);
    }
  return { width: SIZE, height: SIZE, data };
}

/** `perClass` pictures of each class, in memory. */
export function shapes(perClass: number, first = 0): Dataset {
  const label = (index: number) => index % LABELS.length;
  return createDataset({
    labels: LABELS,
    targets: Int32Array.from({ length: LABELS.length * perClass }, (_, index) => label(index)),
    origin: "from memory",
    name: (index) => `shape ${index}`,
    picture: (index) => ({
      kind: "pixels",
      image: shapePicture(label(index), first + Math.floor(index / LABELS.length)),
    }),
  });
}

/** The same as files: FOLDER/train/CLASS/N.png and FOLDER/val/CLASS/N.png. */
export async function writeShapes(folder: string, counts: Readonly<Record<string, number>>): Promise<string> {
  for (const [split, perClass] of Object.entries(counts))
    for (const [label, name] of LABELS.entries()) {
      mkdirSync(join(folder, split, name), { recursive: true });
      for (let number = 0; number < perClass; number++) {
        const image = shapePicture(label, split === "train" ? number : 1000 + number);
        writeFileSync(join(folder, split, name, `${number}.png`), await nodeHost.encodePng(image));
      }
    }
  return folder;
}

/** A worker in this thread. */
export const worker = () => inlineWorker({ files: nodeDataFiles, decode: nodeHost.decode });

/** Two looks of four tokens at four points. */
export const TINY_CONFIG = {
  conv_dim: 8,
  num_latent_tokens: 4,
  num_sampling_points: 4,
  same_token_embedding: false,
  width_configs: [16, 32],
  repeats: [2, 1],
  ops_list: [
    ["ATTN", "ROI_ADJ", "SAMPLING_M", "MLP"],
    ["ATTN", "MLP"],
  ],
  head_op: "avg",
  attn_head_dim: 16,
  compatible_config: { type_op_adjust: 1, mixing_bias: true, transition_ln: true, min_out_points: 4 },
};

export const TINY_INPUT: RecipeInput = {
  name: "tiny",
  architecture: "sparseformer",
  config: TINY_CONFIG,
  height: SIZE,
  width: SIZE,
  augmentation: `random_resized_crop(${SIZE},0.6:1)|flip(0.5)|normalize(imagenet)`,
  transform: `resize(${SIZE},${SIZE})|normalize(imagenet)`,
  epochs: 2,
  batch: 8,
  learning_rate: 3e-3,
  warmup_epochs: 0.5,
  weight_decay: 0.05,
  no_decay: ["initial_roi.*"],
  clip_norm: 5,
  seed: 3,
};

/** A recipe of seconds. */
export function tinyRecipe(changes: Partial<RecipeInput> = {}): Recipe {
  return parseRecipe({ ...TINY_INPUT, ...changes });
}

/** With all that draws random numbers or carries state: drop path, mixing, accumulation, a moving average. */
export const EVERYTHING: Partial<RecipeInput> = {
  config: { ...TINY_CONFIG, drop_path_rate: 0.2 },
  accumulate: 2,
  ema_decay: 0.9,
  label_smoothing: 0.1,
  mixup: 0.8,
  cutmix: 1,
  mix_probability: 0.8,
};
