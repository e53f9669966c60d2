// COCO's annotations, whole and broken.
import { expect, test } from "vitest";
import { createLoader, inlineWorker } from "../loader.ts";
import { decodePicture, memoryFiles, picture } from "../memory-files.test-helper.ts";
import { openDataset } from "../open.ts";
import { createSampler } from "../sampler.ts";

const SIZE = { width: 4, height: 4 };

const WHOLE = {
  images: [
    { id: 7, file_name: "a.jpg", ...SIZE },
    { id: 9, file_name: "b.jpg", ...SIZE },
    { id: 3, file_name: "c.jpg", ...SIZE },
  ],
  annotations: [
    { id: 1, image_id: 7, category_id: 90, bbox: [1, 0, 2, 3], segmentation: [[1, 0, 3, 0, 3, 3, 1, 3]], iscrowd: 0 },
    { id: 2, image_id: 7, category_id: 2, bbox: [0, 0, 1, 1], segmentation: [] },
    { id: 3, image_id: 9, category_id: 2, segmentation: { size: [4, 4], counts: [5, 2, 9] } },
    { id: 4, image_id: 9, category_id: 2, bbox: [0, 0, 4, 4], iscrowd: 1 },
  ],
  categories: [
    { id: 90, name: "toothbrush" },
    { id: 2, name: "bicycle" },
  ],
};

const filesOf = (json: unknown, more: Record<string, Uint8Array | string> = {}) =>
  memoryFiles({
    "set/annotations/instances_train2017.json": JSON.stringify(json),
    "set/train2017/a.jpg": picture(10),
    "set/train2017/b.jpg": picture(20),
    "set/train2017/c.jpg": picture(30),
    ...more,
  });

test("boxes, outlines, runs and crowds; categories by their ids, with holes; pictures of nothing stay", async () => {
  for (const path of ["set", "set/annotations/instances_train2017.json"]) {
    const data = await openDataset(filesOf(WHOLE), path, { validationFraction: 0 });
    expect(data.layout).toBe("COCO annotations");
    expect(data.labels).toEqual(["bicycle", "toothbrush"]);
    const { train } = data;
    expect(train?.length).toBe(3);
    expect([...train!.targets]).toEqual([1, 0, 0]);
    expect(train!.annotations!(0)).toEqual({
      size: SIZE,
      unit: "pixels",
      objects: [
        { label: 1, box: [1, 0, 3, 3], mask: { polygons: [[1, 0, 3, 0, 3, 3, 1, 3]] } },
        { label: 0, box: [0, 0, 1, 1] },
      ],
    });
    expect(train!.annotations!(1).objects).toMatchObject([
      { label: 0, box: [1, 1, 2, 3] },
      { label: 0, box: [0, 0, 4, 4], isIgnored: true },
    ]);
    expect(data.notes).toEqual([
      "instances_train2017.json: 2 categories have ids from 2 to 90, with holes: they are numbered 0 to 1 here",
      "1 picture has no annotations: it stays, as one of nothing (c.jpg)",
    ]);
  }
});

test("everything that is wrong is counted by kind and named, and the rest is used", async () => {
  const on = (more: Record<string, unknown>) => ({ id: 1, image_id: 7, category_id: 2, ...more });
  const broken = {
    ...WHOLE,
    images: [
      ...WHOLE.images,
      { id: 7, file_name: "again.jpg" },
      { id: 20, file_name: "../../secret.jpg" },
      { id: 21, file_name: "gone.jpg" },
      { file_name: "nameless.jpg" },
    ],
    annotations: [
      on({ bbox: [5, 5, 2, 2] }),
      on({ bbox: [2, 2, 9, 9] }),
      on({ bbox: [1, 1, 0, 3] }),
      on({ bbox: [1, "x", 2, 2] }),
      on({}),
      on({ category_id: 5, bbox: [0, 0, 1, 1] }),
      on({ image_id: 1234, bbox: [0, 0, 1, 1] }),
      on({ bbox: [0, 0, 2, 2], segmentation: [[0, 0, 2, 2]] }),
      on({ segmentation: [[0, 0, 2, 2]] }),
      on({ bbox: [0, 0, 2, 2], segmentation: { size: [5, 4], counts: [20] } }),
      on({ bbox: [0, 0, 2, 2], segmentation: { size: [4, 4], counts: [99] } }),
    ],
  };
  const data = await openDataset(filesOf(broken), "set", { validationFraction: 0 });
  expect(Object.fromEntries(data.faults!.map(({ kind, count }) => [kind, count]))).toEqual({
    outside: 1,
    clipped: 1,
    empty: 2,
    not_numbers: 1,
    no_place: 1,
    unknown_class: 1,
    unknown_picture: 1,
    few_points: 2,
    other_size: 1,
    damaged_mask: 1,
    twice: 1,
    leads_away: 1,
    missing: 1,
    unreadable: 1,
    unannotated: 2,
  });
  expect(data.train!.annotations!(0).objects.map(({ box }) => box)).toEqual([
    [2, 2, 4, 4],
    [0, 0, 2, 2],
    [0, 0, 2, 2],
    [0, 0, 2, 2],
  ]);
  expect(data.summary.join("\n")).toContain(
    "1 mask is of another size than its picture: the mask is left out (instances_train2017.json: annotation 1 (a.jpg): 4 x 5 on a picture of 4 x 4)",
  );
  expect(data.train!.problems).toContainEqual({
    name: "instances_train2017.json: annotation 1 (a.jpg)",
    reason: "its box is 5, 5, 7, 7 on 4 x 4",
  });
});

