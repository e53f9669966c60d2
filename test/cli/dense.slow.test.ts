// saccade detect and saccade segment with toys whose answers can be said beforehand: lines, COCO documents, drawings, masks, and what goes wrong.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { maskArea, readCounts } from "../../src/boxes/masks.ts";
import { exportOnnx } from "../../src/model-folder/compile.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { colouredPicture, denseToy } from "../dense-toys.ts";
import { cli } from "./fake-terminal.ts";
import { temporaryFolder } from "./mini-model.ts";

const root = temporaryFolder();
const detector = join(root, "detector.onnx");
const segmenter = join(root, "segmenter.onnx");
const masks = join(root, "masks.onnx");
writeFileSync(detector, exportOnnx(denseToy("detections")));
writeFileSync(segmenter, exportOnnx(denseToy("semantic")));
writeFileSync(masks, exportOnnx(denseToy("queries", { things: () => [0] })));
const photos = join(root, "photos");
mkdirSync(photos);
const first = join(photos, "a.png");
const second = join(photos, "b.png");
const red = colouredPicture(192, 128, [["red", 16, 32, 48, 48]]);
const green = colouredPicture(240, 120, [["green", 40, 20, 60, 40]]);
writeFileSync(first, await nodeHost.encodePng(red));
writeFileSync(second, await nodeHost.encodePng(green));

interface CocoDocument {
  readonly info: Readonly<Record<string, string>>;
  readonly annotations: readonly {
    readonly id: number;
    readonly image_id: number;
    readonly category_id: number;
    readonly bbox: readonly number[];
    readonly area: number;
    readonly score?: number;
    readonly segmentation?: { readonly size: readonly [number, number]; readonly counts: string };
  }[];
  readonly images: readonly { id: number; file_name: string; width: number; height: number; drawn?: string }[];
  readonly categories: readonly { id: number; name: string }[];
}

const run = (...args: string[]) => cli([...args, "--device", "cpu", "--threads", "1", "--sessions", "1"]);

describe("detect", () => {
  test("says where things are, picture by picture", async () => {
    const { exitCode, stdout } = await run("detect", photos, "-m", detector);
    expect(exitCode).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toBe(first);
    expect(lines[1]).toMatch(/^ +\d[\d.]+ % {2}red {2}(16|32), 32 to (32|48), 48$/);
    expect(lines[3]).toBe(second);
    expect(lines[4]).toMatch(/% {2}green {2}40, 20 to 60, 40$/);
  });

  test("--json is one COCO document, which refers to itself", async () => {
    const drawings = join(root, "drawn");
    const { exitCode, stdout } = await run("detect", photos, "-m", detector, "--json", "--draw", drawings);
    expect(exitCode).toBe(0);
    const { info, annotations, images, categories } = JSON.parse(stdout) as CocoDocument;
    expect(info).toMatchObject({ description: "saccade detect", device: "cpu" });
    expect(categories).toEqual([
      { id: 1, name: "red" },
      { id: 2, name: "green" },
      { id: 3, name: "blue" },
    ]);
    expect(images.map(({ id, width, height }) => [id, width, height])).toEqual([
      [1, 192, 128],
      [2, 240, 120],
    ]);
    expect(annotations.map(({ id }) => id)).toEqual([1, 2, 3]);
    const last = annotations[2]!;
    expect(last).toMatchObject({ image_id: 2, category_id: 2, bbox: [40, 20, 20, 20], area: 400 });
    expect(last.score).toBeGreaterThan(0.9);
    for (const { drawn } of images) {
      const picture = await nodeHost.decode(readFileSync(drawn!));
      expect(picture.width).toBeGreaterThanOrEqual(640);
    }
  });

  test("thresholds, labels and what is left of nothing", async () => {
    expect((await run("detect", first, "-m", detector, "--threshold", "0.9999")).stdout).toBe(
      "nothing that is 100 % sure\n",
    );
    expect((await run("detect", first, "-m", detector, "--only", "green")).stdout).toContain("nothing that is");
    const { exitCode, notes } = await run("detect", first, "-m", detector, "--only", "grene");
    expect(exitCode).toBe(2);
    expect(notes.join("\n")).toContain("did you mean green?");
    expect((await run("detect", first, "-m", detector, "--suppression", "3")).exitCode).toBe(2);
  });

  test("a picture that cannot be read is said, and the others are answered", async () => {
    const { exitCode, stdout, notes } = await run("detect", first, join(root, "nowhere.png"), "-m", detector, "--json");
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout).images).toHaveLength(1);
    expect(notes.join("\n")).toContain("nowhere.png");
  });

  test("a model of something else is refused, with where to go", async () => {
    const { exitCode, notes } = await run("detect", first, "-m", segmenter);
    expect(exitCode).toBe(2);
    expect(notes.join("\n")).toContain("saccade segment");
    expect((await run("detect", first)).exitCode).toBe(2);
    expect((await run("detect", first, "-m", detector, "--draw", "found.json")).notes.join("\n")).toContain(
      "drawings are .png or .jpg",
    );
    const over = await run("detect", first, "-m", detector, "--draw", first);
    expect(over.exitCode).toBe(2);
  });
});

