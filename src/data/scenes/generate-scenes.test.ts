import { expect, test } from "vitest";
import type { RawImage } from "../../image/raw-image.ts";
import { MemoryFiles } from "../../train/run/memory-files.test-helper.ts";
import { createDataset, type Dataset } from "../dataset.ts";
import { CORRUPT, decodePicture } from "../memory-files.test-helper.ts";
import type { OpenedData } from "../open.ts";
import { type GenerateScenesOptions, generateScenes } from "./generate-scenes.ts";

const LABELS = ["cat", "guinea pig", "van"];
const PER_CLASS = 3;

/** Every picture of a split has one colour of its own: red tells the item, green the split. */
function split(green: number, damaged: readonly number[] = []): Dataset {
  const targets = Int32Array.from({ length: LABELS.length * PER_CLASS }, (_, i) => Math.floor(i / PER_CLASS));
  return createDataset({
    labels: LABELS,
    targets,
    origin: "from a test",
    name: (i) => `${green}/${i}`,
    picture: (i) =>
      damaged.includes(i) ? { kind: "encoded", bytes: CORRUPT } : { kind: "pixels", image: flat(6, 4, 20 * i, green) },
  });
}

function flat(width: number, height: number, red: number, green: number): RawImage {
  const data = new Uint8Array(width * height * 3);
  for (let at = 0; at < data.length; at += 3) data.set([red, green, 0], at);
  return { width, height, data };
}

const TRAIN_GREEN = 0;
const VAL_GREEN = 200;
const source = (damaged: readonly number[] = []): OpenedData => ({
  train: split(TRAIN_GREEN, damaged),
  validation: split(VAL_GREEN),
  labels: LABELS,
  layout: "a test",
  summary: [],
  notes: [],
  emptyClasses: [],
});

const SETTINGS = { size: 40, evidence: 8, clutter: 3, distractors: 0, seed: 7 };

async function generate(changes: Partial<GenerateScenesOptions> = {}, files = new MemoryFiles()) {
  const result = await generateScenes({
    ...SETTINGS,
    source: source(),
    sourceName: "pictures",
    out: "scenes",
    files,
    decode: decodePicture,
    encode: async ({ data }) => data.slice(),
    ...changes,
  });
  return { ...result, files };
}

const pixelsOf = (files: MemoryFiles) =>
  new Map(
    [...files.entries].filter(([name, bytes]) => bytes !== undefined && name.endsWith(".jpg")) as [
      string,
      Uint8Array,
    ][],
  );

function colorAt(data: Uint8Array, x: number, y: number): number[] {
  return [...data.subarray((y * SETTINGS.size + x) * 3, (y * SETTINGS.size + x) * 3 + 3)];
}

test("the evidence lies whole where its box says, and is of the class that the folder says", async () => {
  const { files, counts } = await generate();
  expect(counts).toEqual({ train: 9, validation: 9 });
  for (const [folder, green] of [
    ["train", TRAIN_GREEN],
    ["val", VAL_GREEN],
  ] as const) {
    const boxes: Record<string, [number, number, number, number]> = JSON.parse(
      files.text(`scenes/${folder}-boxes.json`),
    );
    expect(Object.keys(boxes)).toHaveLength(9);
    const seen = new Set<number>();
    for (const [name, [x1, y1, x2, y2]] of Object.entries(boxes)) {
      const data = pixelsOf(files).get(`scenes/${folder}/${name}`)!;
      expect([x2 - x1, y2 - y1]).toEqual([7, 7]);
      const [red, ...rest] = colorAt(data, x1, y1);
      for (const [x, y] of [
        [x2, y1],
        [x1, y2],
        [x2, y2],
        [x1 + 3, y1 + 4],
      ] as const)
        expect(colorAt(data, x, y)).toEqual([red, ...rest]);
      expect(rest).toEqual([green, 0]);
      expect(name.split("/")[0]).toBe(LABELS[Math.floor(red! / 20 / PER_CLASS)]!);
      seen.add(red!);
    }
    // One scene a picture: each picture decides once.
    expect(seen.size).toBe(9);
  }
});