test("values that are no texts and no numbers name nothing, and ids may be texts", async () => {
  const strange = { toString: 1, valueOf: 1 };
  // JSON.parse reads what JSON.stringify cannot write.
  const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
  const text = JSON.stringify({
    images: [{ id: "a", file_name: "a.jpg", ...SIZE }],
    annotations: [
      { id: 1, image_id: strange, category_id: "02", bbox: [0, 0, 1, 1] },
      { id: 2, image_id: "deep", category_id: "02", bbox: [0, 0, 1, 1] },
      { id: 3, image_id: "a", category_id: strange, bbox: [0, 0, 1, 1] },
      { id: 4, image_id: "a", category_id: "02", bbox: [0, 0, strange, 1] },
      { id: 5, image_id: "a", category_id: "02", bbox: [strange, "deep", 1, 1] },
      { id: 6, image_id: "a", category_id: "010", bbox: [0, 0, 1, 2] },
    ],
    categories: [
      { id: "010", name: "ten" },
      { id: "02", name: "two" },
    ],
  }).replaceAll('"deep"', deep);
  const files = filesOf(WHOLE, { "set/annotations/instances_train2017.json": text });
  const data = await openDataset(files, "set", { validationFraction: 0 });
  expect(data.labels).toEqual(["two", "ten"]);
  expect(data.train!.annotations!(0).objects).toEqual([{ label: 1, box: [0, 0, 1, 2] }]);
  expect(Object.fromEntries(data.faults!.map(({ kind, count }) => [kind, count]))).toEqual({
    unknown_picture: 2,
    unknown_class: 1,
    not_numbers: 2,
  });
});

test.each([
  ["{", /is no JSON/],
  ["{}", /no kind that is understood/],
  [JSON.stringify({ ...WHOLE, categories: [] }), /has no categories/],
  [JSON.stringify({ ...WHOLE, images: [{ id: 1, file_name: "nowhere.jpg" }], annotations: [] }), /nowhere to be found/],
])("%.20s… is refused with what is wrong", async (text, message) => {
  const files = memoryFiles({ "set/train.json": text });
  await expect(openDataset(files, "set/train.json")).rejects.toThrow(message);
});

const loaderOf = async (json: unknown, options: object) => {
  const files = filesOf(json);
  const { train } = await openDataset(files, "set", { validationFraction: 0 });
  return createLoader({
    dataset: train!,
    sampler: createSampler(train!, { batchSize: 3, seed: 0, shuffle: false }),
    augmentation: "resize(8,8)|value_range(0,1)",
    workers: [inlineWorker({ files, decode: decodePicture })],
    ...options,
  });
};

test("a broken file that only COCO can have written is no other layout", async () => {
  const files = filesOf(WHOLE, { "set/annotations/instances_train2017.json": "{ images" });
  await expect(openDataset(files, "set")).rejects.toThrow("instances_train2017.json is no JSON");
});

test("batches carry what is where: classes, boxes, counts, masks and a map of classes", async () => {
  await using loader = await loaderOf(WHOLE, {
    annotations: { most: 3, masks: { width: 4, height: 4 }, semantic: { width: 4, height: 4 } },
  });
  const { value: batch } = await loader.batches().next();
  const { classes, boxes, count, masks, semantic } = batch.annotations!;
  expect([classes.shape, [...classes.data]]).toEqual([
    [3, 3],
    [1n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n],
  ]);
  expect([...count.data]).toEqual([2n, 1n, 0n]);
  expect(boxes.shape).toEqual([3, 3, 4]);
  expect([...boxes.data.slice(0, 12)]).toEqual([0.5, 0.375, 0.5, 0.75, 0.125, 0.125, 0.25, 0.25, 0.5, 0.5, 1, 1]);
  expect(masks!.shape).toEqual([3, 3, 4, 4]);
  expect([...masks!.data.slice(0, 8)]).toEqual([0, 1, 1, 0, 0, 1, 1, 0]);
  expect(semantic!.shape).toEqual([3, 4, 4]);
  expect([...semantic!.data.slice(0, 4)]).toEqual([0n, 1n, 1n, 255n]);
});

test("annotations of a picture of another size are named as the picture is read, and another stands in", async () => {
  const images = WHOLE.images.map((image) => (image.id === 9 ? { ...image, width: 5 } : image));
  await using loader = await loaderOf({ ...WHOLE, images }, { annotations: { most: 3 } });
  const { value: batch } = await loader.batches().next();
  expect(batch.names).toEqual(["a.jpg", "c.jpg", "c.jpg"]);
  expect(loader.problems.at(-1)).toEqual({
    name: "b.jpg",
    reason: "annotations: they are of a picture of 5 x 4, and it is 4 x 4",
  });
});

test.each([
  [{ annotations: { most: 3 }, augmentation: "rand_augment(rand-m9)|resize(8,8)" }, /cannot follow this augmentation/],
  [{ annotations: { most: 3 }, second: "resize(8,8)" }, /not mixed, doubled or flipped/],
])("%j is refused", async (options, message) => {
  await expect(loaderOf(WHOLE, options)).rejects.toThrow(message);
});
