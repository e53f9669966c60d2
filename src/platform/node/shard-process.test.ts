import { expect, test } from "vitest";
import { shardProcess } from "./shard-process.ts";

test("a process that cannot be started at all is said, and nobody waits for it", async () => {
  const { execPath } = process;
  await using runner = shardProcess({ folder: "/nowhere", device: "cpu", onNotice: () => undefined });
  process.execPath = "/nowhere/node";
  try {
    await expect(runner.ready()).rejects.toMatchObject({ code: "shard_process", message: /ENOENT/ });
  } finally {
    process.execPath = execPath;
  }
});
