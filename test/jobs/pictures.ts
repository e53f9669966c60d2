// Many small pictures, some of which are none, and a small model for them.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeHost } from "../../src/platform/node/host.ts";
import { RandomSource } from "../../src/random.ts";

/** Bytes of a PNG that no other number gives. */
export async function pictureBytes(number: number, side = 24): Promise<Uint8Array> {
  const random = new RandomSource(number, "jobs/picture");
  const data = new Uint8Array(side * side * 3).map(() => random.next() & 255);
  return nodeHost.encodePng({ width: side, height: side, data });
}

export const pictureName = (number: number): string => `p${String(number).padStart(5, "0")}.png`;

/** A folder of pictures; every `damagedEvery`-th cannot be read. Returns its path. */
export async function writePictures(folder: string, count: number, damagedEvery = 0, side?: number): Promise<string> {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    const bytes = await pictureBytes(i, side);
    const isDamaged = damagedEvery > 0 && i % damagedEvery === damagedEvery - 1;
    writeFileSync(join(folder, pictureName(i)), isDamaged ? bytes.subarray(0, 60) : bytes);
  }
  return folder;
}
