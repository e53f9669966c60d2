import { describe, expect, test } from "vitest";
import { AbortedError, SaccadeError, UsageError } from "../errors.ts";
import type { BatchTask } from "./batch-work.ts";
import { createDataset, type Dataset } from "./dataset.ts";
import { type Batch, type BatchWorker, createLoader, inlineWorker, type LoaderOptions } from "./loader.ts";
import { CORRUPT, decodePicture, memoryFiles, picture } from "./memory-files.test-helper.ts";
import { cachedImage, PictureCache } from "./picture-cache.ts";
import { createSampler, type SamplerOptions } from "./sampler.ts";

const PLAIN = "central_crop(4)|value_range(0,255)";
const RANDOM =
  "random_resized_crop(4,0.3:1)|flip(0.5)|rand_augment(rand-m9-mstd0.5-inc1)|normalize(imagenet)|random_erasing(0.5)";

/** `length` pictures, red as their index; those in `corrupt` cannot be read. */
function makeData(length: number, corrupt: readonly number[] = []) {
  const files = memoryFiles(
    Object.fromEntries(
      Array.from({ length }, (_, i) => [`${i}.jpg`, corrupt.includes(i) ? CORRUPT : picture(i, 50, 200)]),
    ),
  );
  const dataset: Dataset = createDataset({
    labels: ["a", "b", "c"],
    targets: Int32Array.from({ length }, (_, i) => i % 3),
    name: (i) => `${i}.jpg`,
    picture: (i) => ({ kind: "file", path: `${i}.jpg` }),
    origin: "from a test",
  });
  return { files, dataset };
}

interface Setup {
  readonly length?: number;
  readonly corrupt?: readonly number[];
  readonly sampler?: Partial<SamplerOptions>;
  readonly loader?: Partial<LoaderOptions>;
  readonly delay?: (task: BatchTask) => number;
  readonly workers?: number;
}

function setUp({ length = 10, corrupt, sampler, loader, delay, workers = 1 }: Setup = {}) {
  const { files, dataset } = makeData(length, corrupt);
  const made: string[] = [];
  const worker = (): BatchWorker => {
    const inner = inlineWorker({ files, decode: decodePicture });
    return {
      ...inner,
      async run(task, slabs) {
        if (delay !== undefined) await new Promise((resolve) => setTimeout(resolve, delay(task)));
        made.push(`${task.epoch}/${task.index}`);
        return inner.run(task, slabs);
      },
    };
  };
  return {
    files,
    made,
    loader: createLoader({
      dataset,
      sampler: createSampler(dataset, { batchSize: 4, seed: 1, ...sampler }),
      augmentation: PLAIN,
      workers: Array.from({ length: workers }, worker),
      ...loader,
    }),
  };
}

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

/** The red value of each row's first pixel. */
const reds = ({ images }: Batch): number[] =>
  Array.from({ length: images.shape[0]! }, (_, row) => images.data[row * 48]!);

