import { expect, test } from "vitest";
import { createPicture } from "../../image/draw.ts";
import { MemoryFiles } from "../../train/run/memory-files.test-helper.ts";
import { createDataset } from "../dataset.ts";
import type { OpenedData } from "../open.ts";
import { type GenerateMotionOptions, generateMotion } from "./generate-motion.ts";

/** Pictures of one colour: green tells the split. */
const split = (green: number) =>
  createDataset({
    labels: ["a", "b"],
    targets: Int32Array.of(0, 0, 0, 1, 1, 1),
    origin: "from a test",
    name: (i) => `${i}`,
    picture: (i) => ({ kind: "pixels", image: createPicture(40, 30, [40 * i, green, 0]) }),
  });

const source: OpenedData = {
  train: split(10),
  validation: split(200),
  labels: ["a", "b"],
  layout: "a test",
  summary: [],
  notes: [],
  emptyClasses: [],
};

async function generate(changes: Partial<GenerateMotionOptions> = {}) {
  const files = new MemoryFiles();
  const greens = new Map<number, number>();
  const result = await generateMotion({
    size: 24,
    frames: 4,
    frameRate: 8,
    kinds: ["size", "direction"],
    count: 12,
    heldOut: 6,
    seed: 7,
    source,
    sourceName: "pictures",
    out: "clips",
    files,
    decode: () => Promise.reject(new Error("nothing is encoded")),
    encode: async (frames) => {
      for (const { data } of frames)
        for (let i = 1; i < data.length; i += 3) greens.set(data[i]!, (greens.get(data[i]!) ?? 0) + 1);
      return { kind: "frames", extension: "raw", frames: frames.map(({ data }) => data) };
    },
    ...changes,
  });
  return { ...result, files, greens };
}

test("clips of all classes, each a folder of frames, and how they were made", async () => {
  const { counts, labels, files } = await generate();
  expect(counts).toEqual({ train: 12, validation: 6 });
  expect(labels).toEqual(["moves left", "moves right", "moves up", "moves down", "comes closer", "goes away"]);
  const names = [...files.entries.keys()].filter((name) => name.endsWith(".raw"));
  expect(names).toHaveLength(18 * 4);
  expect(names).toContain("clips/train/moves right/000002/000004.raw");
  expect(JSON.parse(new TextDecoder().decode(files.entries.get("clips/motion.json")))).toMatchObject({
    kinds: ["direction", "size"],
    frame_rate: 8,
    seed: 7,
  });
});

test("the same seed gives the same clips, another one others; splits have pictures of their own", async () => {
  const [one, again, other] = [await generate(), await generate(), await generate({ seed: 8 })];
  expect(again.files.entries).toEqual(one.files.entries);
  expect(other.files.entries).not.toEqual(one.files.entries);
  const train = await generate({ source: { ...source, validation: split(10) } });
  // Colours lie within those of the split's own pictures; grey things have their luminance.
  expect(Math.max(...train.greens.keys())).toBeLessThan(70);
});

test("settings that make no sense are refused", async () => {
  await expect(generate({ frames: 1 })).rejects.toThrow("the number of frames is a whole number from 4 to 1000");
  await expect(generate({ kinds: [] })).rejects.toThrow("no kind of motion was named");
  await expect(generate({ frameRate: 0 })).rejects.toThrow("a rate is above 0");
});
