import { describe, expect, test } from "vitest";
import { jpegFrame, sniff } from "./sniff.ts";

const ascii = (text: string) => Array.from(text, (character) => character.charCodeAt(0));
const segment = (marker: number, ...body: number[]) => [0xff, marker, 0, body.length + 2, ...body];
const frame = (marker: number) => segment(marker, 8, 0x01, 0x02, 0x03, 0x04, 3, ...Array(9).fill(0));
const jpeg = (...segments: number[][]) => Uint8Array.from([0xff, 0xd8, ...segments.flat(), 0, 0, 0, 0]);

const SIZE = { width: 0x0304, height: 0x0102, precision: 8, components: 3 };

describe("the frame of a JPEG", () => {
  test("is found behind other segments, whatever they hold", () => {
    const thumbnail = segment(0xe1, 0xff, 0xc0, 0, 17, 8, 0, 1, 0, 1, 3);
    expect(jpegFrame(jpeg(segment(0xe0, 1, 2, 3), thumbnail, segment(0xc4, 0, 0), frame(0xc0)))).toEqual(SIZE);
    expect(jpegFrame(jpeg([0xff, 0xff], frame(0xc2)))).toEqual(SIZE); // bytes to fill up, and a progressive one
  });

  test("is not made up where there is none", () => {
    expect(jpegFrame(jpeg(segment(0xe0, 1, 2, 3)))).toBeUndefined();
    expect(jpegFrame(jpeg(segment(0xda, 1, 2), frame(0xc0)))).toBeUndefined(); // pixels came first
    expect(jpegFrame(jpeg(segment(0xc4, 0, 0), segment(0xcc, 0)))).toBeUndefined();
    const whole = jpeg(frame(0xc0));
    for (let length = 0; length < 12; length++) expect(jpegFrame(whole.subarray(0, length))).toBeUndefined();
    expect(jpegFrame(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff, 0xe0, 0, 0, 0xff, 0xe0))).toBeUndefined();
  });
});

describe("what a file is", () => {
  test.each([
    [[0xff, 0xd8, 0xff, 0xe0], "jpeg", "a JPEG picture"],
    [[...ascii("RIFF"), 1, 0, 0, 0, ...ascii("WEBPVP8 ")], "webp", "a WebP picture"],
    [[...ascii("RIFF"), 1, 0, 0, 0, ...ascii("WAVEfmt ")], undefined, "a WAV sound"],
    [[...ascii("BM"), 0, 0, 1, 0], "bmp", "a BMP picture"],
    [ascii("BMX bikes are for sale"), undefined, "text"],
    [ascii("ID3 is a format"), undefined, "text"],
    [ascii("<!DOCTYPE html><p>"), undefined, "an HTML page"],
    [[0, 1, 2, 3, 4, 5], undefined, "not a known kind of picture"],
  ] as const)("%j", (bytes, picture, name) => {
    expect(sniff(Uint8Array.from([...bytes]))).toEqual({ picture, name });
  });
});
