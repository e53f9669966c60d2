// What loading costs: how long training waited for batches, and what the workers did meanwhile.
import type { BatchResult } from "./batch-work.ts";
import type { PictureCache } from "./picture-cache.ts";

/** What loading cost since the last look. Times in milliseconds. */
export interface LoaderStatistics {
  readonly batches: number;
  readonly pictures: number;
  /** How long the consumer waited for batches. */
  readonly waitMs: number;
  /** From its first request to its last batch. */
  readonly elapsedMs: number;
  /** Share of the time that it waited, 0 to 1. */
  readonly waitShare: number;
  /** Reading and decoding, added up over all workers. */
  readonly loadMs: number;
  /** Augmenting and mixing, added up over all workers. */
  readonly augmentMs: number;
  /** Decoded pictures in memory, and their bytes. */
  readonly cachedPictures: number;
  readonly cachedBytes: number;
}

/** Adds up what loading costs. */
export class LoaderTally {
  #batches = 0;
  #pictures = 0;
  #waitMs = 0;
  #loadMs = 0;
  #augmentMs = 0;
  #first: number | undefined;
  #last = 0;

  taken(asked: number, pictures: number): void {
    this.#first ??= asked;
    this.#last = performance.now();
    this.#waitMs += this.#last - asked;
    this.#batches++;
    this.#pictures += pictures;
  }

  made({ loadMs, augmentMs }: BatchResult): void {
    this.#loadMs += loadMs;
    this.#augmentMs += augmentMs;
  }

  summary(cache: PictureCache): LoaderStatistics {
    const elapsedMs = this.#last - (this.#first ?? this.#last);
    return {
      batches: this.#batches,
      pictures: this.#pictures,
      waitMs: this.#waitMs,
      elapsedMs,
      waitShare: elapsedMs > 0 ? this.#waitMs / elapsedMs : 0,
      loadMs: this.#loadMs,
      augmentMs: this.#augmentMs,
      cachedPictures: cache.count,
      cachedBytes: cache.bytes,
    };
  }
}