test("no colour of one split is in the other", async () => {
  const { files } = await generate();
  for (const [name, data] of pixelsOf(files)) {
    const greens = data.filter((_, i) => i % 3 === 1);
    if (name.includes("/train/")) expect(Math.max(...greens)).toBeLessThan(50);
    else expect(Math.min(...greens)).toBeGreaterThan(150);
  }
});

test("the same settings give the same bytes, another seed gives others", async () => {
  const [a, b, c] = await Promise.all([generate(), generate(), generate({ seed: 8 })]);
  expect(a.files.entries).toEqual(b.files.entries);
  expect(pixelsOf(a.files)).not.toEqual(pixelsOf(c.files));
});

test("chosen classes: only they decide, in turn, and distractors are of the others", async () => {
  const { files, labels, counts } = await generate({
    classes: ["van", "Guinea-Pig"],
    count: 10,
    heldOut: 4,
    clutter: 0,
    distractors: 4,
  });
  expect(labels).toEqual(["van", "guinea pig"]);
  expect(counts).toEqual({ train: 10, validation: 4 });
  expect(files.names("scenes/train").sort()).toEqual(["guinea pig", "van"]);
  expect(files.names("scenes/train/van")).toHaveLength(5);
  expect(JSON.parse(files.text("scenes/scenes.json"))).toMatchObject({ source: "pictures", evidence: 8, count: 10 });
  // Cats are items 0 to 2: their exact colours fill squares of the evidence's size somewhere in most scenes.
  const cats = [...pixelsOf(files).values()].filter((data) =>
    hasSquare(data, ([red]) => red! <= 40 && red! % 20 === 0),
  );
  expect(cats.length).toBeGreaterThan(10);
});

test("companions are further pictures of the scene's own class, outside of the box too", async () => {
  const { files } = await generate({ clutter: 0, companions: 4 });
  expect(JSON.parse(files.text("scenes/scenes.json"))).toMatchObject({ companions: 4 });
  const boxes: Record<string, [number, number, number, number]> = JSON.parse(files.text("scenes/train-boxes.json"));
  for (const [name, [x1, y1, x2, y2]] of Object.entries(boxes)) {
    const data = files.entries.get(`scenes/train/${name}`)!;
    for (let y = y1; y <= y2; y++) data.fill(255, (y * SETTINGS.size + x1) * 3, (y * SETTINGS.size + x2 + 1) * 3);
    const label = name.split("/")[0]!;
    const isOwn = ([red, green, blue]: number[]) =>
      green === TRAIN_GREEN && blue === 0 && red! % 20 === 0 && LABELS[Math.floor(red! / 20 / PER_CLASS)] === label;
    expect(hasSquare(data, isOwn), name).toBe(true);
  }
});

function hasSquare(data: Uint8Array, fits: (color: number[]) => boolean): boolean {
  const { size } = SETTINGS;
  for (let y = 0; y + 4 <= size; y++)
    for (let x = 0; x + 4 <= size; x++) {
      const corner = colorAt(data, x, y);
      if (!fits(corner)) continue;
      if ([3, 1, 2].every((d) => colorAt(data, x + d, y + d).join() === corner.join())) return true;
    }
  return false;
}

