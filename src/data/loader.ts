// Batches for training and evaluation, made ahead of time by workers and handed out strictly in order. What is in a batch depends on the data,
// the sampler and the augmentation, and not on how many workers there are or which of them was faster.
import { AbortedError, SaccadeError, UsageError } from "../errors.ts";
import { createAugmenter, parseAugmentation } from "../image/augment.ts";
import { RandomSource } from "../random.ts";
import type { TensorData } from "../tensor.ts";
import { backgroundOf, requireAnnotated } from "./annotated/loaded-annotations.ts";
import type { AnnotationShape, BatchAnnotations } from "./annotations.ts";
import { type BatchResult, type BatchTask, makeBatch, type SampleTask, type WorkPlace } from "./batch-work.ts";
import type { ClipSampling } from "./clip-work.ts";
import type { DataProblem, Dataset } from "./dataset.ts";
import { checkAborted } from "./files.ts";
import { drawFlips, type Flips, flipLabels } from "./flips.ts";
import { type LoaderStatistics, LoaderTally } from "./loader-statistics.ts";
import { PictureCache, type Slab } from "./picture-cache.ts";
import type { BatchPlan, BatchPosition, Sampler } from "./sampler.ts";
import { UnreadablePictures } from "./unreadable.ts";

/** Does the work of one batch at a time, in another thread perhaps. */
export interface BatchWorker {
  /** @param slabs the pixels that `cached` samples point into; blocks are only ever added at the end */
  run(task: BatchTask, slabs: readonly Slab[]): Promise<BatchResult>;
  /** Ends it after what it is doing. Idempotent. */
  dispose(): Promise<void>;
}

/** A worker in this thread, where there are no others: between batches the event loop goes on, within one it does not. */
export function inlineWorker(place: Omit<WorkPlace, "slabs">): BatchWorker {
  return { run: (task, slabs) => makeBatch(task, { ...place, slabs }), dispose: async () => undefined };
}

/** One batch. N is the sampler's batch size, or less in the last one if it was told to "keep". */
export interface Batch extends BatchPosition {
  /** (N, 3, height, width); of clips (N, 3, frames, height, width); with second ones (2 N, …), all first ones before them */
  readonly images: TensorData<"float32">;
  /** (N, classes): smoothed and mixed; each row sums to 1, or to 0 where there is no picture. */
  readonly targets: TensorData<"float32">;
  /** What is where on the pictures, where the loader was asked for it. */
  readonly annotations?: BatchAnnotations;
  /** Before mixing; -1 where there is no picture. */
  readonly labels: Int32Array;
  /** Index in the data set; -1 where there is no picture. */
  readonly items: Int32Array;
  readonly names: readonly string[];
  /** Rows with a picture. */
  readonly count: number;
  /** (N, width): what a teacher makes of the pictures, where one is asked. */
  readonly teacher?: TensorData<"float32">;
}

export interface LoaderOptions {
  readonly dataset: Dataset;
  readonly sampler: Sampler;
  /** Ends in pictures of one size: "random_resized_crop(64,0.25:1)|flip(0.5)|normalize(imagenet)". */
  readonly augmentation: string;
  /** The same of second pictures, where each comes twice in a batch; of the same size. Default: it comes once. */
  readonly second?: string;
  /** At least one. They belong to the loader, which disposes of them. */
  readonly workers: readonly BatchWorker[];
  /** Of a data set of videos: which frames are taken of each. */
  readonly clip?: ClipSampling;
  /** What half of the rows are turned into, with another label perhaps. Default: nothing. */
  readonly flips?: Flips;
  /** How annotations come with the pictures; of a data set that has some, with an augmentation that they can follow. Default: they do not come. */
  readonly annotations?: AnnotationShape;
  /** Share of each target that is spread over all classes. Default 0. */
  readonly smoothing?: number;
  /** Batches under way or waiting to be taken. Default: two more than there are workers. */
  readonly prefetch?: number;
  /** Memory for decoded pictures, in bytes. Default 512 MiB: 43,000 pictures of 64 x 64. 0 decodes every time. */
  readonly cacheBytes?: number;
  /**
   * What stands in for a picture that cannot be read: the next one of the data set that can ("replace", for training), or a blank row
   * ("blank", for evaluation). Default "replace".
   */
  readonly unreadable?: "replace" | "blank";
}

