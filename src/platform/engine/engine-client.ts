// The owner's side of a session's worker: one request at a time, notices in between, and a clear error when the worker dies.
import { SessionError } from "../../errors.ts";
import type { ActualDevice } from "../../runtime/session.ts";
import type { Failure, FromWorker, ToWorker } from "./protocol.ts";

/** A worker as its owner sees it. */
export interface EngineThread {
  /** Throws what the platform throws for values that cannot be handed over. */
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  /** Whether an answer is waited for: only then may the worker keep a process alive. */
  keepAlive(waiting: boolean): void;
  /**
   * Whether it may be stopped in the middle of what it does.
   *
   * @param device what the model runs on; undefined: nothing runs yet
   */
  stopsAtOnce(device: ActualDevice | undefined): boolean;
  /** Stops it in the middle of what it does. */
  terminate(): Promise<unknown> | undefined;
}

/** What a worker's owner is told. */
export interface ThreadEvents {
  onMessage(message: unknown): void;
  /** Something came that cannot be read. */
  onUnreadable(reason: unknown): void;
  /** The worker is gone, asked to or not; `error` says why for the case that it was not. */
  onExit(error: SessionError): void;
}

export type StartThread = (events: ThreadEvents) => EngineThread;

/** What every worker may say besides its answers. */
type Aside = Extract<FromWorker, { type: "notice" | "failed" }>;

interface Request<From> {
  readonly resolve: (answer: From) => void;
  readonly reject: (reason: SessionError) => void;
}

/** `To` and `From` are the messages that its kind of session knows. */
export class EngineClient<To extends { type: string } = ToWorker, From extends { type: string } = FromWorker> {
  readonly #thread: EngineThread;
  readonly #exited: Promise<void>;
  #request: Request<From | Aside> | undefined;
  #stopping = false;

  /** @param onDeath called once when the worker ends without being asked to */
  constructor(start: StartThread, onNotice: (line: string) => void, onDeath: (error: SessionError) => void) {
    let gone: () => void = () => undefined;
    this.#exited = new Promise((resolve) => {
      gone = resolve;
    });
    this.#thread = start({
      onMessage: (received) => {
        const message = received as From | Aside;
        if (isNotice(message)) onNotice(message.line);
        else this.#settle((request) => request.resolve(message));
      },
      onUnreadable: (reason) => {
        this.#settle((request) => request.reject(cannotHandOver("the outputs cannot be handed back", reason)));
      },
      onExit: (error) => {
        if (!this.#stopping) onDeath(error);
        this.#settle((request) => request.reject(error));
        gone();
      },
    });
  }

  /**
   * Sends one message and waits for its answer. One request at a time.
   *
   * @throws SessionError with the worker's failure, or when the worker dies first
   */
  async ask<T extends Exclude<From["type"], Aside["type"]>>(
    type: T,
    message: To,
    transfer: readonly ArrayBuffer[],
  ): Promise<Extract<From, { type: T }>> {
    const answer = await new Promise<From | Aside>((resolve, reject) => {
      try {
        this.#thread.post(message, transfer);
      } catch (error) {
        reject(cannotHandOver("the feeds cannot be handed to the engine", error));
        return;
      }
      this.#request = { resolve, reject };
      this.#thread.keepAlive(true);
    });
    if (isFailure(answer)) throw toSessionError(answer.failure);
    if (answer.type !== type) throw new SessionError(`the engine answered ${answer.type} instead of ${type}`);
    return answer as Extract<From, { type: T }>;
  }

  /** Sends a message that has no answer. It is handled after what was sent before. */
  tell(message: To): void {
    if (!this.#stopping) this.#thread.post(message);
  }

  /**
   * Ends the worker and waits until it is gone. Where the platform can, it is stopped in the middle of a run; else the run under way ends first.
   * Idempotent.
   *
   * @param device what the model runs on, where it is loaded
   */
  async stop(device?: ActualDevice): Promise<void> {
    if (!this.#stopping) {
      this.#stopping = true;
      this.#thread.keepAlive(true);
      if (this.#thread.stopsAtOnce(device)) await this.#thread.terminate();
      else this.#thread.post({ type: "dispose" });
    }
    await this.#exited;
  }

  #settle(settle: (request: Request<From | Aside>) => void): void {
    const request = this.#request;
    this.#request = undefined;
    if (!this.#stopping) this.#thread.keepAlive(false);
    if (request !== undefined) settle(request);
  }
}

const isNotice = (message: { type: string }): message is Extract<Aside, { type: "notice" }> =>
  message.type === "notice";
const isFailure = (message: { type: string }): message is Extract<Aside, { type: "failed" }> =>
  message.type === "failed";

/** A failure that a worker told of. */
export function toSessionError({ message, hint, data }: Failure): SessionError {
  return new SessionError(message, {
    ...(hint === undefined ? {} : { hint }),
    ...(data === undefined ? {} : { data }),
  });
}

function cannotHandOver(problem: string, error: unknown): SessionError {
  return new SessionError(`${problem}: ${error instanceof Error ? error.message : error}`, { cause: error });
}
