import { homedir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { nodeFolders } from "./folders.ts";

afterEach(() => vi.unstubAllEnvs());

test.runIf(process.platform === "linux").each([
  ["/var/cache/mine", "/var/cache/mine/saccade"],
  ["", join(homedir(), ".cache/saccade")],
  ["here", join(homedir(), ".cache/saccade")],
])("XDG_CACHE_HOME=%s", (folder, cache) => {
  vi.stubEnv("SACCADE_CACHE", "");
  vi.stubEnv("XDG_CACHE_HOME", folder);
  expect(nodeFolders.cache).toBe(cache);
});
