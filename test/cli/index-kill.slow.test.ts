// `saccade index` as a process that is killed: the index that was there stays, and what was embedded is not embedded again.
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { encodePng } from "../../src/platform/node/decode.ts";
import { nodeHost } from "../../src/platform/node/host.ts";
import { RandomSource } from "../../src/random.ts";
import { cli } from "./fake-terminal.ts";
import { BOATS, PASTORAL, temporaryFolder, writeMini } from "./mini-model.ts";

const MAIN = resolve(import.meta.dirname, "../../src/cli/main.ts");
const folder = temporaryFolder();
const model = writeMini(folder, "sparseformer_v1_mini_64x64");
const out = join(folder, "index");

/** `saccade index` until it is killed or done. */
async function indexAndKill(pictures: string, milliseconds: number): Promise<void> {
  const args = ["--import", "tsx", MAIN, "index", pictures, "--out", out, "-m", model, "--add", "--threads", "1"];
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  const ended = new Promise((settle) => child.on("close", settle));
  await Promise.race([pause(milliseconds), ended]);
  child.kill("SIGKILL");
  await ended;
}

const found = async () => JSON.parse((await cli(["search", out, BOATS, "--json", "-k", "1000"])).stdout).matches;

test("killed while pictures are added: the old index answers; the next run ends as one that nobody disturbed", async () => {
  const few = join(folder, "few");
  mkdirSync(few);
  copyFileSync(PASTORAL, join(few, "pastoral.jpg"));
  copyFileSync(BOATS, join(few, "boats.jpg"));
  expect((await cli(["index", few, "--out", out, "-m", model])).exitCode).toBe(0);
  const before = await found();
  const many = join(folder, "many");
  mkdirSync(many);
  for (let i = 0; i < 300; i++) {
    const random = new RandomSource(i, "noise");
    const data = Uint8Array.from({ length: 96 * 96 * 3 }, () => random.integer(256));
    await nodeHost.files.writeAtomic(join(many, `${i}.png`), await encodePng({ width: 96, height: 96, data }));
  }
  for (const milliseconds of [1000, 2000, 3000, 4000]) {
    await indexAndKill(many, milliseconds);
    const now = await found();
    // A process that was faster than the signal has added all of them.
    expect([before.length, before.length + 300]).toContain(now.length);
    if (now.length === before.length) expect(now).toEqual(before);
  }
  const { stdout, exitCode } = await cli(["index", many, "--out", out, "--add", "--json"]);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).pictures).toBe(302);
  const after = await found();
  const whole = join(folder, "undisturbed");
  expect((await cli(["index", few, many, "--out", whole, "-m", model])).exitCode).toBe(0);
  const expected = JSON.parse((await cli(["search", whole, BOATS, "--json", "-k", "1000"])).stdout).matches;
  expect(after.map(({ path }: { path: string }) => path)).toEqual(expected.map(({ path }: { path: string }) => path));
  expect(readdirSync(out).filter((name) => name.startsWith("."))).toEqual([]);
  expect(existsSync(join(out, "_manifest.json")) && readFileSync(join(out, "_manifest.json"), "utf8")).toContain(
    "part-",
  );
}, 300_000);

test("interrupted: what was embedded is in the next run's parts and not embedded again", async () => {
  const index = join(folder, "interrupted");
  const many = join(folder, "many");
  const stop = new AbortController();
  const args = ["index", many, "--out", index, "-m", model];
  let done = 0;
  const run = cli(args, {
    signal: stop.signal,
    onStatus: (line) => {
      done = Number.parseInt(line, 10) || done;
      if (done > 60) stop.abort();
    },
  });
  const { exitCode } = await run;
  // A machine that is done within the first second shows no progress.
  if (exitCode === 0) return;
  expect(exitCode).toBe(130);
  expect(existsSync(join(index, "_manifest.json"))).toBe(false);
  const { known, embedded } = JSON.parse((await cli([...args, "--json"])).stdout);
  expect(known + embedded).toBe(300);
  expect(known).toBeGreaterThan(30);
}, 300_000);
