// A detector from annotated pictures to best/: measured after each epoch, and what is kept is worth what the run said.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeHost } from "../../src/platform/node/host.ts";
import { nodeTrainingHost } from "../../src/platform/node/training-host.ts";
import { parseRecipe } from "../../src/train/recipe.ts";
import { evaluateDense } from "../../src/workflows/evaluate-dense.ts";
import { train } from "../../src/workflows/train.ts";
import { temporaryFolder } from "../cli/mini-model.ts";
import { LABELS, SIZE, shapePicture } from "./shapes.ts";

const root = temporaryFolder();
const data = join(root, "things");

/** Pictures of a shape each, with a box around most of it. */
async function writeSplit(split: string, count: number, first: number): Promise<void> {
  mkdirSync(join(data, split), { recursive: true });
  const images = Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    file_name: `${i}.png`,
    width: SIZE,
    height: SIZE,
  }));
  for (const { id, file_name } of images)
    writeFileSync(join(data, split, file_name), await nodeHost.encodePng(shapePicture(id % 3, first + id)));
  mkdirSync(join(data, "annotations"), { recursive: true });
  writeFileSync(
    join(data, "annotations", `instances_${split}.json`),
    JSON.stringify({
      images,
      categories: LABELS.map((name, i) => ({ id: i + 1, name })),
      annotations: images.map(({ id }) => ({ id, image_id: id, category_id: (id % 3) + 1, bbox: [6, 6, 20, 20] })),
    }),
  );
}

const recipe = parseRecipe({
  name: "tiny-detector",
  architecture: "sparse_detector",
  config: {
    num_latent_tokens: 4,
    num_sampling_points: 9,
    looks: 2,
    width: 32,
    conv_dim: 16,
    generator_width: 16,
    img_size: SIZE,
  },
  height: SIZE,
  width: SIZE,
  transform: `letterbox(${SIZE},${SIZE},bilinear)|normalize(imagenet)`,
  augmentation: `scale_jitter(${SIZE},0.9:1.1)|normalize(imagenet)`,
  annotations: { most: 4 },
  validation: { pictures: 6 },
  batch: 8,
  epochs: 3,
  learning_rate: 2e-3,
});

test("lines, metrics.jsonl, best/ and a resumed run", async () => {
  await writeSplit("train", 48, 0);
  await writeSplit("val", 12, 1000);
  const folder = join(root, "run");
  const common = { folder, device: "cpu", threads: 1, workers: 1 } as const;
  const stop = new AbortController();
  const stopped = train(nodeTrainingHost, data, {
    ...common,
    recipe,
    signal: stop.signal,
    onEpoch: (epoch) => epoch === 1 && stop.abort(),
  });
  await expect(stopped).rejects.toThrow("training was aborted");
  const { measured, model, problems } = await train(nodeTrainingHost, undefined, { ...common, resume: true });
  expect(problems).toEqual([]);
  const records = readFileSync(join(folder, "metrics.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ kind }) => kind === "eval");
  expect(records.map(({ epoch }) => epoch)).toEqual([0, 1, 2]);
  const best = Math.max(...records.map(({ ap }) => ap));
  expect(measured?.best).toMatchObject({ measure: "AP", value: best, pictures: 6 });
  const { boxes } = await evaluateDense(nodeTrainingHost, model, data, { split: "validation", limit: 6, ...common });
  expect(boxes?.ap).toBeCloseTo(best, 9);
});