describe("loader", () => {
  test("second pictures come behind the first ones, with random numbers of their own, and change nothing about these", async () => {
    const sampler = { shuffle: false, batchSize: 4 } as const;
    const { loader } = setUp({ length: 8, sampler, loader: { augmentation: RANDOM } });
    const twice = setUp({ length: 8, sampler, loader: { augmentation: RANDOM, second: RANDOM } });
    const plainSecond = setUp({ length: 8, sampler, loader: { second: PLAIN } });
    const [once] = await collect(loader.batches({ untilEpoch: 1 }));
    const [both] = await collect(twice.loader.batches({ untilEpoch: 1 }));
    expect(both!.images.shape).toEqual([8, 3, 4, 4]);
    expect(both!.targets.shape).toEqual([4, 3]);
    expect(both!.images.data.slice(0, 4 * 48)).toEqual(once!.images.data);
    expect(both!.images.data.slice(4 * 48)).not.toEqual(once!.images.data);
    const [same] = await collect(plainSecond.loader.batches({ untilEpoch: 1 }));
    expect(reds(same!)).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
  });

  test("what a batch is", async () => {
    const { loader } = setUp({ sampler: { shuffle: false, last: "pad" }, loader: { smoothing: 0.3 } });
    const batches = await collect(loader.batches({ untilEpoch: 1 }));
    expect(batches.map(({ epoch, index }) => [epoch, index])).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
    ]);
    const [first, , last] = batches as [Batch, Batch, Batch];
    expect(first.images.shape).toEqual([4, 3, 4, 4]);
    expect(reds(first)).toEqual([0, 1, 2, 3]);
    expect([...first.images.data.subarray(16, 18), first.images.data[32]]).toEqual([50, 50, 200]);
    expect([...first.labels, ...first.items]).toEqual([0, 1, 2, 0, 0, 1, 2, 3]);
    expect([...first.targets.data.subarray(3, 6)].map((value) => value.toFixed(2))).toEqual(["0.10", "0.80", "0.10"]);
    expect(first.names).toEqual(["0.jpg", "1.jpg", "2.jpg", "3.jpg"]);
    expect([last.count, [...last.items], [...last.labels], last.names]).toEqual([
      2,
      [8, 9, -1, -1],
      [2, 0, -1, -1],
      ["8.jpg", "9.jpg", "", ""],
    ]);
    expect(last.targets.data.subarray(6).every((value) => value === 0)).toBe(true);
  });

  test("in order and the same with any number of workers, however slow, with any cache", async () => {
    const sampler = { mix: { mixupAlpha: 0.8, cutmixAlpha: 1 }, repeats: 2 };
    const run = (setup: Setup) =>
      collect(
        setUp({
          length: 30,
          sampler,
          ...setup,
          loader: { augmentation: RANDOM, smoothing: 0.1, ...setup.loader },
        }).loader.batches({ untilEpoch: 2 }),
      );
    const one = await run({});
    const slow = await run({ workers: 3, delay: ({ index }) => (index % 3 === 0 ? 8 : 0), loader: { prefetch: 7 } });
    const uncached = await run({ workers: 2, loader: { cacheBytes: 0 } });
    const partly = await run({ workers: 2, loader: { cacheBytes: 500 } });
    expect(one).toHaveLength(14);
    expect(slow).toEqual(one);
    expect(uncached).toEqual(one);
    expect(partly).toEqual(one);
  });

  test("resumed from any batch, it goes on as if it had never stopped", async () => {
    const setup: Setup = { length: 21, sampler: { last: "wrap" }, loader: { augmentation: RANDOM } };
    const unbroken = await collect(setUp(setup).loader.batches({ untilEpoch: 3 }));
    for (const place of [1, 5, 11]) {
      const { epoch, index } = unbroken[place]!;
      expect(await collect(setUp(setup).loader.batches({ from: { epoch, index }, untilEpoch: 3 }))).toEqual(
        unbroken.slice(place),
      );
    }
  });

  test("no more batches are made ahead than asked for", async () => {
    const { loader, made } = setUp({ length: 100, loader: { prefetch: 3 } });
    const batches = loader.batches();
    await batches.next();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(made.length).toBe(3);
    await batches.next();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(made.length).toBe(4);
    await batches.return?.();
  });

  test("every picture is decoded once, when they fit the cache", async () => {
    const { loader, files } = setUp();
    await collect(loader.batches({ untilEpoch: 5 }));
    expect(files.reads.length).toBe(new Set(files.reads).size);
    expect(loader.takeStatistics()).toMatchObject({ cachedPictures: 10, cachedBytes: 480, batches: 10, pictures: 40 });
    expect(loader.takeStatistics().batches).toBe(0);
  });

  test("unreadable pictures are replaced by the next of the data set, and reported", async () => {
    const setup: Setup = { corrupt: [3, 4, 9], sampler: { shuffle: false, last: "keep" } };
    for (const workers of [1, 2]) {
      const { loader } = setUp({ ...setup, workers });
      const batches = await collect(loader.batches({ untilEpoch: 2 }));
      expect(batches.map(reds)).toEqual([
        [0, 1, 2, 5],
        [5, 5, 6, 7],
        [8, 0],
        [0, 1, 2, 5],
        [5, 5, 6, 7],
        [8, 0],
      ]);
      expect([...batches[0]!.items, ...batches[0]!.labels]).toEqual([0, 1, 2, 5, 0, 1, 2, 2]);
      expect(loader.problems.map(({ name }) => name).sort()).toEqual(["3.jpg", "4.jpg", "9.jpg"]);
      expect(loader.problems[0]!.reason).toBe("this is not a picture");
    }
  });

  test("or left blank, for evaluation", async () => {
    const { loader } = setUp({
      corrupt: [1],
      sampler: { shuffle: false, last: "keep" },
      loader: { unreadable: "blank" },
    });
    const [first] = await collect(loader.batches({ untilEpoch: 1 }));
    expect([first!.count, ...first!.labels]).toEqual([3, 0, -1, 2, 0]);
    expect(reds(first!)).toEqual([0, 0, 2, 3]);
  });

  test.each(["replace", "blank"] as const)("only when nothing can be read is it an error (%s)", async (unreadable) => {
    const { loader } = setUp({ corrupt: [...Array(10).keys()], sampler: { last: "keep" }, loader: { unreadable } });
    await expect(collect(loader.batches({ untilEpoch: 2 }))).rejects.toThrow(
      unreadable === "blank"
        ? /not one of the 10 pictures can be read: .*not a picture/
        : /not one of the \d pictures of the class "." can be read: .*not a picture/,
    );
  });

  test("a signal ends the wait at once", async () => {
    const controller = new AbortController();
    const { loader } = setUp({ delay: () => 1500 });
    const batches = loader.batches({ signal: controller.signal });
    setTimeout(() => controller.abort("enough"), 10);
    const started = performance.now();
    await expect(batches.next()).rejects.toThrow(AbortedError);
    expect(performance.now() - started).toBeLessThan(1200);
    await expect(loader.batches({ signal: controller.signal }).next()).rejects.toThrow(AbortedError);
    // the worker is free again for others
    expect((await loader.batches().next()).value.index).toBe(0);
  });

  test("statistics say how long the consumer waited", async () => {
    const { loader } = setUp({ delay: () => 10, loader: { prefetch: 1 } });
    for await (const _ of loader.batches({ untilEpoch: 3 })) await new Promise((resolve) => setTimeout(resolve, 10));
    const { waitMs, elapsedMs, waitShare } = loader.takeStatistics();
    expect(waitMs).toBeGreaterThan(40);
    expect(elapsedMs).toBeGreaterThan(waitMs);
    expect(waitShare).toBeCloseTo(waitMs / elapsedMs);
  });

  test("a worker's failure reaches the consumer", async () => {
    const broken: BatchWorker = {
      run: () => Promise.reject(new SaccadeError("x", "thread gone")),
      dispose: async () => undefined,
    };
    const { loader } = setUp({ loader: { workers: [broken] } });
    await expect(collect(loader.batches())).rejects.toThrow("thread gone");
  });

  test("after disposal there are no batches", async () => {
    const { loader } = setUp();
    await loader.dispose();
    await loader.dispose();
    await expect(loader.batches().next()).rejects.toThrow("disposed of");
  });

  test("what makes no sense is refused", () => {
    const wrong =
      (loader: Partial<LoaderOptions>, sampler: Partial<SamplerOptions> = {}) =>
      () =>
        setUp({ loader, sampler });
    expect(wrong({ augmentation: "flip(0.5)" })).toThrow("different sizes");
    expect(wrong({ augmentation: "flop()" })).toThrow(UsageError);
    expect(wrong({ workers: [] })).toThrow(UsageError);
    expect(wrong({ prefetch: 0 })).toThrow(UsageError);
    expect(wrong({ smoothing: 1 })).toThrow(UsageError);
    expect(wrong({ unreadable: "blank" }, { mix: { mixupAlpha: 1, cutmixAlpha: 0 } })).toThrow(UsageError);
  });
});

describe("picture cache", () => {
  test("keeps what fits, and never more", () => {
    const cache = new PictureCache(100);
    const image = (value: number) => ({ width: 4, height: 4, data: new Uint8Array(48).fill(value) });
    for (const item of [5, 6, 7]) cache.keep(item, image(item));
    expect([cache.count, cache.bytes]).toEqual([2, 96]);
    expect(cache.find(7)).toBeUndefined();
    expect(cachedImage(cache.find(6)!, cache.slabs)).toEqual(image(6));
    cache.clear();
    expect([cache.count, cache.slabs.length]).toEqual([0, 0]);
  });
});
