// Searches in an index of pictures, one after another: the index runs its own model and its own comparison.
import { SaccadeError, UsageError } from "../../errors.ts";
import type { NodeHost } from "../../platform/node/host.ts";
import { type Match, PictureIndex } from "../../retrieval/picture-index.ts";
import { readPicture } from "../../tasks/engine/pictures.ts";
import type { ServerConfig } from "../config.ts";
import type { ServerMetrics } from "../metrics.ts";
import { BatchQueue, type Clock, type Priority } from "../queue/batch-queue.ts";
import { TaskStatistics } from "./statistics.ts";

export interface SearchAsk {
  readonly top_k?: number | undefined;
  readonly priority?: Priority | undefined;
  readonly timeout_ms?: number | undefined;
}

interface Query {
  readonly picture: Uint8Array;
  readonly topK: number;
}

export class ServedSearch {
  readonly #index: PictureIndex;
  readonly #queue: BatchQueue<Query, Match[]>;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  private constructor(index: PictureIndex, host: NodeHost, config: ServerConfig, clock: Clock, metrics: ServerMetrics) {
    this.#index = index;
    this.#clock = clock;
    this.#timeoutMs = config.timeout_ms;
    const labels = { model: "index", version: "1", task: "search" } as const;
    this.#queue = new BatchQueue({
      ...{ maxBatch: 1, maxDelayMs: 0, capacity: config.max_queue, lanes: 1, clock, joins: () => false },
      run: ([query]) => this.#run(host, query!, config.max_pixels),
      observer: metrics.queueObserver(labels, config.max_queue, new TaskStatistics()),
    });
  }

  /** Throws NotFoundError, FormatError, and UsageError for an index without a picture. */
  static async open(
    folder: string,
    host: NodeHost,
    config: ServerConfig,
    clock: Clock,
    metrics: ServerMetrics,
  ): Promise<ServedSearch> {
    const index = await PictureIndex.open(host, folder, { device: config.device });
    if (index.size === 0) {
      await index.dispose();
      throw new UsageError(`the index ${folder} is empty`, "add pictures: saccade index PICTURES --out INDEX");
    }
    return new ServedSearch(index, host, config, clock, metrics);
  }

  /** Throws OverloadError, DrainingError where a picture that came now would have no place. */
  requireRoom(): void {
    this.#queue.requireRoom();
  }

  /** Pictures of the index by what each query looks like, or why there are none. Throws what concerns all of them, or the only one. */
  async search(
    pictures: readonly Uint8Array[],
    ask: SearchAsk,
    signal: AbortSignal,
  ): Promise<(Match[] | SaccadeError)[]> {
    const deadline = this.#clock.now() + Math.min(this.#timeoutMs, ask.timeout_ms ?? this.#timeoutMs);
    const options = { deadline, signal, ...(ask.priority === undefined ? {} : { priority: ask.priority }) };
    const outcomes = await Promise.allSettled(
      pictures.map((picture) => this.#queue.submit({ picture, topK: ask.top_k ?? 10 }, options)),
    );
    return outcomes.map((outcome) => {
      if (outcome.status === "fulfilled") return outcome.value.answer;
      if (pictures.length > 1 && outcome.reason instanceof SaccadeError) return outcome.reason;
      throw outcome.reason;
    });
  }

  async close(): Promise<void> {
    await this.#queue.drain();
    await this.#index.dispose();
  }

  async #run(host: NodeHost, { picture, topK }: Query, maxPixels: number): Promise<[Match[] | Error]> {
    const pixels = await readPicture(host, picture, { maxPixels });
    return [await this.#index.search(pixels, { topK })];
  }
}
