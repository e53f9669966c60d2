// A session's worker as a thread of Node. While a request is under way it keeps the process alive; while it is idle it does not, so a script that
// forgets to dispose still ends.
import type { Worker } from "node:worker_threads";
import { SessionError } from "../../errors.ts";
import type { StartThread } from "../engine/engine-client.ts";
import { type EngineSection, guardSection } from "./engine-section.ts";
import { engineStackMegabytes, turnOffTelemetry } from "./engine-surroundings.ts";
import { spawnWorker } from "./workers.ts";

/** Threads that were started before anybody had a model for them, by their module. */
const waiting = new Map<string, Worker>();

/**
 * Starts a thread that the next session of this module takes, so that it begins while a model is read.
 *
 * @returns ends the thread, if no session has taken it by then
 */
export function startAhead(entry: URL): () => void {
  const { href } = entry;
  if (waiting.has(href)) return () => undefined;
  turnOffTelemetry();
  const worker = startThread(entry);
  worker.unref(); // it keeps no process alive
  const forget = () => {
    if (waiting.get(href) === worker) waiting.delete(href);
  };
  worker.once("error", forget); // who makes a session meets what is wrong
  worker.once("exit", forget);
  waiting.set(href, worker);
  return () => {
    if (waiting.get(href) !== worker) return;
    forget();
    void worker.terminate();
  };
}

function takeWaiting({ href }: URL): Worker | undefined {
  const worker = waiting.get(href);
  waiting.delete(href);
  worker?.ref();
  return worker;
}

function startThread(entry: URL): Worker {
  const stackMegabytes = engineStackMegabytes();
  const name = "saccade session";
  return spawnWorker(entry, { name, ...(stackMegabytes === undefined ? {} : { stackMegabytes }) });
}

/** @param entry the worker's module */
export function engineThread(entry: URL, section: EngineSection): StartThread {
  return (events) => {
    const unguard = guardSection(section);
    turnOffTelemetry();
    const worker = takeWaiting(entry) ?? startThread(entry);
    let crash: Error | undefined;
    worker.on("message", events.onMessage);
    worker.on("messageerror", events.onUnreadable);
    worker.on("error", (error: Error) => {
      crash = error;
    });
    worker.once("exit", (code) => {
      unguard();
      events.onExit(deathCause(code, crash));
    });
    return {
      post: (message, transfer = []) => worker.postMessage(message, transfer),
      keepAlive: (waiting) => (waiting ? worker.ref() : worker.unref()),
      // Only WebAssembly survives it: a thread in native code would take the process with it.
      stopsAtOnce: (device) => device === "wasm",
      terminate: () => worker.terminate(),
    };
  };
}

function deathCause(code: number, crash: Error | undefined): SessionError {
  const outOfMemory = crash !== undefined && "code" in crash && crash.code === "ERR_WORKER_OUT_OF_MEMORY";
  const reason = outOfMemory ? "it ran out of memory" : (crash?.message ?? `exit code ${code}`);
  return new SessionError(`the session's worker thread has died: ${reason}`, {
    hint: "make a new session; if it happens again, try smaller batches or fewer threads",
    data: { exitCode: code },
    cause: crash,
  });
}
