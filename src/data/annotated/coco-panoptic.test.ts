// COCO's panoptic annotations, whole and broken.
import { expect, test } from "vitest";
import { colouredPicture, denseToy } from "../../../test/dense-toys.ts";
import { tinyRecipe } from "../../../test/train/shapes.ts";
import { evaluateSegmenter } from "../../evaluate/dense/evaluate-segmenter.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { loadSegmenter } from "../../tasks/segment/segmenter.ts";
import { withThings } from "../../train/fit-to-data.ts";
import { createLoader, inlineWorker } from "../loader.ts";
import { memoryFiles } from "../memory-files.test-helper.ts";
import { openDataset } from "../open.ts";
import { createSampler } from "../sampler.ts";
import { withSegmentMasks } from "./segment-ids.ts";

const SIZE = { width: 96, height: 64 };
const RED = 7 + 256 * 3 + 65_536; // an id of all three bytes
const SKY = 9;
const VOID = 0;

/** Columns of segments: each with its id, and where it ends. */
function idPicture(columns: readonly (readonly [id: number, end: number])[], { width, height } = SIZE) {
  const picture = { width, height, data: new Uint8Array(3 * width * height) };
  for (let at = 0; at < width * height; at++) {
    const [id] = columns.find(([, end]) => at % width < end) ?? [VOID];
    picture.data.set([id & 255, (id >> 8) & 255, id >> 16], 3 * at);
  }
  return picture;
}

const photo = await nodeHost.encodePng(
  colouredPicture(96, 64, [
    ["red", 0, 0, 48, 64],
    ["blue", 48, 0, 80, 64],
  ]),
);
const segments = await nodeHost.encodePng(
  idPicture([
    [RED, 48],
    [SKY, 80],
  ]),
);

const INFO = [
  { id: RED, category_id: 4, bbox: [0, 0, 48, 64], iscrowd: 0, area: 1 },
  { id: SKY, category_id: 90, bbox: [48, 0, 32, 64], iscrowd: 0, area: 1 },
];
const WHOLE = {
  images: [{ id: 1, file_name: "a.jpg", ...SIZE }],
  annotations: [{ image_id: 1, file_name: "a.png", segments_info: INFO }],
  categories: [
    { id: 90, name: "blue", isthing: 0 },
    { id: 4, name: "red", isthing: 1 },
  ],
};

const filesOf = (json: unknown, png: Uint8Array | undefined = segments, more = {}) =>
  memoryFiles({
    "set/annotations/panoptic_val2017.json": JSON.stringify(json),
    ...(png.length === 0 ? {} : { "set/annotations/panoptic_val2017/a.png": png }),
    "set/val2017/a.jpg": photo,
    ...more,
  });

/** The validation split, and what reading its first picture's masks gives. */
async function opened(json: unknown, png?: Uint8Array) {
  const files = filesOf(json, png);
  const data = await openDataset(files, "set");
  const place = { files, decode: nodeHost.decode };
  const dataset = data.validation!;
  return { data, dataset, files, place, masks: () => withSegmentMasks(dataset.annotations!(0), SIZE, place) };
}

test("things and stuff with the masks of the PNG; a detector learns from the things alone", async () => {
  const { data, dataset, files, masks } = await opened(WHOLE);
  expect([data.layout, data.labels, dataset.things, data.faults]).toEqual([
    "COCO panoptic annotations",
    ["red", "blue"],
    [0],
    [],
  ]);
  const { objects, segments: left } = await masks();
  expect(left).toBeUndefined();
  expect(objects.map(({ label, box, isStuff }) => [label, box, isStuff])).toEqual([
    [0, [0, 0, 48, 64], undefined],
    [1, [48, 0, 80, 64], true],
  ]);
  const batchOf = async (annotations: { most: number; masks?: { width: number; height: number } }) => {
    await using loader = createLoader({
      dataset,
      sampler: createSampler(dataset, { batchSize: 1, seed: 0 }),
      augmentation: "resize(96,64)|normalize(imagenet)",
      annotations,
      workers: [inlineWorker({ files, decode: nodeHost.decode })],
    });
    for await (const batch of loader.batches({ untilEpoch: 1 })) return batch.annotations!;
    throw new Error("no batch");
  };
  const learnt = await batchOf({ most: 4, masks: { width: 12, height: 8 } });
  expect(Number(learnt.count.data[0])).toBe(2);
  const sums = [0, 1].map((i) => learnt.masks!.data.subarray(96 * i, 96 * (i + 1)).reduce((a, b) => a + b, 0));
  expect(sums).toEqual([48, 32]);
  expect(Number((await batchOf({ most: 4 })).count.data[0])).toBe(1);
});

