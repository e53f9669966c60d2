// The sessions of a model that is to answer many pictures: how many side by side, with how many threads each.
import { AbortedError, UsageError } from "../../errors.ts";
import type { Host, KeepingHost } from "../../platform/host.ts";
import { withAnyBatch } from "../../runtime/fixed-batch.ts";
import { type GatedFiles, GatedSession } from "../../runtime/gated-session.ts";
import { fastestOf, runRate, type TrialOptions } from "../../runtime/layout-trial.ts";
import { shareBytes } from "../../runtime/pool.ts";
import type { Session, SessionOptions } from "../../runtime/session.ts";
import { type OpenLayout, openLayout, type SessionLayout, sessionLayouts } from "../../runtime/session-layout.ts";

export interface ManySessionsOptions extends SessionOptions {
  /**
   * Sessions side by side: pictures a second against memory, because each has its own copy of the weights. Default 1: the soonest answer to one
   * picture. "auto": what does most in total on this machine, for as many pictures as `expectedPictures` says. Answers differ by rounding at most.
   */
  readonly sessions?: number | "auto";
  /** For `sessions: "auto"`: few pictures are not worth loading a model twice, for very many it is tried what is fastest. Default: many. */
  readonly expectedPictures?: number;
}

/** A batch to try sessions with. */
export interface TrialBatch extends TrialOptions {
  readonly pictures: number;
}

/** Each has threads and weights of its own: more than this is a slip of the keyboard. */
const MOST_SESSIONS = 64;
/** Fewer are answered by one session before a second one is loaded. */
const MANY_PICTURES = 128;
/** Work that is expected to take longer is worth a trial of about three seconds. */
const LONG_MS = 60_000;
/** Of the machine's memory, what sessions may take. */
const MEMORY_SHARE = 0.5;
/** Bytes in memory for a byte of the model: the file while it loads, the weights, and again in the order that products like. */
const COPIES_OF_WEIGHTS = 4;
/** What a session takes beside the weights: its thread, its activations. */
const SESSION_BYTES = 2 ** 27;

/** One file that is made where the host keeps nothing of it. */
export interface KeptModel {
  /** Names what decides the bytes. */
  readonly key: string;
  readonly make: () => Uint8Array;
}

/** A model for an engine: one file, or the stages of one whose gate leaves some out. */
export type ModelFiles = Uint8Array | GatedFiles | KeptModel;

const isKept = (model: ModelFiles): model is KeptModel => "make" in model;

const sizeOf = (model: Uint8Array | GatedFiles): number =>
  model instanceof Uint8Array
    ? model.byteLength
    : [...model.files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);

/** Opens the sessions of a model, which all have the layout that is decided for the first. */
export class EngineSessions {
  readonly #host: Host & Partial<KeepingHost>;
  readonly #options: ManySessionsOptions;
  #layout: SessionLayout | undefined;

  /** @throws UsageError for a number of sessions that is not a whole number, less than 1 or absurdly high */
  constructor(host: Host & Partial<KeepingHost>, options: ManySessionsOptions) {
    const { sessions = 1 } = options;
    if (sessions !== "auto" && !(Number.isInteger(sessions) && sessions >= 1 && sessions <= MOST_SESSIONS))
      throw new UsageError(`sessions must be a whole number from 1 to ${MOST_SESSIONS}, got ${sessions}`);
    this.#host = host;
    this.#options = options;
  }

  /** Known once a model is open. */
  get layout(): SessionLayout | undefined {
    return this.#layout;
  }

