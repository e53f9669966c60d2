// A toy that sees red, green and blue cells: where it says they are on pictures of any shape, and what is left of its answers.
import { afterAll, describe, expect, test } from "vitest";
import { colouredPicture, denseToy } from "../../../test/dense-toys.ts";
import { AbortedError, UsageError } from "../../errors.ts";
import { concat } from "../../graph/build.ts";
import { exportOnnx } from "../../model-folder/compile.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { loadDetector } from "./detector.ts";

const LOAD = { device: "cpu", threads: 1 } as const;
const toy = denseToy("detections");
const cropping = denseToy("detections", {}, "resize_cover(96,64)|central_crop(96,64)");
const doubles = denseToy("detections", { suppression: () => 0.5 });
const detector = await loadDetector(nodeHost, toy, LOAD);
afterAll(() => detector.dispose());
const rounded = (box: readonly number[]) => box.map((value) => Math.round(10 * value) / 10 + 0);

/** The toy's cells are 8 of 96 columns and of 64 rows. */
describe("boxes", () => {
  test("are in pixels of the picture, whatever its shape", async () => {
    // Twice the view: a cell is 16 pixels.
    const same = colouredPicture(192, 128, [
      ["red", 16, 32, 32, 48],
      ["blue", 176, 112, 192, 128],
    ]);
    // Twice as wide as high: seen 96 x 48, with bars of 8 rows. A cell is 20 pixels.
    const wide = colouredPicture(240, 120, [["green", 40, 20, 60, 40]]);
    const [first, second] = await detector.detect([same, wide], { threshold: 0.5 });
    expect(first!.detections.map(({ label, box }) => [label, rounded(box)])).toEqual([
      ["blue", [176, 112, 192, 128]],
      ["red", [16, 32, 32, 48]],
    ]);
    expect(second!.detections.map(({ label, index, box }) => [label, index, rounded(box)])).toEqual([
      ["green", 1, [40, 20, 60, 40]],
    ]);
    expect(second).toMatchObject({ picture: { width: 240, height: 120 }, seen: 1 });
    for (const { score } of first!.detections) expect(score).toBeGreaterThan(0.9);
  });

  test("of a file are those of the upright picture", async () => {
    const picture = colouredPicture(192, 128, [["red", 16, 32, 32, 48]]);
    const { default: sharp } = await import("sharp");
    // As a camera held on its side writes it: turned to the left, with a note to turn it back.
    const file = await sharp(picture.data, { raw: { width: 192, height: 128, channels: 3 } })
      .rotate(270)
      .png()
      .toBuffer();
    const noted = await sharp(file).withMetadata({ orientation: 6 }).png().toBuffer();
    const { detections, picture: size } = await detector.detect(new Uint8Array(noted), { threshold: 0.5 });
    expect(size).toEqual({ width: 192, height: 128 });
    expect(detections.map(({ label, box }) => [label, rounded(box)])).toEqual([["red", [16, 32, 32, 48]]]);
  });

  test("of preprocessing that crops are those of the whole picture", async () => {
    await using detector = await loadDetector(nodeHost, cropping, LOAD);
    const picture = colouredPicture(384, 64, [["red", 0, 0, 32, 32]]);
    const { detections, seen } = await detector.detect(picture, { threshold: 0.3 });
    expect(seen).toBeCloseTo(1, 9);
    expect(detections.length).toBeGreaterThan(0);
    for (const { label, box } of detections) {
      expect(label).toBe("red");
      expect(box[2]).toBeLessThanOrEqual(40);
    }
  });

  test("of several views are one where they are of one thing", async () => {
    await using detector = await loadDetector(nodeHost, cropping, { ...LOAD, views: "crops" });
    // Two crops of 96 pixels that overlap by 32; the cell lies in both.
    const picture = colouredPicture(160, 64, [["green", 72, 16, 80, 24]]);
    const asked = { threshold: 0.5 };
    const once = await detector.detect(picture, asked);
    expect(once.detections.map(({ box }) => rounded(box))).toEqual([[72, 16, 80, 24]]);
    const { detections } = await detector.detect(picture, { ...asked, suppression: "none" });
    expect(detections).toHaveLength(2);
  });
});

describe("what counts as an answer", () => {
  const picture = colouredPicture(96, 64, [
    ["red", 8, 8, 24, 16],
    ["blue", 40, 40, 48, 48],
  ]);

  test("threshold, most, labels", async () => {
    const labels = async (options: Parameters<typeof detector.detect>[1]) =>
      (await detector.detect(picture, options)).detections.map(({ label }) => label);
    expect(await labels({})).toEqual(["red", "red", "blue"]);
    expect(await labels({ most: 1 })).toEqual(["red"]);
    expect(await labels({ only: ["blue"] })).toEqual(["blue"]);
    expect(await labels({ threshold: 0.999 })).toEqual([]);
    expect((await detector.detect(picture, { threshold: 0, most: 500 })).detections).toHaveLength(3 * 96);
  });

  test("suppression is the model's own, or the caller's", async () => {
    const twice = denseToy("detections", {
      suppression: () => 0.5,
      build(scope, image, config, mode) {
        const { logits, boxes } = toy.definition.architecture.build(scope, image, config, mode);
        return { logits: concat([logits!, logits!], 1), boxes: concat([boxes!, boxes!], 1) };
      },
    });
    await using detector = await loadDetector(nodeHost, twice, LOAD);
    expect((await detector.detect(picture)).detections).toHaveLength(3);
    expect((await detector.detect(picture, { suppression: "none" })).detections).toHaveLength(6);
  });

  test("an exported file answers the same", async () => {
    await using detector = await loadDetector(nodeHost, exportOnnx(doubles), LOAD);
    expect(detector.labels).toEqual(["red", "green", "blue"]);
    expect((await detector.detect(picture)).detections.map(({ label }) => label)).toEqual(["red", "red", "blue"]);
  });
});

describe("what goes wrong is said", () => {
  test("options", async () => {
    const picture = colouredPicture(96, 64, []);
    const detect = (options: Parameters<typeof detector.detect>[1]) => detector.detect(picture, options);
    await expect(detect({ threshold: 1 })).rejects.toThrow("from 0 to below 1, got 1");
    await expect(detect({ most: 0.5 })).rejects.toThrow("at least 1, got 0.5");
    await expect(detect({ suppression: 2 })).rejects.toThrow("an overlap above 0");
    const unknown = detect({ only: ["blu"] });
    await expect(unknown).rejects.toThrow('knows no "blu"');
    await expect(unknown).rejects.toMatchObject({ hint: "did you mean blue? it knows 3 labels" });
  });

  test("a model that answers something else, and where to go with it", async () => {
    const wrong = loadDetector(nodeHost, denseToy("semantic"), LOAD);
    await expect(wrong).rejects.toThrow(UsageError);
    await expect(wrong).rejects.toMatchObject({ hint: expect.stringContaining("saccade segment") });
  });

  test("a picture that cannot be read leaves the others their answers, and a signal stops them", async () => {
    const picture = colouredPicture(96, 64, [["red", 8, 8, 16, 16]]);
    const answers = [];
    for await (const { answer, error } of detector.detectAll([picture, "nowhere.jpg", picture]))
      answers.push(error === undefined ? answer.detections.length : error.code);
    expect(answers).toEqual([1, "not_found", 1]);
    await expect(detector.detect(picture, { signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
  });
});
