// The process in which shards are computed: started when the first is to be, and again when it has ended over one. It does as it is told over its
// channel, and ends by itself when the worker is no more.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { SaccadeError } from "../../errors.ts";
import type { ShardOrder } from "../../jobs/run-shard.ts";
import type { RunEnd, Running, ShardRunner } from "../../jobs/shard-attempts.ts";
import type { ComputeOptions } from "../host.ts";
import { loaderFor, programEntry } from "./program-entry.ts";

export type ShardRequest =
  | { readonly type: "open"; readonly folder: string; readonly options: ComputeOptions }
  | { readonly type: "run"; readonly id: number; readonly order: ShardOrder }
  | { readonly type: "stop"; readonly id: number };

export type ShardReply =
  | { readonly type: "opened"; readonly device: string }
  /** It cannot work at all. */
  | { readonly type: "refused"; readonly code: string; readonly message: string; readonly hint?: string }
  | { readonly type: "notice"; readonly line: string }
  | { readonly type: "progress"; readonly id: number; readonly rows: number }
  | { readonly type: "end"; readonly id: number; readonly end: Exclude<RunEnd, { kind: "died" }> };

export interface ShardProcessOptions extends ComputeOptions {
  /** Of the plan. */
  readonly folder: string;
  readonly onNotice: (line: string) => void;
  /** A process that says nothing for so long is ended: something in a picture keeps it busy for ever. Default 600,000. */
  readonly silenceMs?: number;
}

const DEFAULT_SILENCE_MS = 600_000;
/** After being told to stop. */
const STOPPING_MS = 10_000;
/** Ends before it is ready. */
const MOST_FALSE_STARTS = 3;

/** Throws nothing yet: the process starts with the first order. */
export function shardProcess(options: ShardProcessOptions): ShardRunner {
  return new ShardProcess(options);
}

class ShardProcess implements ShardRunner {
  readonly #options: ShardProcessOptions;
  #opening: Promise<ChildProcess> | undefined;
  #nextId = 0;

  constructor(options: ShardProcessOptions) {
    this.#options = options;
  }

  async ready(): Promise<void> {
    await this.#open();
  }

  run(order: ShardOrder, onProgress: (rows: number) => void): Running {
    const id = ++this.#nextId;
    let stop = () => {
      isStopped = true;
    };
    let isStopped = false;
    const end = this.#open().then((child) =>
      isStopped
        ? ({ kind: "stopped" } as const)
        : this.#obey(child, id, order, onProgress, (stopping) => {
            stop = stopping;
          }),
    );
    return { end, stop: () => stop() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = await this.#opening?.catch(() => undefined);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.disconnect();
    const handle = setTimeout(() => child.kill("SIGKILL"), STOPPING_MS);
    await ended;
    clearTimeout(handle);
  }

  #obey(
    child: ChildProcess,
    id: number,
    order: ShardOrder,
    onProgress: (rows: number) => void,
    onStop: (stop: () => void) => void,
  ): Promise<RunEnd> {
    return new Promise((resolve) => {
      let silence = setTimeout(tooSilent, this.#silenceMs);
      let stopping: NodeJS.Timeout | undefined;
      let reason: string | undefined;
      function tooSilent() {
        reason = "the process said nothing for too long, and was ended";
        child.kill("SIGKILL");
      }
      const finish = (end: RunEnd) => {
        clearTimeout(silence);
        clearTimeout(stopping);
        child.off("message", onMessage);
        child.off("exit", onExit);
        resolve(end);
      };
      const onMessage = (reply: ShardReply) => {
        if (!("id" in reply) || reply.id !== id) return;
        clearTimeout(silence);
        silence = setTimeout(tooSilent, this.#silenceMs);
        if (reply.type === "progress") onProgress(reply.rows);
        else if (reply.type === "end") finish(reply.end);
      };
      const onExit = (code: number | null, signal: string | null) => {
        this.#opening = undefined;
        finish(
          stopping === undefined
            ? { kind: "died", reason: reason ?? `the process ended (${signal ?? `exit code ${code}`})` }
            : { kind: "stopped" },
        );
      };
      child.on("message", onMessage);
      child.on("exit", onExit);
      onStop(() => {
        if (stopping !== undefined) return;
        stopping = setTimeout(() => child.kill("SIGKILL"), STOPPING_MS);
        send(child, { type: "stop", id });
      });
      if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode);
      else send(child, { type: "run", id, order });
    });
  }

  get #silenceMs(): number {
    return this.#options.silenceMs ?? DEFAULT_SILENCE_MS;
  }

  #open(): Promise<ChildProcess> {
    this.#opening ??= this.#start().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #start(): Promise<ChildProcess> {
    let ended = "";
    for (let start = 0; start < MOST_FALSE_STARTS; start++) {
      const child = await this.#startOnce();
      if (typeof child !== "string") return child;
      ended = child;
    }
    throw new SaccadeError("shard_process", `the process that computes ends before it can begin: ${ended}`, {
      hint: "saccade doctor says whether the engine works here",
    });
  }

  /** The process when it is ready, or how it ended. */
  #startOnce(): Promise<ChildProcess | string> {
    const { folder, onNotice, silenceMs: _, ...options } = this.#options;
    const entry = programEntry("shard-main");
    const child = fork(fileURLToPath(entry), {
      execArgv: loaderFor(entry),
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      // A Ctrl-C of the terminal is the worker's to handle.
      detached: true,
    });
    let complaints = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      complaints = (complaints + chunk.toString()).slice(-2000);
    });
    return new Promise((resolve, reject) => {
      // One that could not be started has no exit; of others it shows as one.
      child.on("error", (error) => resolve(error.message));
      const onExit = (code: number | null, signal: string | null) =>
        resolve(complaints.trim().split("\n").at(-1) || (signal ?? `exit code ${code}`));
      child.once("exit", onExit);
      child.on("message", (reply: ShardReply) => {
        if (reply.type === "notice") onNotice(reply.line);
        else if (reply.type === "opened") {
          child.off("exit", onExit);
          resolve(child);
        } else if (reply.type === "refused") {
          const { code, message, hint } = reply;
          child.off("exit", onExit);
          // Nobody will hold it: alive, its channel would keep the worker from ending.
          child.kill("SIGKILL");
          reject(new SaccadeError(code, message, hint === undefined ? {} : { hint }));
        }
      });
      send(child, { type: "open", folder, options });
    });
  }
}

/** A process that has just ended hears nothing; its end is seen elsewhere. */
function send(child: ChildProcess, request: ShardRequest): void {
  child.send(request, () => undefined);
}
