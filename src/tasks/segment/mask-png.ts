// Segments as a PNG of one number a pixel, which labelling tools and training programs read: grey, eight bits where they are enough, else sixteen.

import { zlibSync } from "fflate";
import { eachRun } from "../../boxes/masks.ts";
import { joinBytes } from "../../byte-sources.ts";
import { crc32 } from "../../weights/crc32.ts";
import type { SegmentationResult } from "./results.ts";

/** What stands where "semantic" says nothing, as data sets have it. */
const NOTHING_KNOWN = 255;
const LARGEST_BYTE = 255;

/**
 * The picture's pixels as numbers: of "semantic" the index of the class, 255 where the model saw nothing; else the segment's place in `segments`, counted from 1, and 0
 * for none. Where instances overlap, the surer is on top.
 */
export function maskPng({ kind, segments, picture }: SegmentationResult): Uint8Array {
  const { width, height } = picture;
  const numbers = new Uint16Array(width * height).fill(kind === "semantic" ? NOTHING_KNOWN : 0);
  [...segments.entries()].reverse().forEach(([place, { index, mask }]) => {
    const number = kind === "semantic" ? index : place + 1;
    eachRun(mask, (x, y0, y1) => {
      for (let y = y0; y < y1; y++) numbers[y * width + x] = number;
    });
  });
  return greyPng(numbers, width, height);
}

/** Bytes of a grey PNG (ISO/IEC 15948). */
export function greyPng(values: Uint16Array, width: number, height: number): Uint8Array {
  const isWide = values.some((value) => value > LARGEST_BYTE);
  const size = isWide ? 2 : 1;
  const rows = new Uint8Array(height * (1 + size * width)); // a row begins with its filter, 0 for none
  for (let y = 0, at = 0; y < height; y++) {
    at++;
    for (let x = 0; x < width; x++) {
      const value = values[y * width + x]!;
      if (isWide) rows[at++] = value >> 8;
      rows[at++] = value & 0xff;
    }
  }
  const header = new Uint8Array(13);
  const fields = new DataView(header.buffer);
  fields.setUint32(0, width);
  fields.setUint32(4, height);
  header[8] = 8 * size;
  const parts = [SIGNATURE, chunk("IHDR", header), chunk("IDAT", zlibSync(rows)), chunk("IEND", new Uint8Array(0))];
  return joinBytes(parts);
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

function chunk(name: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const fields = new DataView(bytes.buffer);
  fields.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = name.charCodeAt(i);
  bytes.set(data, 8);
  fields.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}
