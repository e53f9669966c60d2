// saccade motion from command line to disk: what it writes are clips that training reads.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDataset } from "../../src/data/open.ts";
import { nodeDataFiles } from "../../src/platform/node/data-files.ts";
import { encodePng } from "../../src/platform/node/decode.ts";
import { openVideo } from "../../src/platform/node/video/open-video.ts";
import { cli } from "./fake-terminal.ts";

let folder: string;
let source: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "saccade-motion-"));
  source = join(folder, "source");
  for (const split of ["train", "val"])
    for (const label of ["day", "night"]) {
      mkdirSync(join(source, split, label), { recursive: true });
      for (let i = 0; i < 3; i++) {
        const data = Uint8Array.from({ length: 16 * 16 * 3 }, (_, at) => (at * (7 + i) + label.length * 31) & 255);
        writeFileSync(join(source, split, label, `${i}.png`), await encodePng({ width: 16, height: 16, data }));
      }
    }
});

afterAll(() => rmSync(folder, { recursive: true }));

const SMALL = ["--size", "24", "--frames", "5", "--rate", "10", "--count", "4", "--held-out", "2"];

test.each(["webp", "frames"])("clips as %s are a data set of clips", async (format) => {
  const out = join(folder, format);
  const { exitCode, notes } = await cli(["motion", source, out, ...SMALL, "--kinds", "size", "--format", format]);
  expect(exitCode).toBe(0);
  expect(notes.at(-1)).toBe(`${out}: 4 train, 2 validation clips of 2 classes, 5 frames of 24 px`);
  const { train, labels } = await openDataset(nodeDataFiles, out, { kind: "clips" });
  expect([train!.length, labels]).toEqual([4, ["comes closer", "goes away"]]);
  const { picture } = await train!.item(0);
  await using video = await openVideo(picture.kind === "video" ? picture.path : "");
  expect([video.facts.width, (await video.timestamps()).length]).toEqual([24, 5]);
});

test("a kind that there is not", async () => {
  const { exitCode, notes } = await cli(["motion", source, join(folder, "none"), "--kinds", "dance"]);
  expect([exitCode, notes.at(-1)]).toEqual([2, expect.stringContaining('there is no kind of motion "dance"')]);
});