  /** @param trial what to try the first model with, where a trial makes sense */
  async open(model: ModelFiles, trial?: TrialBatch): Promise<Session> {
    if (this.#layout !== undefined) return (await this.#openAs(this.#layout, model)).session;
    const asked = this.#askedLayout();
    if (asked !== undefined) return (await this.#openFirst(asked, model)).session;
    const bytes = isKept(model) ? model.make() : model;
    const [likeliest, rival] = this.#candidates(sizeOf(bytes));
    const first = await this.#openFirst(likeliest!, bytes);
    if (trial === undefined || rival === undefined || first.sessions === 1) return first.session;
    try {
      return (await this.#isLong(first, trial)) ? await this.#faster(first, rival, bytes, trial) : first.session;
    } catch (error) {
      await first.session.dispose();
      throw error;
    }
  }

  async #openFirst(layout: SessionLayout, model: ModelFiles): Promise<OpenLayout> {
    const first = await this.#openAs(layout, model);
    this.#layout = { ...layout, sessions: first.sessions };
    return first;
  }

  /** The only layout that what was asked for leaves; undefined where there is a choice. */
  #askedLayout(): SessionLayout | undefined {
    const { sessions: asked = 1, expectedPictures = Number.POSITIVE_INFINITY, threads, onNotice } = this.#options;
    const { cores, machineCores } = this.#host.machine;
    if (asked === "auto")
      return threads !== undefined || expectedPictures < MANY_PICTURES
        ? { sessions: 1, threads: threads ?? cores }
        : undefined;
    const sessions = Math.min(asked, machineCores);
    if (sessions < asked)
      onNotice?.(
        `saccade: ${asked} sessions are more than the ${machineCores} cores of this machine; taking ${sessions}`,
      );
    return { sessions, threads: threads ?? Math.max(1, Math.floor(cores / sessions)) };
  }

  /** Layouts worth trying, the likeliest first. Of those that use all threads, the neighbour of the one with most sessions is its likeliest rival. */
  #candidates(modelBytes: number): SessionLayout[] {
    const { cores, memoryBytes } = this.#host.machine;
    const sessionBytes = COPIES_OF_WEIGHTS * modelBytes + SESSION_BYTES;
    return sessionLayouts({ threads: cores, sessionBytes, memoryBytes: MEMORY_SHARE * memoryBytes });
  }

  async #isLong(first: OpenLayout, trial: TrialBatch): Promise<boolean> {
    const { expectedPictures } = this.#options;
    if (expectedPictures === undefined) return false;
    await runRate(first, trial); // the first runs are slow
    const rate = trial.pictures * (await runRate(first, trial));
    return (1000 * expectedPictures) / rate > LONG_MS;
  }

  async #faster(first: OpenLayout, layout: SessionLayout, bytes: ModelFiles, trial: TrialBatch): Promise<Session> {
    // What cannot be opened, for want of memory perhaps, has lost: the first answers as well.
    const rival = await this.#openAs(layout, bytes).catch((error: unknown) => {
      if (error instanceof AbortedError) throw error;
      return undefined;
    });
    if (rival === undefined) return first.session;
    const winner = await fastestOf([first, rival], trial).catch(async (error: unknown) => {
      await rival.session.dispose();
      throw error;
    });
    await (winner === 0 ? rival : first).session.dispose();
    if (winner === 0) return first.session;
    this.#layout = layout;
    return rival.session;
  }

  async #openAs(layout: SessionLayout, files: ModelFiles): Promise<OpenLayout> {
    // Several sessions share one copy of the bytes.
    const model = isKept(files) && layout.sessions > 1 ? files.make() : files;
    const { sessions: _, expectedPictures: __, ...options } = this.#options;
    const inMemory = (bytes: Uint8Array) => (layout.sessions === 1 ? bytes : shareBytes(bytes));
    const opener = () => {
      if (isKept(model)) {
        const { key, make } = model;
        return (threads: number) =>
          this.#host.createKeptSession?.(key, make, { ...options, threads }) ??
          this.#host.createSession(make(), { ...options, threads });
      }
      if (model instanceof Uint8Array) {
        const shared = inMemory(model);
        return (threads: number) => this.#host.createSession(shared, { ...options, threads });
      }
      const { steps } = model;
      const files = new Map([...model.files].map(([stage, bytes]) => [stage, inMemory(bytes)]));
      return async (threads: number) =>
        new GatedSession(steps, await this.#host.createStagedSession(files, { ...options, threads }));
    };
    const opened = await openLayout(layout, opener());
    return { ...opened, session: withAnyBatch(opened.session) };
  }
}
