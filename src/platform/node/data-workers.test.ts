import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Dataset } from "../../data/dataset.ts";
import { type Batch, createLoader, inlineWorker, type Loader, type LoaderOptions } from "../../data/loader.ts";
import { tarOf } from "../../data/memory-files.test-helper.ts";
import { openDataset } from "../../data/open.ts";
import { createSampler } from "../../data/sampler.ts";
import { SaccadeError } from "../../errors.ts";
import { nodeDataFiles } from "./data-files.ts";
import { createDataWorkers } from "./data-workers.ts";
import { decodeWithSharp } from "./decode.ts";

const RECIPE =
  "random_resized_crop(32,0.25:1,random)|flip(0.5)|rand_augment(rand-m9-mstd0.5-inc1)|normalize(imagenet)|random_erasing(0.25)";
const place = { files: nodeDataFiles, decode: decodeWithSharp };

const loaders: Loader[] = [];
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "saccade-data-"));
  for (const [label, shade] of [
    ["cat", 60],
    ["guinea-pig", 160],
  ] as const) {
    await mkdir(join(folder, "train", label), { recursive: true });
    for (let i = 0; i < 10; i++)
      await writeFile(
        join(folder, "train", label, `${i}.jpg`),
        await sharp(
          Uint8Array.from({ length: 40 * 30 * 3 }, (_, at) => (at * (i + 3) + shade) & 255),
          {
            raw: { width: 40, height: 30, channels: 3 },
          },
        )
          .jpeg()
          .toBuffer(),
      );
  }
  await writeFile(join(folder, "train", "cat", "3.jpg"), "not a picture");
});

afterAll(async () => {
  await Promise.all(loaders.map((loader) => loader.dispose()));
  await rm(folder, { recursive: true });
});

function load(dataset: Dataset, options: Partial<LoaderOptions>): Loader {
  const mix = { mixupAlpha: 0.8, cutmixAlpha: 1 };
  const { sampler = createSampler(dataset, { batchSize: 4, seed: 7, mix }) } = options;
  const loader = createLoader({ dataset, augmentation: RECIPE, workers: [], smoothing: 0.1, ...options, sampler });
  loaders.push(loader);
  return loader;
}

async function collect(loader: Loader, untilEpoch: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of loader.batches({ untilEpoch })) batches.push(batch);
  return batches;
}

describe("data workers", () => {
  test("threads make the same batches as this thread, first and from the cache", async () => {
    const { train } = await openDataset(nodeDataFiles, folder, { validationFraction: 0 });
    const here = load(train!, { workers: [inlineWorker(place)] });
    const there = load(train!, { workers: createDataWorkers(2) });
    const expected = await collect(here, 3);
    expect(expected).toHaveLength(15);
    expect(await collect(there, 3)).toEqual(expected);
    expect(there.problems).toEqual([{ name: join(folder, "train/cat/3.jpg"), reason: "this is text, not a picture" }]);
    expect(there.takeStatistics()).toMatchObject({ batches: 15, pictures: 60, cachedPictures: 19 });
  });

  test("pictures inside a shard are read by their place", async () => {
    const jpeg = await sharp({ create: { width: 32, height: 32, channels: 3, background: "#a04020" } })
      .jpeg()
      .toBuffer();
    const path = join(folder, "shard.tar");
    await writeFile(
      path,
      tarOf({ "0.jpg": jpeg, "0.cls": "0", "1.jpg": jpeg, "1.cls": "1", "2.jpg": "damaged", "2.cls": "1" }),
    );
    const { train } = await openDataset(nodeDataFiles, path, { validationFraction: 0 });
    expect((await train!.item(0)).picture.kind).toBe("range");
    const loader = load(train!, {
      workers: createDataWorkers(1),
      sampler: createSampler(train!, { batchSize: 3, seed: 0, shuffle: false }),
      augmentation: "central_crop(32)|value_range(0,255)",
    });
    const { value } = await loader.batches().next();
    expect([...value.labels]).toEqual([0, 1, 0]);
    expect(Math.abs(value.images.data[0]! - 0xa0)).toBeLessThan(3);
    expect(loader.problems[0]!.name).toBe(`${path}/2.jpg`);
  });

  test("a worker that never got work does not keep its process alive", async () => {
    const module = new URL("./data-workers.ts", import.meta.url).href;
    const script = `import { createDataWorkers } from ${JSON.stringify(module)}; createDataWorkers(1);`;
    const args = ["--import", "tsx", "--input-type=module", "-e", script];
    // A process that would go on for ever is ended, and then this is rejected.
    await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
  }, 70_000);

  test("a worker that was ended says so", async () => {
    const [worker] = createDataWorkers(1);
    await worker!.dispose();
    await worker!.dispose();
    const task = {
      epoch: 0,
      index: 0,
      firstPosition: 0,
      seed: 0,
      augmentation: "",
      classes: 1,
      smoothing: 0,
      samples: [],
      returnsPixels: false,
    };
    await expect(worker!.run(task, [])).rejects.toThrow("was ended");
  });

  test("a mistake of the program inside a worker is an error outside", async () => {
    const [worker] = createDataWorkers(1);
    const task = {
      epoch: 0,
      index: 0,
      firstPosition: 0,
      seed: 0,
      augmentation: "flop()",
      classes: 1,
      smoothing: 0,
      samples: [],
      returnsPixels: false,
    };
    await expect(worker!.run(task, [])).rejects.toThrow(SaccadeError);
    await worker!.dispose();
  });

  test("files", async () => {
    const path = join(folder, "range.bin");
    await writeFile(path, Uint8Array.of(1, 2, 3, 4, 5));
    expect([...(await nodeDataFiles.readRange!(path, 1, 3))]).toEqual([2, 3, 4]);
    expect([...(await nodeDataFiles.readRange!(path, 4, 3))]).toEqual([5]);
    await expect(nodeDataFiles.readRange!(join(folder, "nothing"), 0, 1)).rejects.toThrow("file not found");
    await expect(nodeDataFiles.readRange!(folder, 0, 1)).rejects.toThrow(SaccadeError);
  });
});

const EVERYDAY = resolve(import.meta.dirname, "../../../../shared/data/everyday");
const hasEveryday = existsSync(EVERYDAY);
if (!hasEveryday)
  console.log("skipped: the everyday pictures are not beside this repository (../shared/data/everyday)");

test.skipIf(!hasEveryday)("the everyday pictures", async () => {
  const { train, validation, labels, layout } = await openDataset(nodeDataFiles, EVERYDAY);
  expect([layout, train!.length, validation!.length, labels.length]).toEqual(["image folders", 22050, 2450, 49]);
  expect(labels).toContain("guinea-pig");
  const loader = load(validation!, {
    workers: createDataWorkers(1),
    sampler: createSampler(validation!, { batchSize: 64, seed: 0, shuffle: false, last: "pad" }),
    augmentation: "central_crop(64)|normalize(imagenet)",
    unreadable: "blank",
    smoothing: 0,
  });
  const counts = new Int32Array(49);
  for (const batch of await collect(loader, 1)) for (const label of batch.labels) if (label >= 0) counts[label]!++;
  expect([...counts]).toEqual(Array(49).fill(50));
  expect(loader.problems).toEqual([]);
});
