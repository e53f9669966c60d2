// A toy that sees red, green and blue cells: which pixels it says they are of, in the three ways, on pictures of any shape.
import { afterAll, describe, expect, test } from "vitest";
import { colouredPicture, denseToy, TOY_VIEW } from "../../../test/dense-toys.ts";
import { maskArea } from "../../boxes/masks.ts";
import { AbortedError, UsageError } from "../../errors.ts";
import { exportOnnx } from "../../model-folder/compile.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { largestClasses } from "./largest-classes.ts";
import { segmentsOf } from "./read-outputs.ts";
import { loadSegmenter } from "./segmenter.ts";

const LOAD = { device: "cpu", threads: 1 } as const;
const semantic = await loadSegmenter(nodeHost, denseToy("semantic"), LOAD);
afterAll(() => semantic.dispose());

describe("semantic", () => {
  test("masks are of the picture's size, and what is seen of it", async () => {
    const segmenter = semantic;
    expect(segmenter.kinds).toEqual(["semantic"]);
    const picture = colouredPicture(240, 120, [
      ["green", 40, 20, 80, 60],
      ["red", 160, 60, 240, 120],
    ]);
    const { kind, segments, map, seen } = await segmenter.segment(picture);
    expect([kind, seen, map!.width, map!.height]).toEqual(["semantic", 1, 240, 120]);
    expect(segments.map(({ label, id }) => [label, id])).toEqual([
      ["other", 1],
      ["red", 2],
      ["green", 3],
    ]);
    expect(segments.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    const red = segments[1]!;
    expect([red.mask.width, red.mask.height]).toEqual([240, 120]);
    // Between cells the border is where both score alike: within half a cell of where it is.
    for (const [i, side] of [160, 60, 240, 120].entries()) expect(Math.abs(red.box[i]! - side)).toBeLessThan(10);
    expect(maskArea(red.mask) / (80 * 60)).toBeCloseTo(1, 0);
    expect(map!.ids.filter((id) => id === 2)).toHaveLength(maskArea(red.mask));
  });

  test("of a picture wider than the view all crops are seen, and their scores add up", async () => {
    const cropping = denseToy("semantic", {}, "resize_cover(96,64)|central_crop(96,64)");
    await using segmenter = await loadSegmenter(nodeHost, cropping, LOAD);
    const picture = colouredPicture(160, 64, [
      ["blue", 0, 0, 16, 64],
      ["blue", 72, 0, 88, 64],
      ["green", 144, 0, 160, 64],
    ]);
    const { segments, seen } = await segmenter.segment(picture);
    expect(seen).toBe(1);
    expect(segments.map(({ label }) => label)).toEqual(["other", "blue", "green"]);
    const [, blue, green] = segments;
    expect(blue!.box[0]).toBe(0);
    expect(green!.box[2]).toBe(160);
    expect(blue!.share).toBeCloseTo(32 / 160, 1);
  });

  test("between coarse cells it is the class of the interpolated scores", async () => {
    // Scores at random: the shortcut inside cells of one class must change nothing.
    const [maps, width, height] = [3, 5, 4];
    const data = Float32Array.from({ length: maps * width * height }, (_, i) => Math.sin(12.9898 * i) * 3);
    const view = { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 };
    const size = { width: 37, height: 23 };
    const expected = Array.from({ length: size.width * size.height }, (_, at) => {
      const gx = Math.max(0, (((at % 37) + 0.5) / 37) * width - 0.5);
      const gy = Math.max(0, ((Math.floor(at / 37) + 0.5) / 23) * height - 0.5);
      const [x0, y0] = [Math.min(Math.floor(gx), width - 1), Math.min(Math.floor(gy), height - 1)];
      const [x1, y1] = [Math.min(x0 + 1, width - 1), Math.min(y0 + 1, height - 1)];
      const score = (c: number) => {
        const cell = (x: number, y: number) => data[(c * height + y) * width + x]!;
        const [dx, dy] = [gx - x0, gy - y0];
        return (
          (1 - dy) * ((1 - dx) * cell(x0, y0) + dx * cell(x1, y0)) + dy * ((1 - dx) * cell(x0, y1) + dx * cell(x1, y1))
        );
      };
      const scores = [score(0), score(1), score(2)];
      return scores.indexOf(Math.max(...scores));
    });
    expect([...(await largestClasses([{ data, maps, width, height, view }], size))]).toEqual(expected);
  });
});

describe("masks with classes", () => {
  const picture = colouredPicture(96, 64, [
    ["red", 8, 8, 40, 40],
    ["green", 56, 16, 88, 56],
  ]);

  test("instances, each with a mask of its own", async () => {
    await using segmenter = await loadSegmenter(nodeHost, denseToy("queries"), LOAD);
    expect(segmenter.kinds[0]).toBe("instance");
    const { segments, map } = await segmenter.segment(picture);
    expect(map).toBeUndefined();
    expect(segments.map(({ label, isThing }) => [label, isThing]).sort()).toEqual([
      ["green", true],
      ["red", true],
    ]);
    for (const { score } of segments) expect(score).toBeGreaterThan(0.9);
    const red = segments.find(({ label }) => label === "red")!;
    expect(red.share).toBeCloseTo((32 * 32) / (96 * 64), 1);
  });

  test("panoptic, things and stuff, each pixel once", async () => {
    await using segmenter = await loadSegmenter(nodeHost, denseToy("queries", { things: () => [0] }), LOAD);
    expect(segmenter.kinds[0]).toBe("panoptic");
    const { segments, map } = await segmenter.segment(picture);
    expect(segments.map(({ label, isThing }) => [label, isThing]).sort()).toEqual([
      ["green", false],
      ["red", true],
    ]);
    for (const { id, mask } of segments) expect(map!.ids.filter((one) => one === id)).toHaveLength(maskArea(mask));
    const only = await segmenter.segment(picture, { only: ["green"] });
    expect(only.segments.map(({ label }) => label)).toEqual(["green"]);
    const byClass = await segmenter.segment(picture, { kind: "semantic" });
    expect(byClass.segments.map(({ label }) => label)).toContain("red");
  });

  test("an exported file knows its things", async () => {
    const bytes = exportOnnx(denseToy("queries", { things: () => [0] }));
    await using segmenter = await loadSegmenter(nodeHost, bytes, LOAD);
    expect(segmenter.kinds[0]).toBe("panoptic");
    expect([segmenter.isThing(0), segmenter.isThing(1)]).toEqual([true, false]);
    expect((await segmenter.segment(picture)).segments).toHaveLength(2);
  });
});

test("large pictures have maps of a bounded size, and masks of their own; whoever stops it is heard between masks", async () => {
  const data = Float32Array.from([1, 0, 0, 1]); // two cells side by side, a class each
  const view = { scaleX: 1, scaleY: 1, offsetX: 0, offsetY: 0 };
  const choice = { kind: "semantic", threshold: 0, most: 100, isThing: () => false, only: undefined } as const;
  const picture = { width: 3600, height: 2400 };
  const { segments, map } = await segmentsOf(
    [{ data, maps: 2, width: 2, height: 1, classes: 2 }],
    [view],
    picture,
    choice,
    ["left", "right"],
  );
  expect(map!.width * map!.height).toBeLessThanOrEqual(2 ** 22);
  expect(segments.map(({ mask }) => [mask.width, mask.height])).toEqual([
    [3600, 2400],
    [3600, 2400],
  ]);
  for (const { share } of segments) expect(share).toBeCloseTo(0.5, 3);
  let pieces = 0;
  const stopLate = async () => {
    if (++pieces > 3) throw new AbortedError("segmenting");
  };
  const again = segmentsOf(
    [{ data, maps: 2, width: 2, height: 1, classes: 2 }],
    [view],
    picture,
    choice,
    undefined,
    stopLate,
  );
  await expect(again).rejects.toThrow(AbortedError);
});

test("what goes wrong is said", async () => {
  const segmenter = semantic;
  const picture = colouredPicture(TOY_VIEW.width, TOY_VIEW.height, []);
  await expect(segmenter.segment(picture, { kind: "panoptic" })).rejects.toThrow("no panoptic segmentation");
  await expect(segmenter.segment(picture, { kind: "other" as "semantic" })).rejects.toThrow('got "other"');
  await expect(loadSegmenter(nodeHost, denseToy("detections"), LOAD)).rejects.toThrow(UsageError);
  await using masks = await loadSegmenter(
    nodeHost,
    denseToy("queries", {}, "resize_cover(96,64)|central_crop(96,64)"),
    {
      ...LOAD,
      views: "crops",
    },
  );
  await expect(masks.segment(colouredPicture(200, 64, []))).rejects.toThrow("do not add up");
});
