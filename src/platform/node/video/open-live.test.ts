// Live sources: an address on this machine that sends a file at its own rate.

import { spawn } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test } from "vitest";
import { liveInput } from "./live-source.ts";
import { openLive } from "./open-live.ts";
import { hasFfmpeg, moving, removeVideoFolder } from "./video-files.test-helper.ts";

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
  removeVideoFolder();
});

/** An address that sends moving pictures as they happen. */
async function sendLive(...args: string[]): Promise<string> {
  const server = createServer((request, response) => {
    const child = spawn("ffmpeg", ["-v", "error", "-nostdin", "-re", ...args, "-f", "matroska", "-"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    child.stdout.pipe(response);
    request.once("close", () => child.kill("SIGKILL"));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/live?key=secret`;
}

test.runIf(hasFfmpeg)("an address: the newest frame wins, others are counted, and it ends", async () => {
  const url = await sendLive(
    ...moving("160x90", 2, 50),
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-tune",
    "zerolatency",
    "-g",
    "10",
  );
  await using live = await openLive({ kind: "address", url }, { longerSide: 80 });
  expect(live.facts).toEqual({ width: 80, height: 45, codec: "h264", container: "matroska,webm" });
  let [taken, last] = [0, -1];
  for (let frame = await live.next(); frame !== undefined; frame = await live.next()) {
    expect(frame.index).toBeGreaterThan(last);
    expect(frame.image.data.length).toBe(80 * 45 * 3);
    last = frame.index;
    taken++;
    await new Promise((resolve) => setTimeout(resolve, 200)); // slower than they come
  }
  expect(live.dropped).toBeGreaterThan(10);
  expect(taken + live.dropped).toBeGreaterThan(70); // what came while it was found out what comes is not kept
  expect(taken + live.dropped).toBeLessThanOrEqual(100);
});

test.runIf(hasFfmpeg)("what is not there is said in words, without passwords", async () => {
  const gone = "http://user:hidden@127.0.0.1:9/x?key=hidden";
  const error = await openLive({ kind: "address", url: gone }).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: "network" });
  expect(String(error)).not.toMatch(/hidden/);
  if (process.platform === "linux")
    await expect(openLive({ kind: "camera", device: "97" })).rejects.toMatchObject({ code: "not_found" });
});

test.runIf(hasFfmpeg)("a source that says nothing is stalled", async () => {
  const server = createServer(() => undefined); // accepts and never answers
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await expect(openLive({ kind: "address", url }, { stallMs: 1500 })).rejects.toMatchObject({ code: "video_stalled" });
  server.closeAllConnections();
});

test("addresses and cameras that could mean something else are refused", () => {
  for (const url of ["file:///etc/passwd", "concat:a|b", "-i", "pipe:0", "subfile:x"])
    expect(() => liveInput({ kind: "address", url }, {})).toThrow(/address/);
  for (const device of ["/etc/passwd", "/dev/../etc/passwd", "-i"])
    expect(() => liveInput({ kind: "camera", device }, {}, "linux")).toThrow(/no camera/);
  expect(liveInput({ kind: "camera", device: "1" }, { frameRate: 30 }, "linux").args).toEqual([
    "-f",
    "v4l2",
    "-framerate",
    "30",
    "-i",
    "/dev/video1",
  ]);
  expect(() => liveInput({ kind: "camera" }, {}, "win32")).toThrow(/which camera/);
  expect(liveInput({ kind: "camera", device: "Integrated Camera" }, {}, "win32").args).toContain(
    "video=Integrated Camera",
  );
});
