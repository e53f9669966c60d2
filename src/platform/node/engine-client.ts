// The owner's side of a session's worker thread: one request at a time, notices in between, and a clear error when the thread dies. While a
// request is under way the worker keeps the process alive; while it is idle it does not, so a script that forgets to dispose still ends.
import type { TransferListItem, Worker } from "node:worker_threads";
import { SessionError } from "../../errors.ts";
import { type EngineSection, engineSection, guardSection } from "./engine-section.ts";
import { engineStackMegabytes, turnOffTelemetry } from "./engine-surroundings.ts";
import type { Failure, FromWorker, ToWorker } from "./protocol.ts";
import { spawnWorker } from "./workers.ts";

/** What every worker may say besides its answers. */
type Aside = Extract<FromWorker, { type: "notice" | "failed" }>;

interface Request<From> {
  readonly resolve: (answer: From) => void;
  readonly reject: (reason: SessionError) => void;
}

/** `To` and `From` are the messages that its kind of session knows. */
export class EngineClient<To extends { type: string } = ToWorker, From extends { type: string } = FromWorker> {
  readonly section: EngineSection = engineSection();
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #unguard: () => void;
  #request: Request<From | Aside> | undefined;
  #crash: Error | undefined;
  #stopping = false;

  /** @param onDeath called once when the thread ends without being asked to */
  constructor(entry: URL, onNotice: (line: string) => void, onDeath: (error: SessionError) => void) {
    this.#unguard = guardSection(this.section);
    turnOffTelemetry();
    const stackMegabytes = engineStackMegabytes();
    this.#worker = spawnWorker(entry, {
      name: "saccade session",
      ...(stackMegabytes === undefined ? {} : { stackMegabytes }),
    });
    this.#worker.on("message", (message: From | Aside) => {
      if (isNotice(message)) onNotice(message.line);
      else this.#settle((request) => request.resolve(message));
    });
    this.#worker.on("messageerror", (error: Error) => {
      this.#settle((request) => request.reject(cannotHandOver("the outputs cannot be handed back", error)));
    });
    this.#worker.on("error", (error: Error) => {
      this.#crash = error;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", (code) => {
        this.#unguard();
        const error = this.#deathCause(code);
        if (!this.#stopping) onDeath(error);
        this.#settle((request) => request.reject(error));
        resolve();
      });
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
    transfer: readonly TransferListItem[],
  ): Promise<Extract<From, { type: T }>> {
    const answer = await new Promise<From | Aside>((resolve, reject) => {
      try {
        this.#worker.postMessage(message, transfer);
      } catch (error) {
        reject(cannotHandOver("the feeds cannot be handed to the engine", error));
        return;
      }
      this.#request = { resolve, reject };
      this.#worker.ref();
    });
    if (isFailure(answer)) throw toSessionError(answer.failure);
    if (answer.type !== type) throw new SessionError(`the engine answered ${answer.type} instead of ${type}`);
    return answer as Extract<From, { type: T }>;
  }

  /** Sends a message that has no answer. It is handled after what was sent before. */
  tell(message: To): void {
    if (!this.#stopping) this.#worker.postMessage(message);
  }

  /**
   * Ends the thread and waits until it is gone. `atOnce` stops it in the middle of a run, which only WebAssembly survives: a thread in native
   * code would take the process with it. Otherwise the run under way ends first. Idempotent.
   */
  async stop(atOnce: boolean): Promise<void> {
    if (!this.#stopping) {
      this.#stopping = true;
      this.#worker.ref();
      if (atOnce) await this.#worker.terminate();
      else this.#worker.postMessage({ type: "dispose" });
    }
    await this.#exited;
  }

  #settle(settle: (request: Request<From | Aside>) => void): void {
    const request = this.#request;
    this.#request = undefined;
    if (!this.#stopping) this.#worker.unref();
    if (request !== undefined) settle(request);
  }

  #deathCause(code: number): SessionError {
    const crash = this.#crash;
    const outOfMemory = crash !== undefined && "code" in crash && crash.code === "ERR_WORKER_OUT_OF_MEMORY";
    const reason = outOfMemory ? "it ran out of memory" : (crash?.message ?? `exit code ${code}`);
    return new SessionError(`the session's worker thread has died: ${reason}`, {
      hint: "make a new session; if it happens again, try smaller batches or fewer threads",
      data: { exitCode: code },
      cause: crash,
    });
  }
}

const isNotice = (message: { type: string }): message is Extract<Aside, { type: "notice" }> =>
  message.type === "notice";
const isFailure = (message: { type: string }): message is Extract<Aside, { type: "failed" }> =>
  message.type === "failed";

function toSessionError({ message, hint, data }: Failure): SessionError {
  return new SessionError(message, {
    ...(hint === undefined ? {} : { hint }),
    ...(data === undefined ? {} : { data }),
  });
}

function cannotHandOver(problem: string, error: unknown): SessionError {
  return new SessionError(`${problem}: ${error instanceof Error ? error.message : error}`, { cause: error });
}