export interface BatchesOptions {
  /** The first batch. Default: the first of epoch 0. */
  readonly from?: BatchPosition;
  /** The epoch before which to stop. Default: never. */
  readonly untilEpoch?: number;
  readonly signal?: AbortSignal;
}

export interface Loader extends AsyncDisposable {
  readonly batchesPerEpoch: number;
  /** Pictures that could not be read so far, and what was left out when the data was opened. */
  readonly problems: readonly DataProblem[];
  /**
   * Batches in order, endlessly unless told otherwise.
   *
   * @throws AbortedError when the signal fires
   * @throws SaccadeError `data` when not one picture can be read; where others stand in for them, when not one of a class can
   */
  batches(options?: BatchesOptions): AsyncIterableIterator<Batch>;
  /** The numbers since this was called last, and a fresh start. */
  takeStatistics(): LoaderStatistics;
  /** Ends the workers and frees the memory. Idempotent. */
  dispose(): Promise<void>;
}

const DEFAULT_CACHE_BYTES = 512 * 2 ** 20;

/**
 * Makes a loader.
 *
 * @throws UsageError for an augmentation that cannot be read or does not end in one size; where annotations are wanted, for data without any and for
 *   augmentations that they cannot follow
 * @example
 * const loader = createLoader({
 *   dataset: train, sampler: createSampler(train, { batchSize: 64, seed: 0 }), augmentation: recipe.augmentation,
 *   workers: [inlineWorker({ files: host.files, decode: host.decode })],
 * });
 * for await (const batch of loader.batches({ from: checkpoint.position, untilEpoch: 100 })) await step(batch);
 */
export function createLoader(options: LoaderOptions): Loader {
  return new PrefetchingLoader(options);
}

class PrefetchingLoader implements Loader {
  readonly #options: LoaderOptions;
  readonly #prefetch: number;
  readonly #cache: PictureCache;
  readonly #unreadable: UnreadablePictures;
  /** Of items that were asked for, so that an archive need not be opened for a picture that is in the cache. */
  readonly #about = new Map<number, Omit<NamedSample, "picture"> & { readonly times?: Float64Array }>();
  readonly #idle: BatchWorker[];
  readonly #waiting: ((worker: BatchWorker) => void)[] = [];
  #statistics = new LoaderTally();
  #disposed: Promise<void> | undefined;

  constructor(options: LoaderOptions) {
    const { workers, smoothing = 0, prefetch = workers.length + 2, cacheBytes = DEFAULT_CACHE_BYTES } = options;
    const { movesAlong } = createAugmenter(parseAugmentation(options.augmentation));
    if (options.annotations !== undefined) requireAnnotated(options, movesAlong);
    if (workers.length === 0) throw new UsageError("a loader needs at least one worker", "inlineWorker makes one");
    if (!Number.isInteger(prefetch) || prefetch < 1) throw new UsageError(`${prefetch} batches cannot be prefetched`);
    if (!(smoothing >= 0 && smoothing < 1)) throw new UsageError(`label smoothing is 0 to 1, not ${smoothing}`);
    if (!(cacheBytes >= 0)) throw new UsageError(`a cache of ${cacheBytes} bytes is not possible`);
    if (options.unreadable === "blank" && options.sampler.mixes)
      throw new UsageError(
        "blank rows cannot be mixed with pictures",
        "replace unreadable pictures when batches are mixed",
      );
    this.#options = options;
    this.#unreadable = new UnreadablePictures(options.dataset, options.unreadable !== "blank");
    this.#prefetch = prefetch;
    this.#cache = new PictureCache(cacheBytes);
    this.#idle = [...workers];
  }

