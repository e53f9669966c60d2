// saccade scenes from command line to disk: what it writes is a data set that the other commands read.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Mask, maskBox, maskPixels } from "../../src/boxes/masks.ts";
import { loadSemantic } from "../../src/data/annotated/index-picture.ts";
import { openDataset } from "../../src/data/open.ts";
import { readBoxes } from "../../src/evaluate/boxes.ts";
import { nodeDataFiles } from "../../src/platform/node/data-files.ts";
import { decodeWithSharp, encodePng } from "../../src/platform/node/decode.ts";
import { cli } from "./fake-terminal.ts";

let folder: string;
let source: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "saccade-scenes-"));
  source = join(folder, "source");
  for (const split of ["train", "val"])
    for (const [label, level] of [
      ["day", 220],
      ["night", 30],
    ] as const) {
      mkdirSync(join(source, split, label), { recursive: true });
      for (let i = 0; i < 3; i++) {
        const data = new Uint8Array(16 * 16 * 3).fill(level + i);
        writeFileSync(join(source, split, label, `${i}.png`), await encodePng({ width: 16, height: 16, data }));
      }
    }
});

afterAll(() => rmSync(folder, { recursive: true }));

const SMALL = ["--size", "64", "--evidence", "16", "--clutter", "2"];

test("scenes are a data set with boxes for every picture, and the same ones each time", async () => {
  const [a, b] = [join(folder, "a"), join(folder, "b")];
  const { exitCode, notes } = await cli(["scenes", source, a, ...SMALL, "--count", "4"]);
  expect(exitCode).toBe(0);
  expect(notes.at(-1)).toBe(`${a}: 4 train, 6 validation scenes of 2 classes, 64 px with evidence of 16`);
  await cli(["scenes", source, b, ...SMALL, "--count", "4"]);
  const data = await openDataset(nodeDataFiles, a);
  expect(data.labels).toEqual(["day", "night"]);
  expect([data.train?.length, data.validation?.length]).toEqual([4, 6]);
  const boxes = await readBoxes(nodeDataFiles, join(a, "val-boxes.json"));
  expect(boxes.count).toBe(6);
  for (let i = 0; i < 6; i++) {
    const { name } = await data.validation!.item(i);
    expect(boxes.find(name)).toBeDefined();
    expect(readFileSync(name)).toEqual(readFileSync(name.replace(a, b)));
  }
});

test("scenes of several things come with boxes and outlines that are the things' own, or with masks", async () => {
  const more = ["--objects", "2:3", "--shapes", "--count", "3", "--held-out", "2", "--annotations"];
  const [coco, masks] = [join(folder, "coco"), join(folder, "masks")];
  const made = await cli(["scenes", source, coco, ...SMALL, ...more, "coco"]);
  expect(made.notes.at(-1)).toBe(`${coco}: 3 train, 2 validation scenes of 2 classes, 64 px with evidence of 16`);
  const { train, validation, labels, faults } = await openDataset(nodeDataFiles, coco);
  expect([train?.length, validation?.length, labels, faults]).toEqual([3, 2, ["day", "night"], []]);
  for (let i = 0; i < 3; i++) {
    const { width, data } = await decodeWithSharp(readFileSync(join(coco, "train", train!.name(i))));
    const { objects } = train!.annotations!(i);
    expect([2, 3]).toContain(objects.length);
    for (const { label, box, mask } of objects) {
      const { counts, ...size } = mask as Mask;
      const pixels = maskPixels({ counts, ...size });
      const inside = [...pixels.keys()].filter((at) => pixels[at] === 1);
      expect(maskBox({ counts, ...size })).toEqual(box);
      const mean = inside.reduce((sum, at) => sum + data[3 * at]!, 0) / inside.length;
      expect(Math.abs(mean - (label === 0 ? 221 : 31)), `${i} ${width}`).toBeLessThan(25);
    }
  }
  expect((await cli(["scenes", source, masks, ...SMALL, ...more, "masks"])).exitCode).toBe(0);
  const semantic = await openDataset(nodeDataFiles, masks);
  expect([semantic.labels, semantic.train?.length]).toEqual([["background", "day", "night"], 3]);
  const map = semantic.train!.annotations!(0).semantic!;
  const place = { files: nodeDataFiles, decode: decodeWithSharp };
  const values = await loadSemantic(map, { width: 64, height: 64 }, place);
  expect(new Set(values).size).toBeGreaterThan(1);
  await expect(loadSemantic(map, { width: 32, height: 32 }, place)).rejects.toThrow(
    /is 64 x 64, and its picture 32 x 32/,
  );
});

test.each([
  [["--objects", "2"], "are of scenes with annotations"],
  [["--annotations", "coco", "--frame", "3"], "companions and frames are of scenes with one label"],
  [["--annotations", "coco", "--objects", "3:2"], "a number of at least 1, or two like 1:5"],
])("%j is refused", async (flags, message) => {
  const { exitCode, notes } = await cli(["scenes", source, join(folder, "d"), ...SMALL, ...flags]);
  expect([exitCode, notes.join("\n")]).toEqual([2, expect.stringContaining(message)]);
});

test("a taken folder and classes that are unknown are told, and nothing is written", async () => {
  const taken = await cli(["scenes", source, folder, ...SMALL]);
  expect(taken.exitCode).toBe(2);
  expect(taken.notes.join("\n")).toContain("is there already");
  const out = join(folder, "c");
  const unknown = await cli(["scenes", source, out, ...SMALL, "--classes", "day,dusk"]);
  expect(unknown.exitCode).toBe(2);
  expect(unknown.notes.join("\n")).toMatch(/unknown classes: dusk[\s\S]*day, night/);
  expect(existsSync(out)).toBe(false);
});

test("labels that would share a folder, or hide in one, are told before anything is written", async () => {
  const picture = join(source, "train", "day", "0.png");
  for (const [labels, message] of [
    [["a/b", "a:b"], /"a\/b" and "a:b" would lie in one folder/],
    [["day", ".."], /"\.\." would lie in a hidden folder/],
  ] as const) {
    const list = join(folder, "list.csv");
    writeFileSync(list, `path,label\n${labels.map((label) => `${picture},${label}\n`).join("")}`);
    const out = join(folder, "shared");
    const { exitCode, notes } = await cli(["scenes", list, out, ...SMALL]);
    expect([exitCode, notes.at(-1)]).toEqual([2, expect.stringMatching(message)]);
    expect(existsSync(out)).toBe(false);
  }
});
