// How many threads a session gets in a page. Threads of WebAssembly share memory, which browsers give to isolated pages alone.
import { UsageError } from "../../errors.ts";

/** Beyond this the engine's threads wait for each other more than they compute, and a page has other work too. */
const MOST_BY_DEFAULT = 4;

export const ISOLATION_HINT =
  "the server must send Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp";

/**
 * @param asked default: all cores, at most 4
 * @throws UsageError for what is not a whole number of at least 1
 */
export function sessionThreads(asked: number | undefined, onNotice: (line: string) => void): number {
  const cores = Math.max(1, navigator.hardwareConcurrency ?? 1);
  const threads = asked ?? Math.min(cores, MOST_BY_DEFAULT);
  if (!Number.isInteger(threads) || threads < 1)
    throw new UsageError(`threads must be a whole number of at least 1, got ${threads}`);
  if (threads === 1) return 1;
  if (!crossOriginIsolated) {
    onNotice(
      `saccade: one thread instead of ${threads}, because this page is not cross-origin isolated (${ISOLATION_HINT})`,
    );
    return 1;
  }
  if (threads <= cores) return threads;
  onNotice(`saccade: ${threads} threads are more than the ${cores} cores of this machine; taking ${cores}`);
  return cores;
}
