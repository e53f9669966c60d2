// The worker's side of a session in a page.
import type { Failure } from "../engine/protocol.ts";
import type { ServerPort } from "../engine/serve-requests.ts";
import { type FromThread, RELOAD_HINT } from "./engine-thread.ts";

/** What a dedicated worker has of its own. */
export interface WorkerScope {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
  onmessageerror: ((event: MessageEvent) => void) | null;
  onunhandledrejection: ((event: PromiseRejectionEvent) => void) | null;
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
  // Nothing is done before the owner can know of this worker's death.
  const watched = holdLock().then((lock) => {
    if (lock !== undefined) tell({ type: "alive", lock });
  });
  const die = (failure: Failure) => {
    tell({ type: "dying", failure });
    scope.close();
  };
  const dieOf = (reason: string) => die({ message: `the session's worker has died: ${reason}`, hint: RELOAD_HINT });
  // What is thrown in vain goes to the owner by itself; a promise that is rejected in vain does not.
  scope.onunhandledrejection = ({ reason }) => dieOf(reason instanceof Error ? reason.message : String(reason));
  return {
    post: (message, transfer = []) => scope.postMessage(message, [...transfer]),
    listen: (onMessage, onUnreadable) => {
      scope.onmessage = ({ data }) => void watched.then(() => onMessage(data));
      scope.onmessageerror = () => onUnreadable("the message cannot be read in the worker");
    },
    exit: () => dieOf("its engine cannot go on"),
    die,
  };
}

/**
 * Takes a lock for as long as this worker lives.
 *
 * @returns its name; undefined where there are no locks, which is in pages without a secure address: there a worker that is killed goes unnoticed
 */
async function holdLock(): Promise<string | undefined> {
  if (navigator.locks === undefined) return undefined;
  const lock = `saccade-session-${crypto.randomUUID()}`;
  return new Promise((resolve) => {
    const hold = () => {
      resolve(lock);
      return new Promise(() => undefined);
    };
    navigator.locks.request(lock, hold).catch(() => resolve(undefined));
  });
}
