// saccade inspect of data: what is in it, what is wrong with it, and where.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodePng } from "../../src/platform/node/decode.ts";
import { cli } from "./fake-terminal.ts";

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "saccade-inspect-data-"));
  const png = await encodePng({ width: 8, height: 6, data: new Uint8Array(144).fill(90) });
  for (const name of ["coco/train", "coco/annotations", "folders/cat", "folders/dog", "empty"])
    mkdirSync(join(folder, name), { recursive: true });
  for (const name of ["coco/train/a.png", "coco/train/b.png", "folders/cat/1.png", "folders/dog/1.png"])
    writeFileSync(join(folder, name), png);
  writeFileSync(join(folder, "coco/train/c.png"), png.slice(0, 40));
  const images = ["a", "b", "c"].map((name, id) => ({
    id,
    file_name: `${name}.png`,
    width: id === 1 ? 9 : 8,
    height: 6,
  }));
  const annotations = [
    { id: 1, image_id: 0, category_id: 1, bbox: [0, 0, 4, 3], segmentation: [[0, 0, 4, 0, 4, 3]] },
    { id: 2, image_id: 0, category_id: 1, bbox: [20, 20, 4, 3] },
    { id: 3, image_id: 1, category_id: 1, bbox: [0, 0, 9, 6], segmentation: [[1, 2, 3, 4]] },
  ];
  const json = { images, annotations, categories: [{ id: 1, name: "cat" }, { id: 2, name: "dog" }] }; // biome-ignore format: two categories
  writeFileSync(join(folder, "coco/annotations/instances_train.json"), JSON.stringify(json));
});

afterAll(() => rmSync(folder, { recursive: true }));

test("annotated data: things of each class, their sizes, and every fault with its place", async () => {
  const { stdout, exitCode } = await cli(["inspect", join(folder, "coco")], { columns: 300 });
  expect(exitCode).toBe(0);
  expect(stdout).toContain("COCO annotations");
  expect(stdout).toMatch(/train +3 pictures, 2 things \(1 with outlines\), at most 1 on one/);
  expect(stdout).toContain("1 box lies outside of its picture: left out (instances_train.json: annotation 2 (a.png)");
  expect(stdout).toContain("1 outline has fewer than three points and encloses nothing");
  expect(stdout).toContain("1 picture has no annotations: it stays, as one of nothing (c.png)");
  expect(stdout).toMatch(/cat +2/);
});

test("--check opens every picture, names what does not fit, and says so by the exit code; --json has it all", async () => {
  const { stdout, exitCode } = await cli(["inspect", join(folder, "coco"), "--check", "--json"]);
  expect(exitCode).toBe(1);
  const found = JSON.parse(stdout);
  expect(found).toMatchObject({ kind: "data", layout: "COCO annotations" });
  expect(found.faults.map(({ kind }: { kind: string }) => kind).sort()).toEqual([
    "few_points",
    "outside",
    "unannotated",
  ]);
  expect(found.splits[0]).toMatchObject({
    split: "train",
    pictures: 3,
    things: { count: 2, with_outline: 1, empty_pictures: 1 },
  });
  expect(found.checked.map(({ name, reason }: { name: string; reason: string }) => `${name}: ${reason}`)).toEqual([
    "b.png: annotations: they are of a picture of 9 x 6, and it is 8 x 6",
    expect.stringMatching(/^c.png: .*truncated/),
  ]);
});

test("pictures with labels alone are counted by class; a folder of nothing is no data", async () => {
  const { stdout, exitCode } = await cli(["inspect", join(folder, "folders"), "--check"]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("image folders");
  expect(stdout).toMatch(/cat +1\ndog +1/);
  expect(stdout).toContain("every picture can be read");
  expect((await cli(["inspect", join(folder, "empty")])).exitCode).toBe(1);
});