  get batchesPerEpoch(): number {
    return this.#options.sampler.batchesPerEpoch;
  }

  get problems(): readonly DataProblem[] {
    return [...this.#options.dataset.problems, ...this.#unreadable.problems];
  }

  async *batches(options: BatchesOptions = {}): AsyncIterableIterator<Batch> {
    const { from = { epoch: 0, index: 0 }, untilEpoch = Number.POSITIVE_INFINITY, signal } = options;
    const { sampler } = this.#options;
    const run = { isOver: false };
    const queue: Promise<Batch>[] = [];
    let next = from;
    const fill = () => {
      for (; queue.length < this.#prefetch && next.epoch < untilEpoch; next = sampler.after(next)) {
        const batch = this.#produce(sampler.plan(next), run);
        // Whoever takes it from the queue sees the failure; until then it must not count as unhandled.
        batch.catch(() => undefined);
        queue.push(batch);
      }
    };
    try {
      for (;;) {
        checkAborted(signal, "loading");
        this.#checkAlive();
        fill();
        const first = queue.shift();
        if (first === undefined) return;
        const asked = performance.now();
        const batch = await orAborted(first, signal);
        this.#statistics.taken(asked, batch.count);
        yield batch;
      }
    } finally {
      run.isOver = true;
    }
  }

  takeStatistics(): LoaderStatistics {
    const taken = this.#statistics;
    this.#statistics = new LoaderTally();
    return taken.summary(this.#cache);
  }

  dispose(): Promise<void> {
    this.#disposed ??= Promise.all(this.#options.workers.map((worker) => worker.dispose())).then(() =>
      this.#cache.clear(),
    );
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #checkAlive(): void {
    if (this.#disposed !== undefined) throw new SaccadeError("disposed", "the loader has been disposed of");
  }

  /** Makes one batch, again as long as pictures turn out to be unreadable. */
  async #produce(plan: BatchPlan, run: { readonly isOver: boolean }): Promise<Batch> {
    for (;;) {
      const found = await Promise.all(Array.from(plan.items, (item) => this.#sample(item)));
      const rows = found.map((row, i) => (row === undefined ? undefined : this.#flipped(row, plan, i)));
      const worker = await this.#acquire();
      let result: BatchResult;
      try {
        if (run.isOver) throw new AbortedError("loading");
        this.#checkAlive();
        // Only now, because batches made in the meantime may have left pictures in the cache.
        const samples = rows.map((row) => (row === undefined ? undefined : this.#withCached(row)));
        result = await worker.run(this.#task(plan, samples), this.#cache.slabs);
      } finally {
        this.#release(worker);
      }
      this.#statistics.made(result);
      for (const { item, image, times } of result.decoded) {
        this.#cache.keep(item, image);
        const about = this.#about.get(item);
        if (times !== undefined && about !== undefined) this.#about.set(item, { ...about, times });
      }
      for (const { item, row, reason } of result.unreadable)
        this.#unreadable.leaveOut(item, { name: rows[row]?.name ?? `item ${item}`, reason });
      const { images, targets } = result;
      if (images !== undefined && targets !== undefined)
        return toBatch(plan, rows, { ...result, images, targets }, this.#options.clip);
    }
  }

  /** The item, or what stands in for it. */
  async #sample(wanted: number): Promise<NamedSample | undefined> {
    const { dataset, unreadable = "replace" } = this.#options;
    if (wanted === -1) return undefined;
    for (let item = wanted; ; item = (item + 1) % dataset.length) {
      if (!this.#unreadable.has(item)) {
        const sample = await this.#find(item);
        if (sample !== undefined) return sample;
      }
      if (unreadable === "blank") return undefined;
    }
  }

  #withCached(row: NamedSample): NamedSample {
    const cached = this.#findCached(row.item);
    return cached === undefined ? row : { ...row, picture: cached.picture };
  }

  /** The row that its place in the epoch makes of it. */
  #flipped(row: NamedSample, { epoch, firstPosition }: BatchPlan, place: number): NamedSample {
    const { flips, sampler } = this.#options;
    if (flips === undefined) return row;
    const axes = drawFlips(flips, new RandomSource(sampler.seed, `flips/${epoch}/${firstPosition + place}`));
    return { ...flipLabels(row, axes, flips), flips: axes };
  }

  #findCached(item: number): NamedSample | undefined {
    const at = this.#cache.find(item);
    const known = this.#about.get(item);
    if (at === undefined || known === undefined) return undefined;
    const { times, ...about } = known;
    return { ...about, picture: { kind: "cached", at, ...(times === undefined ? {} : { times }) } };
  }

  /** undefined when the data set itself cannot say where the picture is. */
  async #find(item: number): Promise<NamedSample | undefined> {
    const cached = this.#findCached(item);
    if (cached !== undefined) return cached;
    try {
      const { name, label, softLabel, picture } = await this.#options.dataset.item(item);
      const { annotations: layout, dataset } = this.#options;
      const annotations = layout === undefined ? undefined : dataset.annotations?.(item);
      const about = {
        name,
        item,
        label,
        ...(softLabel === undefined ? {} : { softLabel }),
        ...(annotations === undefined ? {} : { annotations }),
      };
      this.#about.set(item, about);
      return { ...about, picture };
    } catch (error) {
      if (!(error instanceof SaccadeError) || error instanceof UsageError) throw error;
      this.#unreadable.leaveOut(item, { name: `item ${item}`, reason: error.message });
      return undefined;
    }
  }

  #task(plan: BatchPlan, rows: readonly (NamedSample | undefined)[]): BatchTask {
    const {
      dataset,
      sampler,
      augmentation,
      second,
      clip,
      annotations,
      smoothing = 0,
      cacheBytes = DEFAULT_CACHE_BYTES,
    } = this.#options;
    return {
      epoch: plan.epoch,
      index: plan.index,
      firstPosition: plan.firstPosition,
      seed: sampler.seed,
      augmentation,
      ...(second === undefined ? {} : { second }),
      ...(clip === undefined ? {} : { clip }),
      classes: dataset.labels.length,
      ...(annotations === undefined ? {} : { annotations, ...backgroundOf(dataset) }),
      smoothing,
      samples: rows,
      returnsPixels: this.#cache.bytes < cacheBytes,
      ...(plan.mixing === undefined ? {} : { mixing: plan.mixing }),
    };
  }

  #acquire(): Promise<BatchWorker> {
    const worker = this.#idle.shift();
    return worker === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(worker);
  }

  #release(worker: BatchWorker): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(worker);
    else next(worker);
  }
}

interface NamedSample extends SampleTask {
  readonly name: string;
}

function toBatch(
  { epoch, index }: BatchPlan,
  rows: readonly (NamedSample | undefined)[],
  made: BatchResult & { readonly images: Float32Array; readonly targets: Float32Array },
  clip: ClipSampling | undefined,
): Batch {
  const size = rows.length;
  const time = clip?.hasTime === true ? [clip.frames] : [];
  return {
    epoch,
    index,
    images: { dtype: "float32", shape: [made.views * size, 3, ...time, made.height, made.width], data: made.images },
    targets: { dtype: "float32", shape: [size, made.targets.length / size], data: made.targets },
    ...(made.annotations === undefined ? {} : { annotations: made.annotations }),
    labels: Int32Array.from(rows, (row) => row?.label ?? -1),
    items: Int32Array.from(rows, (row) => row?.item ?? -1),
    names: rows.map((row) => row?.name ?? ""),
    count: rows.filter((row) => row !== undefined).length,
  };
}

/** The promise, or an AbortedError as soon as the signal fires. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(new AbortedError("loading", signal.reason));
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
