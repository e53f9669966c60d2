// The worker's side of a session in a page.
import type { Failure } from "../engine/protocol.ts";
import type { ServerPort } from "../engine/serve-requests.ts";
import { type FromThread, RELOAD_HINT } from "./engine-thread.ts";

/** What a dedicated worker has of its own. */
export interface WorkerScope {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
  onmessageerror: ((event: MessageEvent) => void) | null;
  close(): void;
}

/** A worker that can tell its owner that it ends. */
export interface WorkerPort extends ServerPort {
  /** Ends this worker with a reason. */
  die(failure: Failure): void;
}

/** The port of the worker that this code runs in. From now on its owner learns when it is gone. */
export function workerPort(scope: WorkerScope): WorkerPort {
  const tell = (message: FromThread) => scope.postMessage(message, []);
  holdLock((lock) => tell({ type: "alive", lock }));
  const die = (failure: Failure) => {
    tell({ type: "dying", failure });
    scope.close();
  };
  return {
    post: (message, transfer = []) => scope.postMessage(message, [...transfer]),
    listen: (onMessage, onUnreadable) => {
      scope.onmessage = (event) => onMessage(event.data);
      scope.onmessageerror = () => onUnreadable("the message cannot be read in the worker");
    },
    exit: () => die({ message: "the session's worker has died: its engine cannot go on", hint: RELOAD_HINT }),
    die,
  };
}

/** Only pages with a secure address have locks; elsewhere a worker that is killed goes unnoticed. */
function holdLock(held: (lock: string) => void): void {
  if (navigator.locks === undefined) return;
  const lock = `saccade-session-${crypto.randomUUID()}`;
  void navigator.locks.request(lock, () => {
    held(lock);
    return new Promise(() => undefined);
  });
}
