// How a machine's threads are shared out among the sessions of one model. One session of all threads answers one picture soonest. Several of
// one thread each do more in total, because threads never wait for each other in the middle of a run; each has its own copy of the weights.
import { SessionError } from "../errors.ts";
import { SessionPool } from "./pool.ts";
import type { Session } from "./session.ts";

export interface SessionLayout {
  readonly sessions: number;
  /** Inside each. */
  readonly threads: number;
}

/** "2 x 1": sessions times threads. */
export function describeLayout({ sessions, threads }: SessionLayout): string {
  return `${sessions} x ${threads}`;
}

export interface LayoutLimits {
  /** Of all sessions together. */
  readonly threads: number;
  /** Memory that one session takes, by an estimate. */
  readonly sessionBytes: number;
  /** Memory that all sessions may take. */
  readonly memoryBytes: number;
}

/** The ways to share out threads that use all of them, most sessions first, as memory allows; one session is always among them. */
export function sessionLayouts({ threads, sessionBytes, memoryBytes }: LayoutLimits): SessionLayout[] {
  const most = Math.max(1, Math.floor(memoryBytes / sessionBytes));
  const layouts: SessionLayout[] = [];
  for (let sessions = Math.max(1, threads); sessions >= 1; sessions--)
    if (sessions <= most && threads % sessions === 0) layouts.push({ sessions, threads: threads / sessions });
  return layouts;
}

/** Sessions of a layout behind the interface of one. */
export interface OpenLayout {
  readonly session: Session;
  /** Runs that can be under way at once. */
  readonly sessions: number;
}

/**
 * Opens the sessions of a layout. A device that shares out its own work (a GPU) gets one.
 *
 * @param create makes a session with so many threads; not kept, because it may hold the model's bytes
 */
export async function openLayout(
  { sessions, threads }: SessionLayout,
  create: (threads: number) => Promise<Session>,
): Promise<OpenLayout> {
  const first = await create(threads);
  const isProcessor = first.device === "cpu" || first.device === "wasm";
  if (sessions === 1 || !isProcessor) return { session: first, sessions: 1 };
  let unused: Session | undefined = first;
  let make: (() => Promise<Session>) | undefined = () => create(threads);
  const factory = async (): Promise<Session> => {
    const session = unused ?? (await make?.());
    unused = undefined;
    if (session !== undefined) return session;
    throw new SessionError("the engine of a session died, and its model is no longer in memory", {
      hint: "load the model again",
    });
  };
  try {
    return { session: await SessionPool.create(sessions, factory), sessions };
  } finally {
    make = undefined;
  }
}
