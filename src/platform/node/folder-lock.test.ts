import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { nodeFiles } from "./files.ts";

const root = mkdtempSync(join(tmpdir(), "saccade-lock-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const newFolder = () => mkdtempSync(join(root, "run-"));

const HOUR_AGO = new Date(Date.now() - 3_600_000);
const held = (folder: string, holder: object, touched = new Date()) => {
  writeFileSync(join(folder, ".lock"), JSON.stringify({ since: "today", token: "another", ...holder }));
  utimesSync(join(folder, ".lock"), touched, touched);
};

test("a folder is one holder's at a time", async () => {
  const folder = newFolder();
  {
    await using _first = await nodeFiles.lock(folder);
    const failure = await nodeFiles.lock(folder).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "in_use",
      message: expect.stringContaining(`${folder} is in use: process ${process.pid} on ${hostname()}`),
      hint: expect.stringContaining(join(folder, ".lock")),
    });
    expect(readdirSync(folder)).toEqual([".lock"]);
  }
  expect(readdirSync(folder)).toEqual([]);
  await using _second = await nodeFiles.lock(folder);
  await expect(nodeFiles.lock(join(folder, "none"))).rejects.toThrow("folder not found");
});

test("who lives keeps it, here and on another machine", async () => {
  const folder = newFolder();
  for (const holder of [{ pid: process.ppid, host: hostname() }, { pid: 1, host: "elsewhere" }, {}]) {
    held(folder, holder);
    await expect(nodeFiles.lock(folder)).rejects.toMatchObject({ code: "in_use" });
  }
});

test("what the dead left is free: another process, this one's number before, a machine long silent, a torn file", async () => {
  const dead = spawnSync(process.execPath, ["-e", "0"]).pid;
  const cases: [object, Date?][] = [
    [{ pid: dead, host: hostname() }],
    [{ pid: process.pid, host: hostname() }],
    [{ pid: process.ppid, host: hostname() }, HOUR_AGO],
    [{ pid: 1, host: "elsewhere" }, HOUR_AGO],
  ];
  for (const [holder, touched] of cases) {
    const folder = newFolder();
    held(folder, holder, touched);
    await (await nodeFiles.lock(folder))[Symbol.asyncDispose]();
    expect(existsSync(join(folder, ".lock"))).toBe(false);
  }
  const folder = newFolder();
  writeFileSync(join(folder, ".lock"), '{"pid": 1');
  await expect(nodeFiles.lock(folder)).rejects.toThrow("in use: another process");
  utimesSync(join(folder, ".lock"), HOUR_AGO, HOUR_AGO);
  await using _lock = await nodeFiles.lock(folder);
});

test("of many who find what the dead left, one gets it", async () => {
  const folder = newFolder();
  held(folder, { pid: 1, host: "elsewhere" }, HOUR_AGO);
  const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => nodeFiles.lock(folder)));
  expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("what was taken over is not given back", async () => {
  const folder = newFolder();
  const first = await nodeFiles.lock(folder);
  held(folder, { pid: 1, host: "elsewhere" });
  await first[Symbol.asyncDispose]();
  expect(existsSync(join(folder, ".lock"))).toBe(true);
});
