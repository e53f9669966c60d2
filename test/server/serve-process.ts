// saccade serve as a process of its own: for what a process alone shows, such as its memory, signals, and the end.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { programCommand } from "../program-command.ts";

export interface ServeProcess {
  readonly child: ChildProcess;
  /** "http://127.0.0.1:7223/" */
  readonly url: string;
  /** What it wrote to standard error so far. */
  readonly log: () => string;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** Starts one on a port that the system gives, and waits until it is ready. @param command what runs `saccade`; default: this checkout's */
export async function startServe(
  args: readonly string[],
  command: readonly string[] = programCommand(),
): Promise<ServeProcess> {
  const [program = "", ...before] = command;
  const usual = ["--port", "0", "--device", "cpu", "--api-only"];
  const child = spawn(program, [...before, "serve", ...args, ...usual], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk) => {
    log += chunk;
  });
  const ended = new Promise<number | NodeJS.Signals | null>((settle) => {
    child.on("close", (code, signal) => settle(code ?? signal));
  });
  const url = await new Promise<string>((found, fail) => {
    child.stdout.once("data", (line) => found(String(line).trim()));
    void ended.then(() => fail(new Error(`it ended at once: ${log}`)));
  });
  const server: ServeProcess = { child, url, log: () => log, ended };
  while (!(await fetch(new URL("/readyz", url))).ok) await new Promise((wake) => setTimeout(wake, 50));
  return server;
}

/** Resident memory in MiB. */
export function residentMebibytes({ child }: ServeProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) / 1024;
}

/** Seconds of processor time since it started, of all its threads. */
export function processorSeconds({ child }: ServeProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100; // utime and stime, in ticks
}
