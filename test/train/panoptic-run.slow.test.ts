// A Mask2Former on COCO panoptic data, from the files to a measured model: things and stuff are learnt, and the model knows which are which.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RawImage } from "../../src/image/raw-image.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { nodeTrainingHost } from "../../src/platform/node/training-host.ts";
import { parseRecipe } from "../../src/train/recipe.ts";
import { evaluateDense } from "../../src/workflows/evaluate-dense.ts";
import { train } from "../../src/workflows/train.ts";
import { temporaryFolder } from "../cli/mini-model.ts";
import { colouredPicture } from "../dense-toys.ts";
import { toyOf } from "../registry-toys.ts";

const root = temporaryFolder();
const data = join(root, "streets");
const [WIDTH, HEIGHT] = [72, 60];
const [SKY, CAR] = [300, 70_000];

/** A blue sky above, and something red that moves from picture to picture. */
async function writeSplit(split: string, count: number): Promise<void> {
  const segments = join(data, "annotations", `panoptic_${split}`);
  for (const folder of [join(data, split), segments]) mkdirSync(folder, { recursive: true });
  const annotations = [];
  for (let i = 0; i < count; i++) {
    const left = 8 + 3 * (i % 10);
    const picture = colouredPicture(WIDTH, HEIGHT, [
      ["blue", 0, 0, WIDTH, 24],
      ["red", left, 32, left + 24, 56],
    ]);
    const ids: RawImage = { width: WIDTH, height: HEIGHT, data: new Uint8Array(3 * WIDTH * HEIGHT) };
    for (let at = 0; at < WIDTH * HEIGHT; at++) {
      const [x, y] = [at % WIDTH, Math.floor(at / WIDTH)];
      const id = y < 24 ? SKY : x >= left && x < left + 24 && y >= 32 && y < 56 ? CAR : 0;
      ids.data.set([id & 255, (id >> 8) & 255, id >> 16], 3 * at);
    }
    writeFileSync(join(data, split, `${i}.png`), await nodeHost.encodePng(picture));
    writeFileSync(join(segments, `${i}.png`), await nodeHost.encodePng(ids));
    annotations.push({
      image_id: i,
      file_name: `${i}.png`,
      segments_info: [
        { id: SKY, category_id: 2, bbox: [0, 0, WIDTH, 24], iscrowd: 0 },
        { id: CAR, category_id: 1, bbox: [left, 32, 24, 24], iscrowd: 0 },
      ],
    });
  }
  const images = annotations.map(({ image_id: id, file_name }) => ({ id, file_name, width: WIDTH, height: HEIGHT }));
  const categories = [
    { id: 1, name: "car", isthing: 1 },
    { id: 2, name: "sky", isthing: 0 },
  ];
  writeFileSync(
    join(data, "annotations", `panoptic_${split}.json`),
    JSON.stringify({ images, annotations, categories }),
  );
}

const {
  things: _,
  num_classes: __,
  ...config
} = toyOf("mask2former_swin_tiny_coco_panoptic").config as Record<string, unknown>;
const recipe = parseRecipe({
  name: "tiny-panoptic",
  architecture: "mask2former",
  config,
  height: HEIGHT,
  width: WIDTH,
  transform: `letterbox(${WIDTH},${HEIGHT},bilinear)|normalize(imagenet)`,
  augmentation: `resize(${WIDTH},${HEIGHT})|normalize(imagenet)`,
  annotations: { most: 4, masks: { height: 15, width: 18 } },
  batch: 4,
  epochs: 2,
  learning_rate: 1e-3,
});

test("things and stuff are learnt, told apart, and measured by panoptic quality", async () => {
  await writeSplit("train", 16);
  await writeSplit("val", 4);
  const folder = join(root, "run");
  const notices: string[] = [];
  const common = { device: "cpu", threads: 1 } as const;
  const { measured, model, labels } = await train(nodeTrainingHost, data, {
    ...common,
    ...{ recipe, folder, workers: 1 },
    onNotice: (line) => notices.push(line),
  });
  expect(labels).toEqual(["car", "sky"]);
  expect(notices.join("\n")).toContain("1 of the classes are things");
  expect(JSON.parse(readFileSync(join(model, "config.json"), "utf8")).config.things).toEqual([0]);
  expect(measured?.best).toMatchObject({ measure: "PQ", pictures: 4 });
  const { kind, panoptic } = await evaluateDense(nodeTrainingHost, model, data, { split: "validation", ...common });
  expect([kind, panoptic!.things.categories, panoptic!.stuff.categories]).toEqual(["panoptic", 1, 1]);
  expect(panoptic!.all.pq).toBeCloseTo(measured!.best.value, 9);
});
