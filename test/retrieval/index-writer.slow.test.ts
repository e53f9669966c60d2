// Real processes that write an index and are killed at random moments: the index is always that of a commit, the last one that was told or the one
// after it, and the next writer leaves nothing lying about.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { IndexWriter } from "../../src/retrieval/index-writer.ts";
import { codesName, findManifest } from "../../src/retrieval/manifest.ts";
import { openPart } from "../../src/retrieval/parts.ts";
import { host, pathsOf, SPACE } from "./generations.ts";

const HELPER = resolve(import.meta.dirname, "generations.ts");
const parent = mkdtempSync(join(tmpdir(), "saccade-killed-"));
afterAll(() => rmSync(parent, { recursive: true }));

/** Writes from a commit on until it is killed after a while of work. Returns the last commit that it told of. */
async function writeAndKill(folder: string, first: number): Promise<number> {
  const child = spawn(process.execPath, ["--import", "tsx", HELPER, folder, String(first)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((settle) => child.on("close", settle));
  let last = first - 1;
  child.stdout.on("data", (told: Buffer) => {
    last = Number(told.toString().trim().split("\n").at(-1));
  });
  while (last < first && child.exitCode === null) await pause(5);
  await pause(Math.random() * 300);
  child.kill("SIGKILL");
  await ended;
  return last;
}

/** The commit that the index is; fails where it is none. */
async function generationOf(folder: string): Promise<number> {
  const manifest = (await findManifest(host.files, folder))!;
  const parts = await Promise.all(manifest.parts.map((part) => openPart(host, folder, manifest, part)));
  const pictures = parts.flatMap((part) => part.pictures);
  const generation = pictures[0]!.size;
  expect(pictures.map(({ path }) => path).toSorted()).toEqual(pathsOf(generation).toSorted());
  for (const part of parts)
    expect(new Set(await part.all()), "vectors of another commit").toEqual(new Set([generation, 1]));
  expect(new Set(pictures.map(({ size }) => size)).size).toBe(1);
  return generation;
}

test("an index is always that of a commit", async () => {
  const folder = join(parent, "index");
  let generation = 1;
  for (let round = 0; round < 12; round++) {
    const told = await writeAndKill(folder, generation + 1);
    const found = await generationOf(folder);
    expect([told, told + 1]).toContain(found);
    generation = found;
  }
  await using writer = await IndexWriter.open(host, folder, { space: SPACE, levels: 1 });
  await writer.commit();
  const manifest = (await findManifest(host.files, folder))!;
  const left = readdirSync(folder).filter((name) => name !== ".lock" && name !== "_manifest.json");
  expect(left.toSorted()).toEqual(manifest.parts.flatMap(({ file }) => [file, codesName(file)]).toSorted());
}, 300_000);
