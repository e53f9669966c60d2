// How many threads a session gets in a page. Threads of WebAssembly share memory, which browsers give to isolated pages alone.
import { UsageError } from "../../errors.ts";

/** Beyond this the engine's threads wait for each other more than they compute, and a page has other work too. */
const MOST_BY_DEFAULT = 4;

export interface Threads {
  readonly threads: number;
  /** Why they are fewer than were asked for, or than there could be. */
  readonly because: string | undefined;
}

/**
 * @param asked default: all cores, at most 4
 * @throws UsageError for what is not a whole number of at least 1
 */
export function sessionThreads(asked: number | undefined): Threads {
  const cores = Math.max(1, navigator.hardwareConcurrency ?? 1);
  const threads = asked ?? Math.min(cores, MOST_BY_DEFAULT);
  if (!Number.isInteger(threads) || threads < 1)
    throw new UsageError(`threads must be a whole number of at least 1, got ${threads}`);
  if (threads > 1 && !crossOriginIsolated)
    return {
      threads: 1,
      because:
        "this page is not cross-origin isolated (its server must send Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)",
    };
  if (threads > cores) return { threads: cores, because: `this machine has no more cores` };
  return { threads, because: undefined };
}

/** "one thread", "2 threads" */
export const countThreads = (threads: number): string => (threads === 1 ? "one thread" : `${threads} threads`);