test("a segmenter is measured by panoptic quality, with void pixels left out", async () => {
  const { dataset, place } = await opened(WHOLE);
  await using segmenter = await loadSegmenter(nodeHost, denseToy("queries", { things: () => [0] }), {
    device: "cpu",
    threads: 1,
  });
  const { panoptic, classes } = await evaluateSegmenter(segmenter, dataset, { ...place, kind: "panoptic" });
  const of = (label: string) => panoptic!.categories[classes.indexOf(label)]!;
  expect(of("red")).toMatchObject({ right: 1, wrong: 0, missed: 0 });
  expect(of("blue")).toMatchObject({ right: 1, wrong: 0, missed: 0 });
  expect([panoptic!.things.categories, panoptic!.stuff.categories]).toEqual([1, 1]);
  const instance = await evaluateSegmenter(segmenter, dataset, { ...place, kind: "instance" });
  expect(instance.masks!.categories.map(({ things }) => things)).toEqual([1, 0]);
});

test("what the JSON says wrongly is counted by kind and named", async () => {
  const { data, dataset } = await opened({
    ...WHOLE,
    images: [...WHOLE.images, { id: 2, file_name: "b.jpg", ...SIZE }],
    annotations: [
      {
        image_id: 1,
        file_name: "a.png",
        segments_info: [
          ...INFO,
          { id: 11, category_id: 5, bbox: [0, 0, 1, 1] },
          { id: -1, category_id: 4 },
          3,
          INFO[0],
        ],
      },
      { image_id: 1, file_name: "a.png", segments_info: [] },
      { image_id: 2, file_name: "../../secret.png", segments_info: [] },
      { image_id: 5, file_name: "a.png", segments_info: [] },
      { image_id: 2, file_name: "b.png", segments_info: new Array(10_001).fill(0) },
      { image_id: 2 },
      { image_id: { toString: 1, valueOf: 1 }, file_name: "a.png", segments_info: [] },
    ],
  });
  const kinds = Object.fromEntries(data.faults!.map(({ kind, count }) => [kind, count]));
  expect(kinds).toEqual({
    unknown_class: 1,
    unreadable: 5,
    twice: 1,
    leads_away: 1,
    unknown_picture: 2,
    missing: 1,
  });
  expect(dataset.length).toBe(1);
  expect(dataset.annotations!(0).segments).toMatchObject({ ids: [RED, SKY], unused: [11] });
});

test("what the PNG says wrongly is said before more than it needs is decoded", async () => {
  const grey = await nodeHost.encodePng({ ...SIZE, data: new Uint8Array(3 * 96 * 64) });
  const small = await nodeHost.encodePng(idPicture([[RED, 4]], { width: 8, height: 8 }));
  const huge = segments.slice();
  new DataView(huge.buffer).setUint32(16, 2 ** 30);
  for (const [png, words] of [
    [
      await nodeHost.encodePng(
        idPicture([
          [RED, 48],
          [SKY, 80],
          [77, 90],
        ]),
      ),
      "pixels of the segment 77, which is not listed",
    ],
    [await nodeHost.encodePng(idPicture([[RED, 48]])), "no pixel of the segment 9, which is listed"],
    [small, "is 8 x 8, and its picture 96 x 64"],
    [huge, "is 1073741824 x 64, and its picture 96 x 64"],
    [Uint8Array.of(1, 2, 3), "is no PNG"],
    [grey, "no pixel of the segment|no PNG of red, green and blue"],
  ] as const) {
    const { masks } = await opened(WHOLE, png);
    await expect(masks(), words).rejects.toThrow(new RegExp(words));
  }
  await expect(opened(WHOLE, new Uint8Array(0))).rejects.toThrow(
    "the PNGs of panoptic_val2017.json are nowhere to be found",
  );
});

test("beside boxes and outlines it is left alone, unless it is named", async () => {
  const instances = {
    ...WHOLE,
    annotations: [{ id: 1, image_id: 1, category_id: 4, bbox: [0, 0, 48, 64] }],
  };
  const files = filesOf(WHOLE, segments, { "set/annotations/instances_val2017.json": JSON.stringify(instances) });
  const { layout, notes } = await openDataset(files, "set");
  expect(layout).toBe("COCO annotations");
  expect(notes.join()).toContain("panoptic_val2017.json was not read");
  expect((await openDataset(files, "set/annotations/panoptic_val2017.json")).layout).toBe("COCO panoptic annotations");
});

test("a model that tells things from stuff is told which are things, where the recipe does not say it", () => {
  const recipe = tinyRecipe({ architecture: "mask2former", config: {}, annotations: { most: 4 } });
  expect(withThings(recipe, [0, 2], false).recipe.config).toEqual({ things: [0, 2] });
  expect(withThings(recipe, [0, 2], true).recipe.grow).toEqual({ things: [0, 2] });
  for (const other of [
    tinyRecipe({ annotations: { most: 4 } }),
    tinyRecipe({ architecture: "mask2former", config: { things: [1] }, annotations: { most: 4 } }),
  ])
    expect(withThings(other, [0, 2], false).recipe).toBe(other);
});
