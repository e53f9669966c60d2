// saccade scenes from command line to disk: what it writes is a data set that the other commands read.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDataset } from "../../src/data/open.ts";
import { readBoxes } from "../../src/evaluate/boxes.ts";
import { nodeDataFiles } from "../../src/platform/node/data-files.ts";
import { encodePng } from "../../src/platform/node/decode.ts";
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
