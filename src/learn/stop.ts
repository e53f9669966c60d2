// Long work on the caller's thread gives way: to an AbortSignal, and to whatever else waits on the thread.
import { AbortedError } from "../errors.ts";

/** Milliseconds of work after which others get their turn. */
const STINT = 30;
let served = 0;

/** Now and then lets timers and messages be served, so that a signal can fire at all, then looks at it. Throws AbortedError: `what` was aborted. */
export async function breathe(signal: AbortSignal | undefined, what = "learning"): Promise<void> {
  if (performance.now() - served > STINT) {
    await new Promise<void>((resolve) => void setTimeout(resolve, 0));
    served = performance.now();
  }
  if (signal?.aborted === true) throw new AbortedError(what, signal.reason);
}
