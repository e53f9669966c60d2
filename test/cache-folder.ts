// Tests keep features in a folder of their own, and find none of an earlier run.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "saccade-cache-"));
  process.env.SACCADE_CACHE = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
