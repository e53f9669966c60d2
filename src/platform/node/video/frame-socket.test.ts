import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { outputSocket } from "./frame-socket.ts";

const BYTES = 3_000_000;
const WRITER = `const bytes = new Uint8Array(${BYTES}).map((_, i) => i % 251); require("node:fs").writeSync(1, bytes.subarray(0, 7));
process.stdout.write(bytes.subarray(7))`;

test.skipIf(process.platform === "win32")(
  "what a program writes comes in order, into memory that the reader chose",
  async () => {
    const all = new Uint8Array(BYTES + 1); // room is left for the end, too
    let filled = 0;
    const socket = await outputSocket({
      room: () => all.subarray(filled),
      took: (bytes) => {
        filled += bytes;
      },
    });
    const child = spawn(process.execPath, ["-e", WRITER], { stdio: ["ignore", socket!.theirs, "inherit"] });
    socket!.theirs.destroy();
    await Promise.all([once(socket!.ours, "close"), once(child, "close")]);
    expect(filled).toBe(BYTES);
    expect(all.subarray(0, BYTES).every((value, i) => value === i % 251)).toBe(true);
  },
);
