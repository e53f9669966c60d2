// Bodies of requests, read within bounds: each of them, and all of them together. Whoever sends slowly does not keep others out.
import { joinBytes } from "../../byte-sources.ts";
import { SaccadeError } from "../../errors.ts";
import { OverloadError, RequestError } from "../failures.ts";
import type { Clock } from "../queue/batch-queue.ts";

/** A body that is being read, or waits in memory for its answer. */
interface Held {
  bytes: number;
  /** When its last bytes came; undefined: all of them are here. */
  cameAt: number | undefined;
  /** Ends the reading. */
  cutOff(): void;
}

/** A body that has sent nothing for so long is cut off where others need its room. */
const STALLED_MS = 1000;

/** What all bodies may take together. */
export class BodyMemory {
  readonly #all = new Set<Held>();
  #held = 0;

  constructor(
    readonly limit: number,
    readonly clock: Clock,
  ) {}

  get held(): number {
    return this.#held;
  }

  open(cutOff: () => void): Held {
    const held: Held = { bytes: 0, cameAt: this.clock.now(), cutOff };
    this.#all.add(held);
    return held;
  }

  /** Throws OverloadError when there is no room, and none to be had from those that have stalled. */
  take(held: Held, bytes: number): void {
    const now = this.clock.now();
    if (this.#held + bytes > this.limit) this.#cutOffStalled(now - STALLED_MS, this.#held + bytes - this.limit);
    if (this.#held + bytes > this.limit) throw new OverloadError(this.limit, "bytes of requests are in memory");
    held.cameAt = now;
    held.bytes += bytes;
    this.#held += bytes;
  }

  /** Once more does nothing. */
  give(held: Held): void {
    if (this.#all.delete(held)) this.#held -= held.bytes;
  }

  #cutOffStalled(since: number, wanted: number): void {
    const least = this.#held - wanted;
    for (const held of this.#all) {
      if (this.#held <= least) return;
      if (held.cameAt === undefined || held.cameAt > since || held.bytes === 0) continue;
      this.give(held);
      held.cutOff();
    }
  }
}

export interface BodyLimits {
  readonly maxBodyBytes: number;
  readonly maxPictures: number;
  readonly memory: BodyMemory;
}

/** A body in memory until it is disposed. */
export interface Body extends Disposable {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * A request's body, or that of an answer to a request of ours.
 *
 * @throws RequestError 413 when it is larger than it may be, whatever it said before, 408 when it ended early or was cut off; OverloadError
 */
export async function readBody(
  request: Pick<Request, "headers" | "body">,
  { maxBodyBytes, memory }: BodyLimits,
): Promise<Body> {
  const said = Number(request.headers.get("content-length") ?? 0);
  if (said > maxBodyBytes) throw tooLarge(maxBodyBytes);
  const chunks: Uint8Array[] = [];
  const reader = request.body?.getReader();
  let isCutOff = false;
  const held = memory.open(() => {
    isCutOff = true;
    reader?.cancel().catch(() => undefined);
  });
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (isCutOff)
        throw new RequestError(408, "slow", "the request's body stopped coming, and others needed its room");
      if (done || value === undefined) break;
      if (held.bytes + value.length > maxBodyBytes) {
        await reader?.cancel();
        throw tooLarge(maxBodyBytes);
      }
      memory.take(held, value.length);
      chunks.push(value);
    }
  } catch (error) {
    memory.give(held);
    // What is none of this server's own refusals comes from the connection, which names its end in one way or another.
    throw error instanceof SaccadeError ? error : new RequestError(408, "aborted", "the request's body ended early");
  }
  held.cameAt = undefined;
  return { bytes: joinBytes(chunks), [Symbol.dispose]: () => memory.give(held) };
}

function tooLarge(maxBodyBytes: number): RequestError {
  return new RequestError(
    413,
    "limit",
    `a request may have ${maxBodyBytes} bytes`,
    "send fewer pictures, or smaller ones",
  );
}
