import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keepCompiledCode } from "./compiled-code.ts";

test("code is kept in the cache folder, and nowhere else", () => {
  const asked: string[] = [];
  const node = { enableCompileCache: (folder: string) => asked.push(folder) };
  const cache = mkdtempSync(join(tmpdir(), "saccade-code-"));
  try {
    keepCompiledCode({}, cache);
    if (process.platform === "linux") keepCompiledCode(node, "/proc/nothing");
    expect(asked).toEqual([]);
    keepCompiledCode(node, cache);
    keepCompiledCode(node, cache);
    const folder = join(cache, "compiled-code");
    expect(asked).toEqual([folder, folder]);
    expect(existsSync(folder)).toBe(true);
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
});
