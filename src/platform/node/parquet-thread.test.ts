import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readParquet } from "../../data/parquet.ts";
import { PLAIN_FILE } from "../../data/parquet-files.test-helper.ts";
import { FormatError } from "../../errors.ts";
import { readDamaged } from "./damaged-parquet.test-helper.ts";
import { nodeDataFiles } from "./data-files.ts";
import { parquetThread } from "./parquet-thread.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "saccade-parquet-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** 213 bytes: a run of repetition levels that is far longer than the page has values. */
const ENDLESS =
  "UEFSMRUGFSwVLFwVBBUAFQQVABUEFQAAAAMDBgAAAFBJQwH6AQYAAABQSUMCAgIVBhUgFSBcFQQVABUEFQAVrxUAAAADAwMAAABkb2cDAAAA" +
  "Y2F0FSwZPEgEcm9vdBUEABUMJQIYA2ltZwAVDCUCGAVjbGFzcyUAABYEGRwZLCYIHBUMGRUAGRgDaW1nFQAWBBZWFlYmCAAAJl4cFQwZFQAZ" +
  "GAVjbGFzcxUAFgQWShZKJl4AABagARYENqABACgEdGVzdBksHAAAHAAAAHkAAABQQVIx";

test("a file that keeps the decoder busy for ever is given up; the next one is read", async () => {
  const paths = ["endless", "good"].map((name) => join(folder, `${name}.parquet`)) as [string, string];
  writeFileSync(paths[0], Buffer.from(ENDLESS, "base64"));
  writeFileSync(paths[1], Buffer.from(PLAIN_FILE, "base64"));
  const files = { ...nodeDataFiles, decodeParquet: parquetThread(4000) };
  const endless = readParquet(files, paths[0]);
  const good = readParquet(files, paths[1]);
  await expect(endless).rejects.toThrow(/endless\.parquet cannot be read \(decoding did not end within 4 seconds\)/);
  const { samples } = await good;
  expect(samples.map(({ label }) => label)).toEqual(["dog", "cat"]);
  const [first] = samples;
  expect(typeof first!.picture === "function" && (await first!.picture())).toMatchObject({ kind: "encoded" });
  await expect(readParquet(files, join(folder, "none.parquet"))).rejects.toMatchObject({ code: "not_found" });
  await expect(readParquet(files, paths[0])).rejects.toThrow(FormatError);
});

test.runIf(process.platform !== "win32")(
  "a named pipe is no Parquet file, and nobody waits for its writer",
  async () => {
    const pipe = join(folder, "pipe.parquet");
    execFileSync("mkfifo", [pipe]);
    await expect(readParquet(nodeDataFiles, pipe)).rejects.toThrow(/it is not a regular file/);
  },
);

test("damaged files give data or say why not, each of them", async () => {
  await readDamaged(join(folder, "damaged.parquet"), 120, 1);
});
