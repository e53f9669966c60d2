import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test, vi } from "vitest";
import { heicSize } from "../../image/heic-size.ts";
import { decodeWithSharp } from "./decode.ts";
import { decodeHeic } from "./decode-heic.ts";

/** 64 x 48 and stored on its side, as phones do: red, green, blue and white quarters. Its EXIF data say the same as its `irot` property. */
const turned = readFileSync(resolve(import.meta.dirname, "../../../test/cases/turned.heic"));

test("a HEIC comes out upright, turned once", async () => {
  const { width, height, data } = await decodeWithSharp(turned);
  expect([width, height]).toEqual([64, 48]);
  const pixel = (x: number, y: number) => [...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
  const corners: [number, number, number[]][] = [
    [5, 5, [200, 30, 30]],
    [58, 5, [30, 200, 30]],
    [5, 42, [30, 30, 200]],
    [58, 42, [220, 220, 220]],
  ];
  for (const [x, y, color] of corners)
    for (const [i, value] of pixel(x, y).entries()) expect(Math.abs(value - color[i]!)).toBeLessThan(4);
});

test("several at once, and one that is damaged, each get their own answer", async () => {
  const damaged = Buffer.from(turned);
  damaged.fill(0, turned.indexOf("mdat") + 4, turned.length - 60);
  const answers = await Promise.allSettled([
    decodeWithSharp(turned),
    decodeWithSharp(damaged),
    decodeWithSharp(turned),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(answers[1]).toMatchObject({ reason: { code: "image" } });
});

test("truncated at any length", async () => {
  for (const kept of [0.1, 0.5, 0.9])
    await expect(decodeWithSharp(turned.subarray(0, kept * turned.length))).rejects.toMatchObject({
      code: "image_truncated",
    });
});

test("the size is checked before anything is decoded", async () => {
  expect(heicSize(turned)).toEqual({ width: 64, height: 64 });
  await expect(decodeWithSharp(turned, { maxPixels: 64 * 64 - 1 })).rejects.toMatchObject({ code: "limit" });
  const huge = Buffer.from(turned);
  huge.writeUInt32BE(60000, huge.lastIndexOf("ispe") + 8);
  huge.writeUInt32BE(60000, huge.lastIndexOf("ispe") + 12);
  const reserve = vi.fn(async () => undefined);
  await expect(decodeWithSharp(huge, { reserve })).rejects.toMatchObject({
    code: "limit",
    message: expect.stringContaining("60000 x 60000"),
  });
  expect(reserve).not.toHaveBeenCalled();
});

test("without the optional package the error says what to install", async () => {
  await expect(decodeHeic(turned, 1e6, {}, "heic-decode-that-is-not-there")).rejects.toMatchObject({
    code: "image_decoder_missing",
    message: "this is a HEIC picture, which needs the package heic-decode-that-is-not-there",
    hint: expect.stringContaining("npm install heic-decode"),
  });
});

test("boxes that lie about their sizes end nowhere", () => {
  for (const size of [0, 1, 4, 8, 0x7fffffff, 0xffffffff]) {
    const lying = Buffer.from(turned);
    lying.writeUInt32BE(size, lying.indexOf("ipco") - 4);
    expect(() => heicSize(lying)).not.toThrow();
    lying.writeUInt32BE(size, lying.indexOf("meta") - 4);
    expect(() => heicSize(lying)).not.toThrow();
  }
});
