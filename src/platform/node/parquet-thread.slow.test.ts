import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { readDamaged } from "./damaged-parquet.test-helper.ts";

test("thousands of damaged Parquet files: data, or an error that says why not", { timeout: 600_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "saccade-parquet-"));
  try {
    await readDamaged(join(folder, "damaged.parquet"), 4000, 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
