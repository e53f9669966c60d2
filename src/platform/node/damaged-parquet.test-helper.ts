// Parquet files with a few bytes changed, read to the end or to an error of ours.
import { writeFileSync } from "node:fs";
import { expect } from "vitest";
import { readParquet } from "../../data/parquet.ts";
import { GZIP_FILE, HUB_FILE, PLAIN_FILE } from "../../data/parquet-files.test-helper.ts";
import { SaccadeError } from "../../errors.ts";
import { RandomSource } from "../../random.ts";
import { nodeDataFiles } from "./data-files.ts";
import { parquetThread } from "./parquet-thread.ts";

/** Each of `count` files must end by itself; what hangs is ended by the thread's limit. */
export async function readDamaged(path: string, count: number, seed: number): Promise<void> {
  const files = { ...nodeDataFiles, decodeParquet: parquetThread(1500) };
  const random = new RandomSource(seed, "damaged Parquet");
  for (let i = 0; i < count; i++) {
    const bytes = Buffer.from(random.choice([PLAIN_FILE, GZIP_FILE, HUB_FILE]), "base64");
    for (let changes = random.integer(3); changes >= 0; changes--)
      bytes[random.integer(bytes.length)] = random.integer(256);
    writeFileSync(path, bytes);
    try {
      const { samples } = await readParquet(files, path);
      for (const { picture } of samples) if (typeof picture === "function") await picture();
    } catch (error) {
      expect(error).toBeInstanceOf(SaccadeError);
    }
  }
}
