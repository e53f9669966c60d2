// One task of one model, with its queue: bytes of a picture go in, an answer comes out, and batches are made up in between.
import { SaccadeError, SessionError } from "../../errors.ts";
import type { NodeHost } from "../../platform/node/host.ts";
import { DEFAULT_DECODING } from "../../tasks/engine/engine.ts";
import { type PictureSource, readPicture } from "../../tasks/engine/pictures.ts";
import { DrainingError } from "../failures.ts";
import { BatchQueue, type Clock, type Priority, type QueueObserver, type Reservation } from "../queue/batch-queue.ts";
import { type Batching, measureBatching } from "./batching.ts";
import type { DecodingMemory } from "./decoding-memory.ts";
import { costShare, type OverloadLimits } from "./overload.ts";
import type { AskOptions, TaskEngine } from "./task-engine.ts";

export interface ServedTaskOptions {
  readonly host: NodeHost;
  readonly clock: Clock;
  readonly maxQueue: number;
  readonly maxPixels: number;
  readonly overload: OverloadLimits;
  readonly batching: Partial<Batching>;
  /** Of all pictures that are being decoded. */
  readonly memory: DecodingMemory;
  readonly observer?: QueueObserver;
  /** The engine has died: it will not answer any more, and another has to take its place. */
  readonly onDeath?: (error: SessionError) => void;
}

export interface Answer<A> {
  readonly answer: A;
  /** Milliseconds. */
  readonly decodeMs: number;
  readonly queueMs: number;
  readonly runMs: number;
  readonly batchSize: number;
  /** Of the model's whole cost, what the queue left for it. 1 where nothing was taken away. */
  readonly costShare: number;
}

export interface AskContext {
  readonly priority?: Priority | undefined;
  readonly deadline?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Waiting<V> {
  /** What the model sees; where that is the whole picture, its file, which is read when its turn has come. */
  readonly shown: { readonly view: V } | { readonly picture: PictureSource };
  readonly asked: AskOptions;
  /** Requests of one key run together. */
  readonly key: string;
}

/** A picture that has its place in the queue, and may be read now. */
export interface Place<A> extends Disposable {
  answer(picture: PictureSource, asked: AskOptions, context: AskContext): Promise<Answer<A>>;
}

const GREY = 128;
const TRIAL_SIDE = 256;

export class ServedTask<A, V = unknown> {
  readonly #engine: TaskEngine<A, V>;
  readonly #options: ServedTaskOptions;
  readonly #queue: BatchQueue<Waiting<V>, { answer: A; costShare: number }>;
  readonly batching: Batching;

  private constructor(engine: TaskEngine<A, V>, options: ServedTaskOptions, batching: Batching) {
    this.#engine = engine;
    this.#options = options;
    this.batching = batching;
    const { joins } = engine.task({});
    this.#queue = new BatchQueue<Waiting<V>, { answer: A; costShare: number }>({
      ...batching,
      capacity: options.maxQueue,
      lanes: engine.lanes,
      clock: options.clock,
      joins: (batch, next) =>
        batch[0]!.key === next.key &&
        "view" in next.shown &&
        joins(
          batch.flatMap(({ shown }) => ("view" in shown ? [shown.view] : [])),
          next.shown.view,
        ),
      run: (batch) => this.#run(batch),
      ...(options.observer === undefined ? {} : { observer: options.observer }),
    });
  }

  /** Measures what was not said about batches. */
  static async open<A, V>(engine: TaskEngine<A, V>, options: ServedTaskOptions): Promise<ServedTask<A, V>> {
    const data = new Uint8Array(3 * TRIAL_SIDE * TRIAL_SIDE).fill(GREY);
    const run = async (size: number) => {
      const task = engine.task({});
      const view = () => task.view({ width: TRIAL_SIDE, height: TRIAL_SIDE, data });
      await task.run(Array.from({ length: size }, () => ({ source: undefined, view: view() })));
    };
    const batching = await measureBatching(run, () => options.clock.now(), options.batching);
    return new ServedTask(engine, options, batching);
  }

  get engine(): TaskEngine<A, V> {
    return this.#engine;
  }

  /** Pictures that wait. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  /** Throws OverloadError, DrainingError where a picture that came now would have no place. */
  requireRoom(): void {
    this.#queue.requireRoom();
  }

  /**
   * Keeps a place for a picture before it is decoded.
   *
   * @throws OverloadError, DrainingError
   */
  reserve(): Place<A> {
    const place = this.#queue.reserve();
    return {
      answer: (picture, asked, context) => this.#answer(picture, asked, context, place),
      [Symbol.dispose]: () => place.release(),
    };
  }

  /** Answers what was taken, and frees the engine. */
  async close(): Promise<void> {
    await this.#queue.drain();
    await this.#engine.dispose();
  }

  async #answer(
    picture: PictureSource,
    asked: AskOptions,
    { priority, deadline, signal }: AskContext,
    place: Reservation<Waiting<V>, { answer: A; costShare: number }>,
  ): Promise<Answer<A>> {
    this.#engine.check(asked);
    const { clock } = this.#options;
    const began = clock.now();
    const shown = this.#engine.takesWholePictures ? { picture } : { view: await this.#view(picture, asked) };
    const decodeMs = clock.now() - began;
    const { topK: _, faces: __, ...same } = asked;
    const served = await place.submit(
      { shown, asked, key: JSON.stringify(same) },
      { deadline, signal, ...(priority === undefined ? {} : { priority }) },
    );
    const { waitedMs, runMs, batchSize } = served;
    return { ...served.answer, decodeMs, queueMs: waitedMs, runMs, batchSize };
  }

  async #view(picture: PictureSource, asked: AskOptions): Promise<V> {
    const { host, maxPixels, memory } = this.#options;
    const { view, decoding } = this.#engine.task(asked);
    return memory.during(async (reserve) =>
      view(await readPicture(host, picture, { decode: DEFAULT_DECODING, ...decoding, maxPixels, reserve })),
    );
  }

  async #run(batch: readonly Waiting<V>[]): Promise<({ answer: A; costShare: number } | SaccadeError)[]> {
    const topK = Math.max(0, ...batch.map(({ asked }) => asked.topK ?? 0));
    const wanted = { ...batch[0]!.asked, ...(topK === 0 ? {} : { topK }) };
    const share = this.#engine.wholeMacs === undefined ? 1 : costShare(this.#queue.fullness, this.#options.overload);
    const asked = share < 1 ? this.#engine.cheaper(wanted, share) : wanted;
    const answers = await this.#runTask(asked, batch);
    return answers.map((answer) => (answer instanceof SaccadeError ? answer : { answer, costShare: share }));
  }

  async #runTask(asked: AskOptions, batch: readonly Waiting<V>[]): Promise<readonly (A | SaccadeError)[]> {
    const views: V[] = [];
    for (const { shown, asked } of batch)
      views.push("view" in shown ? shown.view : await this.#view(shown.picture, asked));
    try {
      return await this.#engine.task(asked).run(views.map((view) => ({ source: undefined, view })));
    } catch (error) {
      if (!(error instanceof SessionError) || error.data.exitCode === undefined) throw error;
      this.#options.onDeath?.(error);
      throw new DrainingError("the model's engine has failed, and is started again", "not_ready");
    }
  }
}
