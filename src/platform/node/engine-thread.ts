// A session's worker as a thread of Node. While a request is under way it keeps the process alive; while it is idle it does not, so a script that
// forgets to dispose still ends.
import { SessionError } from "../../errors.ts";
import type { StartThread } from "../engine/engine-client.ts";
import { type EngineSection, guardSection } from "./engine-section.ts";
import { engineStackMegabytes, turnOffTelemetry } from "./engine-surroundings.ts";
import { spawnWorker } from "./workers.ts";

/** @param entry the worker's module */
export function engineThread(entry: URL, section: EngineSection): StartThread {
  return (events) => {
    const unguard = guardSection(section);
    turnOffTelemetry();
    const stackMegabytes = engineStackMegabytes();
    const worker = spawnWorker(entry, {
      name: "saccade session",
      ...(stackMegabytes === undefined ? {} : { stackMegabytes }),
    });
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
