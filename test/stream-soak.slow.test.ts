// saccade classify --stream on a source without an end: memory stays flat, answers keep coming, and Ctrl-C leaves no process behind. How long, in seconds,
// SACCADE_SOAK_SECONDS says.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { programCommand } from "./program-command.ts";

const SECONDS = Number(process.env.SACCADE_SOAK_SECONDS ?? 45);
const hasFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;
const canRun = hasFfmpeg && existsSync("/proc/self/status");
if (!canRun) console.log("skipped: following a stream needs ffmpeg, and /proc to tell what it takes");

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** Resident memory of a process and of all its children, in MiB, and the children's numbers. */
function memoryOf(pid: number): { own: number; all: number; children: number[] } {
  const resident = (of: number) => {
    try {
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${of}/status`, "utf8"))?.[1] ?? 0) / 1024;
    } catch {
      return 0; // it has ended meanwhile
    }
  };
  const children = spawnSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" })
    .stdout.trim()
    .split(/\s+/)
    .filter((text) => text !== "")
    .map(Number)
    .filter((child) => existsSync(`/proc/${child}`));
  const own = resident(pid);
  return { own, all: own + children.reduce((sum, child) => sum + resident(child), 0), children };
}

test.runIf(canRun)(
  `${SECONDS} seconds of stream`,
  async () => {
    const picture = "testsrc2=size=640x480:rate=25";
    const camera = spawn(
      "ffmpeg",
      ["-v", "error", "-re", "-f", "lavfi", "-i", picture, "-c:v", "mpeg2video", "-q:v", "5", "-f", "mpegts", "pipe:1"],
      { stdio: ["ignore", "pipe", "ignore"] },
    );
    const [program, ...before] = programCommand();
    const args = [...before, "classify", "--stream", "-", "--json", "--threads", "1", "--top-k", "1"];
    const saccade = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    started.push(camera, saccade);
    camera.stdout.pipe(saccade.stdin);
    saccade.stdin.on("error", () => {}); // it stops reading when it is told to
    let said = "";
    saccade.stderr.on("data", (bytes) => {
      said += bytes;
    });
    let lines = 0;
    let last: { seconds: number; dropped: number; latency_ms: number } | undefined;
    createInterface(saccade.stdout).on("line", (line) => {
      lines += 1;
      last = JSON.parse(line);
    });
    const ended = new Promise<number | null>((settle) => saccade.once("exit", settle));
    const samples: { at: number; own: number; all: number; lines: number }[] = [];
    const children = new Set<number>();
    while (lines === 0) {
      await new Promise((settle) => setTimeout(settle, 250));
      expect(saccade.exitCode, said).toBeNull();
    }
    const start = performance.now();
    while (performance.now() - start < 1000 * SECONDS) {
      await new Promise((settle) => setTimeout(settle, Math.min(5000, 250 * SECONDS)));
      expect(saccade.exitCode, said).toBeNull();
      const { own, all, children: now } = memoryOf(saccade.pid!);
      for (const child of now) children.add(child);
      samples.push({ at: (performance.now() - start) / 1000, own, all, lines });
    }
    saccade.kill("SIGINT");
    expect(await ended, said).toBe(0);
    // After a third of the time everything is warm.
    const warm = samples.filter(({ at }) => at > SECONDS / 3);
    const half = Math.floor(warm.length / 2);
    const mean = (part: typeof warm) => part.reduce((sum, { all }) => sum + all, 0) / part.length;
    const [early, late] = [mean(warm.slice(0, half)), mean(warm.slice(half))];
    console.log(
      `${lines} answers, ${last?.dropped} dropped; ${samples[0]?.all.toFixed(0)} MiB at first, ${early.toFixed(0)} then ${late.toFixed(0)} MiB, ` +
        `at most ${Math.max(...samples.map(({ all }) => all)).toFixed(0)}; ${said.trim().split("\n").at(-1)}`,
    );
    expect(lines).toBeGreaterThan(SECONDS / 2);
    expect(late - early).toBeLessThan(40);
    expect(children.size).toBeGreaterThan(0); // its decoder
    await new Promise((settle) => setTimeout(settle, 500));
    for (const child of children) {
      const command = existsSync(`/proc/${child}/cmdline`) ? readFileSync(`/proc/${child}/cmdline`, "utf8") : "";
      expect(command.includes("ffmpeg"), `process ${child} is still there`).toBe(false);
    }
    camera.kill();
  },
  1000 * SECONDS + 300_000,
);
