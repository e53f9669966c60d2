// The worker's side of every session: requests are answered once and in order, failures as messages.
import type { MessagePort } from "node:worker_threads";
import { SaccadeError } from "../../errors.ts";
import type { Failure } from "./protocol.ts";

/**
 * Serves `port` until it is told to dispose.
 *
 * @param handle answers a request; what it throws is answered as a failure
 * @param release frees the engine; failures are ignored
 */
export function serveRequests<M extends { readonly type: string }>(
  port: MessagePort,
  handle: (message: M) => Promise<void> | void,
  release: () => Promise<unknown>,
): void {
  let tail: Promise<void> = Promise.resolve(); // a dispose that arrives during a run waits for it

  const fail = (failure: Failure) => port.postMessage({ type: "failed", failure });

  const serve = async (message: M) => {
    if (message.type === "dispose") {
      await release().catch(() => undefined);
      process.exit(0); // ends this thread only, and the threads that WebAssembly started in it
    }
    try {
      await handle(message);
    } catch (error) {
      fail(failureOf(error));
      if (isEngineDead(error)) process.exit(1);
    }
  };

  port.on("messageerror", (error: Error) => {
    fail({ message: `the feeds cannot be handed to the engine: ${error.message}` });
  });
  port.on("message", (message: M) => {
    tail = tail.then(() => serve(message));
  });
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof SaccadeError)) return { message: error instanceof Error ? error.message : String(error) };
  return {
    message: error.message,
    data: { ...error.data },
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}

/** WebAssembly that ran out of memory or hit a trap cannot be used again. */
function isEngineDead(error: unknown): boolean {
  const root = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return root instanceof Error && (root.name === "RuntimeError" || root.message.startsWith("Aborted("));
}