test("a white frame lies around the evidence and its companions, and around no distractor", async () => {
  const WHITE = [255, 255, 255];
  const isWhite = (data: Uint8Array, x: number, y: number) => colorAt(data, x, y).join() === WHITE.join();
  const settings = { classes: ["cat", "van"], clutter: 0, distractors: 5, companions: 0, frame: 3 };
  const { files } = await generate(settings);
  expect(JSON.parse(files.text("scenes/scenes.json"))).toMatchObject({ frame: 3 });
  const boxes: Record<string, [number, number, number, number]> = JSON.parse(files.text("scenes/train-boxes.json"));
  const area = 14 ** 2 - 8 ** 2;
  const whites = (data: Uint8Array) => {
    let count = 0;
    for (let y = 0; y < SETTINGS.size; y++)
      for (let x = 0; x < SETTINGS.size; x++) count += isWhite(data, x, y) ? 1 : 0;
    return count;
  };
  for (const [name, [x1, y1, x2, y2]] of Object.entries(boxes)) {
    const data = files.entries.get(`scenes/train/${name}`)!;
    for (let i = -3; i <= 10; i++) {
      expect(isWhite(data, x1 + i, y1 - 3)).toBe(true);
      expect(isWhite(data, x1 + i, y2 + 3)).toBe(true);
      expect(isWhite(data, x1 - 1, y1 + i)).toBe(true);
      expect(isWhite(data, x2 + 1, y1 + i)).toBe(true);
    }
    expect(whites(data), name).toBe(area);
  }
  const smaller = await generate({ ...settings, evidence: 12, evidenceLow: 8, frame: 6, count: 20 });
  for (const [name, [x1, , x2]] of Object.entries(
    JSON.parse(smaller.files.text("scenes/train-boxes.json")) as typeof boxes,
  )) {
    const side = x2 - x1 + 1;
    expect(whites(smaller.files.entries.get(`scenes/train/${name}`)!)).toBe(
      (side + 2 * Math.round(side / 2)) ** 2 - side ** 2,
    );
  }
  const accompanied = await generate({ ...settings, companions: 3 });
  for (const data of pixelsOf(accompanied.files).values()) expect(whites(data)).toBeGreaterThan(area);
});

test("a picture that cannot be read is named once and replaced by one of its class", async () => {
  const { files, problems, counts } = await generate({ source: source([4]) });
  expect(problems).toEqual([{ name: "0/4", reason: "this is not a picture" }]);
  expect(counts.train).toBe(9);
  expect(files.names("scenes/train/guinea pig")).toHaveLength(3);
});

test("sizes of the evidence that vary: within their bounds, and the box says which", async () => {
  const { files } = await generate({ evidence: 16, evidenceLow: 8, count: 40 });
  const boxes: number[][] = Object.values(JSON.parse(files.text("scenes/train-boxes.json")));
  const sides = boxes.map(([x1, y1, x2, y2]) => {
    expect(x2! - x1!).toBe(y2! - y1!);
    return x2! - x1! + 1;
  });
  expect(Math.min(...sides)).toBeGreaterThanOrEqual(8);
  expect(Math.max(...sides)).toBeLessThanOrEqual(16);
  expect(new Set(sides).size).toBeGreaterThan(5);
  expect(JSON.parse(files.text("scenes/scenes.json"))).toMatchObject({ evidence: 16, evidence_low: 8 });
});

test.each([
  [{ evidence: 41 }, /evidence is a whole number from 8 to 40, not 41/],
  [{ evidence: 8, evidenceLow: 9 }, /smallest size of the evidence is a whole number from 8 to 8, not 9/],
  [{ evidence: 36 }, /clutter for evidence of 36 does not fit/],
  [{ frame: 17 }, /width of a frame is a whole number from 0 to 16, not 17/],
  [{ companions: -1 }, /number of companions is a whole number/],
  [{ distractors: 1 }, /classes that are not asked for/],
  [{ classes: ["cat", "dog"] }, /unknown classes: dog/],
  [{ classes: ["cat"] }, /one class alone/],
  [{ classes: ["cat", "Cat"] }, /named twice/],
  [{ size: 3.5 }, /size of a scene is a whole number/],
])("%j is refused before anything is written", async (changes, message) => {
  const files = new MemoryFiles();
  await expect(generate(changes, files)).rejects.toThrow(message);
  expect(files.names("")).toEqual([]);
});

test("nothing is left behind by what fails or is stopped; a folder that is there is not touched", async () => {
  const files = new MemoryFiles();
  const stop = new AbortController();
  await expect(generate({ signal: stop.signal, onScene: () => stop.abort() }, files)).rejects.toThrow(/aborted/);
  const full = { encode: () => Promise.reject(new Error("disk full")) };
  await expect(generate(full, files)).rejects.toThrow("disk full");
  expect(files.names("")).toEqual([]);
  await files.makeDirectory("scenes");
  await expect(generate({}, files)).rejects.toThrow(/is there already/);
  expect(files.names("scenes")).toEqual([]);
});
