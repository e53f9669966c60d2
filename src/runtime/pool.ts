// Several sessions over one model behind the interface of one. Two sessions of one thread do more in total than one of two (7 to 13 % measured
// at batch 8 on two cores), and a long run no longer holds up a short one. Where sessions come from is the caller's factory.
import { SessionError, UsageError } from "../errors.ts";
import type { TensorData } from "../tensor.ts";
import type { ActualDevice, RunOptions, Session, ValueInfo } from "./session.ts";

interface Member {
  session: Session;
  pending: number;
  /** Set while a successor for a dead session is being made. */
  replacing: Promise<void> | undefined;
}

const isDead = (member: Member) => member.session.closed === true;

/**
 * The same model in `size` sessions. `run` goes to the session with the fewest pending runs; one whose engine died gets no more,
 * and the next run has it replaced. Memory: each session holds its own copy of the weights.
 *
 * @example
 * const pool = await SessionPool.create(4, () => host.createSession(shareBytes(model), { threads: 1 }));
 */
export class SessionPool implements Session {
  readonly device: ActualDevice;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly #factory: () => Promise<Session>;
  readonly #members: Member[];
  #disposed: Promise<void> | undefined;

  private constructor(factory: () => Promise<Session>, sessions: readonly [Session, ...Session[]]) {
    this.#factory = factory;
    this.#members = sessions.map((session) => ({ session, pending: 0, replacing: undefined }));
    this.device = sessions[0].device;
    this.inputs = sessions[0].inputs;
    this.outputs = sessions[0].outputs;
  }

  /**
   * Makes `size` sessions, all at once. When one cannot be made, the others are disposed and its error is thrown.
   *
   * @throws UsageError when `size` is not a whole number of at least 1, and whatever the factory throws
   */
  static async create(size: number, factory: () => Promise<Session>): Promise<SessionPool> {
    if (!Number.isInteger(size) || size < 1) throw new UsageError(`a pool needs at least one session, got ${size}`);
    const outcomes = await Promise.allSettled(Array.from({ length: size }, factory));
    const made = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    const failure = outcomes.find((outcome) => outcome.status === "rejected");
    const [first, ...others] = made;
    if (failure === undefined && first !== undefined) return new SessionPool(factory, [first, ...others]);
    await Promise.all(made.map((session) => session.dispose()));
    throw failure?.reason;
  }

  get size(): number {
    return this.#members.length;
  }

  /** Runs that wait or execute, over all sessions. */
  get pending(): number {
    return this.#members.reduce((sum, member) => sum + member.pending, 0);
  }

  get closed(): boolean {
    return this.#disposed !== undefined;
  }

  async run(
    feeds: Readonly<Record<string, TensorData>>,
    options: RunOptions = {},
  ): Promise<Record<string, TensorData>> {
    if (this.#disposed !== undefined) throw new SessionError("the session pool has been disposed");
    const member = this.#leastLoaded();
    member.pending += 1; // before the first await, so that calls in the same tick spread
    try {
      for (const other of this.#members)
        if (other !== member && isDead(other)) this.#replace(other).catch(() => undefined); // in the background; the next run tries again
      if (isDead(member)) await this.#replace(member);
      return await member.session.run(feeds, options);
    } finally {
      member.pending -= 1;
    }
  }

  /** Disposes every session; pending runs reject. Idempotent. */
  dispose(): Promise<void> {
    this.#disposed ??= (async () => {
      await Promise.allSettled(this.#members.map((member) => member.replacing));
      await Promise.all(this.#members.map((member) => member.session.dispose()));
    })();
    return this.#disposed;
  }

  #leastLoaded(): Member {
    const alive = this.#members.filter((member) => !isDead(member));
    const candidates = alive.length > 0 ? alive : this.#members;
    return candidates.reduce((best, member) => (member.pending < best.pending ? member : best));
  }

  async #replace(member: Member): Promise<void> {
    member.replacing ??= (async () => {
      try {
        const dead = member.session;
        member.session = await this.#factory();
        await dead.dispose();
      } finally {
        member.replacing = undefined;
      }
    })();
    await member.replacing;
    if (this.#disposed !== undefined) throw new SessionError("the session pool has been disposed");
  }
}

/**
 * One copy of the bytes that worker threads can read without copying them again. Where threads share no memory (a page without
 * cross-origin isolation), the bytes themselves.
 */
export function shareBytes(bytes: Uint8Array): Uint8Array {
  if (typeof SharedArrayBuffer === "undefined" || bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
  shared.set(bytes);
  return shared;
}
