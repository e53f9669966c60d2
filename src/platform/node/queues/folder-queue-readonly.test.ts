// A folder that becomes read-only under a worker. Tests may run as somebody whom no permissions stop, so the file system is a pretended one.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import type * as Promises from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { openFolderQueue } from "./folder-queue.ts";

vi.mock("node:fs/promises", async (original) => {
  const actual = await original<typeof Promises>();
  const open: typeof actual.open = (path, flags, ...more) =>
    flags === "r+"
      ? Promise.reject(Object.assign(new Error("EROFS: read-only file system"), { code: "EROFS" }))
      : actual.open(path, flags, ...more);
  return { ...actual, open };
});

test("a sign of life that cannot be given is an error, and not tried for ever", async () => {
  const folder = mkdtempSync(join(tmpdir(), "saccade-queue-"));
  try {
    for (const name of ["parts", "failed"]) mkdirSync(join(folder, name));
    const queue = await openFolderQueue({ folder, plan: "p", shards: 1, worker: "a", leaseMs: 1000 });
    const lease = (await queue.take())!;
    await expect(lease.renew()).rejects.toMatchObject({ code: "file_erofs" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
