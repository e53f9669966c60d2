// Workers that are killed at random while they compute, over and over, and what comes of it: the harness of jobs.slow.test.ts and of bench/jobs-crashes.ts.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { readPlan } from "../../src/jobs/plan.ts";
import { readHeartbeats } from "../../src/jobs/progress.ts";
import { nodeJobsHost } from "../../src/platform/node/jobs-host.ts";
import { RandomSource } from "../../src/random.ts";
import { mergePlan, verifyPlan } from "../../src/workflows/jobs/after-work.ts";
import { readManifest } from "../../src/workflows/jobs/plan-jobs.ts";
import { commandOf, programCommand } from "../program-command.ts";

export function runCommand(args: readonly string[]): string {
  const [program, ...before] = programCommand();
  return execFileSync(program, [...before, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
}

export interface WorkerProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  /** What it said on its error output. */
  complaints(): string;
}

/**
 * A worker of this checkout's sources, or of the build that `SACCADE_BUILT_WORKERS` names. Tests want sources, which take seconds to start: so there is time to meet a worker at its work before
 * others have done everything.
 */
export function startWorker(plan: string, options: readonly string[], wrapper: readonly string[] = []): WorkerProcess {
  const work = [
    ...commandOf(process.env.SACCADE_BUILT_WORKERS),
    "work",
    plan,
    "--threads",
    "1",
    "--sessions",
    "1",
    ...options,
  ];
  const [program = "", ...args] = [...wrapper, ...work];
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  const ended = new Promise<number | null>((settle) => child.once("exit", (code) => settle(code)));
  return { child, ended, complaints: () => said };
}

/** Process numbers of workers that are computing, as their signs of life say. */
export async function computing(plan: string): Promise<number[]> {
  const beats = await readHeartbeats(nodeJobsHost.planFilesOf(plan), plan);
  return beats.flatMap(({ pid, state }) => (state === "working" && isAlive(pid) ? [pid] : []));
}

/** The process in which a worker's shards are computed. */
export function childOf(pid: number): number | undefined {
  const path = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(path)) return undefined;
  const [first] = readFileSync(path, "utf8").trim().split(/\s+/).map(Number);
  return first === undefined || Number.isNaN(first) || first === 0 ? undefined : first;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export function kill(pid: number): boolean {
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}

export interface CrashOptions {
  readonly plan: string;
  readonly workers: number;
  readonly kills: number;
  /** Of `saccade work`. */
  readonly options: readonly string[];
  readonly seed: number;
  /** Longer than that it is taken for hanging. */
  readonly timeoutMs: number;
}

export interface CrashResult {
  readonly kills: number;
  /** Of these, of the process that computes alone. */
  readonly childKills: number;
  readonly started: number;
  readonly seconds: number;
}

/** Runs workers, kills one that computes now and then and starts another in its place, until all is done. */
export async function workUnderFire({
  plan,
  workers,
  kills,
  options,
  seed,
  timeoutMs,
}: CrashOptions): Promise<CrashResult> {
  const random = new RandomSource(seed, "jobs/kills");
  const started = performance.now();
  const running = new Map<number, WorkerProcess>();
  let starts = 0;
  let killed = 0;
  let childKills = 0;
  const failures: string[] = [];
  const start = () => {
    const worker = startWorker(plan, options);
    const { pid } = worker.child;
    starts++;
    running.set(pid!, worker);
    void worker.ended.then((code) => {
      running.delete(pid!);
      if (code !== 0 && code !== null) failures.push(`a worker ended with ${code}: ${worker.complaints()}`);
    });
  };
  try {
    for (let i = 0; i < workers; i++) start();
    while (running.size > 0) {
      await pause(100 + random.integer(400));
      if (failures.length > 0) throw new Error(failures[0]);
      if (performance.now() - started > timeoutMs) throw new Error(`not done after ${timeoutMs / 1000} s`);
      if (killed >= kills) continue;
      const victims = (await computing(plan)).filter((pid) => running.has(pid));
      const victim = victims[random.integer(Math.max(1, victims.length))];
      if (victim === undefined) continue;
      // One in five is the death of the computing process alone, which its worker lives to see.
      const child = killed % 5 === 4 ? childOf(victim) : undefined;
      if (!kill(child ?? victim)) continue;
      killed++;
      if (child !== undefined) childKills++;
      else start();
    }
  } finally {
    for (const pid of running.keys()) kill(pid);
  }
  return { kills: killed, childKills, started: starts, seconds: (performance.now() - started) / 1000 };
}

export interface Outcome {
  readonly rows: number;
  readonly missing: number;
  readonly doubled: number;
  readonly faults: number;
  readonly sha256: string;
}

/** What is there after all. */
export async function outcomeOf(plan: string, output: string): Promise<Outcome> {
  const opened = await readPlan(nodeJobsHost, plan);
  const found = await verifyPlan(nodeJobsHost, plan);
  const { sha256, rows } = await mergePlan(nodeJobsHost, plan, output, { isPartial: true });
  const manifest = await readManifest(nodeJobsHost, plan);
  await mergePlan(nodeJobsHost, plan, `${output}.jsonl`, { isPartial: true });
  const seen = new Set<number>();
  let doubled = 0;
  for (const line of readFileSync(`${output}.jsonl`, "utf8").split("\n")) {
    if (line === "") continue;
    const { row } = JSON.parse(line) as { row: number };
    if (seen.has(row)) doubled++;
    seen.add(row);
  }
  return {
    rows,
    missing: opened.plan.rows - seen.size + (manifest.rows - opened.plan.rows),
    doubled,
    faults: found.faults.length,
    sha256,
  };
}

/** A list that names the same pictures again and again: as much work as is wanted, without as many files. */
export function writeList(path: string, pictures: readonly string[], rows: number): string {
  mkdirSync(resolve(path, ".."), { recursive: true });
  writeFileSync(path, Array.from({ length: rows }, (_, i) => pictures[i % pictures.length]!).join("\n"));
  return path;
}

/** The same plan once more, as if nobody had worked on it. */
export function freshCopy(plan: string, copy: string): string {
  mkdirSync(copy, { recursive: true });
  for (const name of ["plan.json", "manifest.parquet"]) cpSync(join(plan, name), join(copy, name));
  for (const name of ["parts", "attempts", "failed", "retries", "workers", "leases"]) mkdirSync(join(copy, name));
  return copy;
}
