// The worker's side of every session: requests are answered once and in order, failures as messages.
import { SaccadeError } from "../../errors.ts";
import type { LoadedEngine } from "./loaded-engine.ts";
import type { EngineRequest, Failure } from "./protocol.ts";

/** How a worker talks with the thread that owns it. */
export interface ServerPort {
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  /** @param onUnreadable called with the reason when a message cannot be read */
  listen(onMessage: (message: unknown) => void, onUnreadable: (reason: string) => void): void;
  /** Ends this worker. A code other than 0 says that it cannot go on. */
  exit(code: number): void;
}

/** Opens a model in this worker. */
export type OpenEngine<Surroundings> = (
  model: Uint8Array,
  request: EngineRequest<Surroundings> & { readonly onNotice: (line: string) => void },
) => Promise<LoadedEngine>;

/** What one kind of session answers to, by the type of the request. */
export interface Service<M extends { readonly type: string }> {
  readonly handlers: { readonly [T in M["type"]]: (message: Extract<M, { type: T }>) => Promise<void> | void };
  /** Frees the engine; failures are ignored. */
  release(): Promise<unknown>;
}

/** Serves `port` until it is told to dispose. What a handler throws is answered as a failure. */
export function serveRequests<M extends { readonly type: string }>(port: ServerPort, service: Service<M>): void {
  let tail: Promise<void> = Promise.resolve(); // a dispose that arrives during a run waits for it

  const fail = (failure: Failure) => port.post({ type: "failed", failure });

  const serve = async (message: M | { readonly type: "dispose" }) => {
    if (message.type === "dispose") {
      await service.release().catch(() => undefined);
      port.exit(0); // ends this thread only, and the threads that WebAssembly started in it
      return;
    }
    try {
      // One handler of the table is for one type of message, which the union over all of them cannot say.
      const handle = service.handlers[message.type as M["type"]] as (message: unknown) => Promise<void> | void;
      await handle(message);
    } catch (error) {
      fail(failureOf(error));
      if (isEngineDead(error)) port.exit(1);
    }
  };

  port.listen(
    (message) => {
      tail = tail.then(() => serve(message as M));
    },
    (reason) => fail({ message: `the feeds cannot be handed to the engine: ${reason}` }),
  );
}

/** A failure as it goes to the owner. */
export function failureOf(error: unknown): Failure {
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