describe("segment", () => {
  test("says how much of the picture each class has", async () => {
    const { exitCode, stdout } = await run("segment", first, "-m", segmenter);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ +9\d % {2}other\n +\d\.\d % {2}red\n$/);
  });

  test("--json has masks as runs, --masks a number for each pixel", async () => {
    const out = join(root, "mask.png");
    const { stdout } = await run("segment", first, "-m", segmenter, "--json", "--masks", out);
    const { annotations, info } = JSON.parse(stdout) as CocoDocument;
    expect(info.kind).toBe("semantic");
    const { segmentation, area } = annotations.find(({ category_id }) => category_id === 2)!;
    expect(segmentation!.size).toEqual([128, 192]);
    const mask = readCounts(segmentation!.counts, { width: 192, height: 128 }, "it");
    expect(maskArea(mask)).toBe(area);
    const { data } = await nodeHost.decode(readFileSync(out));
    expect(data.filter((value, i) => i % 3 === 0 && value === 1)).toHaveLength(area);
  });

  test("panoptic and instance, of a model of masks", async () => {
    const drawing = join(root, "parts.jpg");
    const { stdout } = await run("segment", first, "-m", masks, "--draw", drawing);
    expect(stdout).toMatch(/% {2}red {2}\d+, \d+ to \d+, \d+, \d\.\d % of the picture\ndrawn: /);
    expect(readFileSync(drawing).subarray(0, 2)).toEqual(Buffer.from([0xff, 0xd8]));
    const json = await run("segment", first, "-m", masks, "--kind", "instance", "--json");
    const { info, annotations } = JSON.parse(json.stdout) as CocoDocument;
    expect([info.kind, annotations.length]).toEqual(["instance", 1]);
    expect((await run("segment", first, "-m", segmenter, "--kind", "instance")).exitCode).toBe(2);
  });
});

describe("eval", () => {
  const data = join(root, "coco");
  mkdirSync(data);
  writeFileSync(join(data, "a.png"), readFileSync(first));
  writeFileSync(join(data, "b.png"), readFileSync(second));
  const annotation = (id: number, image: number, category: number, bbox: readonly number[]) => ({
    ...{ id, image_id: image, category_id: category, bbox, iscrowd: 0 },
    area: bbox[2]! * bbox[3]!,
    segmentation: [[bbox[0], bbox[1], bbox[0]! + bbox[2]!, bbox[1], bbox[0]! + bbox[2]!, bbox[1]! + bbox[3]!]],
  });
  writeFileSync(
    join(data, "val.json"),
    JSON.stringify({
      images: [
        { id: 7, file_name: "a.png", width: 192, height: 128 },
        { id: 9, file_name: "b.png", width: 240, height: 120 },
      ],
      categories: [
        { id: 3, name: "red" },
        { id: 20, name: "green" },
      ],
      annotations: [
        annotation(1, 7, 3, [16, 32, 16, 16]),
        annotation(2, 7, 3, [32, 32, 16, 16]),
        annotation(3, 9, 20, [100, 20, 40, 40]),
      ],
    }),
  );

  test("a detector on COCO annotations: text, JSON and a report", async () => {
    const out = join(root, "found.html");
    const { exitCode, stdout, notes } = await run("eval", detector, data, "--report", out);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/boxes: AP 50 % {3}AP50 50 %/);
    expect(stdout).toMatch(/red {4}AP 100 % of 2\n/);
    expect(notes.join("\n")).toContain(`report: ${out}`);
    const page = readFileSync(out, "utf8");
    expect(page).toContain("Worst pictures");
    expect(page).toContain("1 missed, 1 wrong");
    const json = JSON.parse((await run("eval", detector, data, "--json")).stdout);
    expect(json).toMatchObject({ kind: "detection", pictures: 2, boxes: { ap: expect.closeTo(0.5, 9) } });
  });

  test("a segmenter on the outlines of the same, and what is refused", async () => {
    const json = JSON.parse((await run("eval", segmenter, data, "--json")).stdout);
    expect(json.kind).toBe("semantic");
    expect(json.semantic.per_class.map(({ label }: { label: string }) => label)).toEqual(["red", "green"]);
    const refused = await run("eval", detector, data, "--steps");
    expect(refused.exitCode).toBe(2);
    expect(refused.notes.join("\n")).toContain("--steps says nothing of a model that answers about places");
    const plain = await run("eval", detector, photos);
    expect(plain.exitCode).not.toBe(0);
  });
});
