// A session's worker in a page. Browsers do not tell when a worker is gone, so it holds a lock while it lives: who gets the lock after it knows.
import { SessionError } from "../../errors.ts";
import type { EngineThread, StartThread, ThreadEvents } from "../engine/engine-client.ts";
import { toSessionError } from "../engine/engine-client.ts";
import type { Failure } from "../engine/protocol.ts";

/** What a worker says to its thread's owner alone. */
export type FromThread =
  /** It holds this lock as long as it lives. */
  | { readonly type: "alive"; readonly lock: string }
  /** It cannot go on. */
  | { readonly type: "dying"; readonly failure: Failure };

export const RELOAD_HINT = "load the model again; if it happens again, try smaller batches or fewer threads";

/** Starts the worker that `spawn` makes. */
export function engineThread(spawn: () => Worker): StartThread {
  return (events) => new WorkerThread(spawn(), events);
}

class WorkerThread implements EngineThread {
  readonly #worker: Worker;
  readonly #events: ThreadEvents;
  readonly #noWatch = new AbortController();
  #gone = false;

  constructor(worker: Worker, events: ThreadEvents) {
    this.#worker = worker;
    this.#events = events;
    worker.onmessage = ({ data }: MessageEvent<FromThread | { readonly type: "other" }>) => {
      if (data.type === "alive") this.#watch(data.lock);
      else if (data.type === "dying") this.#die(toSessionError(data.failure));
      else events.onMessage(data);
    };
    worker.onmessageerror = () => events.onUnreadable("the message cannot be read in this page");
    worker.onerror = (event) => {
      event.preventDefault();
      this.#die(crash(event));
    };
  }

  post(message: unknown, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, [...transfer]);
  }

  keepAlive(): void {
    // A page does not end because its workers are idle.
  }

  stopsAtOnce(): boolean {
    return true;
  }

  terminate(): undefined {
    this.#die(new SessionError("the session's worker was stopped"));
  }

  #watch(lock: string): void {
    const { signal } = this.#noWatch;
    navigator.locks.request(lock, { signal }, () => this.#die(death("it ended without a word"))).catch(() => undefined); // stopped before
  }

  #die(error: SessionError): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#noWatch.abort();
    this.#worker.terminate();
    this.#events.onExit(error);
  }
}

function death(reason: string): SessionError {
  return new SessionError(`the session's worker has died: ${reason}`, { hint: RELOAD_HINT });
}

function crash({ message }: ErrorEvent): SessionError {
  if (message) return death(message);
  // Without a message it is the script itself that could not be had.
  return new SessionError(
    "the session's worker could not be started: its script was not found, or this page may not load it",
    {
      hint: "serve the files that the bundler made for it from the page's own address, and let the page's policy allow worker-src 'self'",
    },
  );
}
