// The page's side of data workers: threads that decode and augment (data-worker.ts). Files are read here, because only the page knows the folders that
// a person has chosen; what goes to a worker are bytes.
import type { BatchResult, BatchTask, SampleTask } from "../../data/batch-work.ts";
import { loadBytes, mapLimited, type PictureSource } from "../../data/files.ts";
import { type BatchWorker, inlineWorker } from "../../data/loader.ts";
import { cachedImage, type Slab } from "../../data/picture-cache.ts";
import { SaccadeError } from "../../errors.ts";
import { isShared } from "../../tensor.ts";
import type { TrainingHost } from "../host.ts";

export interface ToDataWorker {
  readonly task: BatchTask;
  /** Why pictures could not be read, by path. */
  readonly unreadable: ReadonlyMap<string, string>;
  readonly newSlabs: readonly Slab[];
}

export type FromDataWorker =
  | { readonly type: "made"; readonly result: BatchResult }
  | { readonly type: "failed"; readonly message: string };

type Place = Pick<TrainingHost, "dataFiles" | "decode">;

/** Written out so that bundlers see it. */
const spawnDataWorker = (): Worker => new Worker(new URL("./data-worker.js", import.meta.url), { type: "module" });

/** More wait for each other's pictures. */
const MOST_WORKERS = 4;

/**
 * Workers of this page that make batches; where a page may have none, its own thread.
 *
 * @param count default: one less than there are cores, so that the training step has one; at least 1 and at most 4
 * @param spawn makes a worker, for tests
 */
export function createDataWorkers(
  place: Place,
  count = Math.min(MOST_WORKERS, Math.max(1, navigator.hardwareConcurrency - 1)),
  spawn: () => Worker = spawnDataWorker,
): readonly BatchWorker[] {
  return typeof Worker === "undefined"
    ? [inlineWorker({ files: place.dataFiles, decode: place.decode })]
    : Array.from({ length: count }, () => new DataWorker(place, spawn()));
}

interface Request {
  readonly resolve: (result: BatchResult) => void;
  readonly reject: (error: SaccadeError) => void;
}

/** Files that are read at once. */
const PARALLEL = 8;

class DataWorker implements BatchWorker {
  readonly #place: Place;
  readonly #worker: Worker;
  #request: Request | undefined;
  #sentSlabs = 0;
  #death: SaccadeError | undefined;

  constructor(place: Place, worker: Worker) {
    this.#place = place;
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromDataWorker>) => {
      if (data.type === "made") this.#settle(({ resolve }) => resolve(data.result));
      else this.#settle(({ reject }) => reject(new SaccadeError("data", `a batch cannot be made: ${data.message}`)));
    };
    worker.onmessageerror = () => this.#die("what it said cannot be read");
    worker.onerror = (event) => {
      event.preventDefault();
      this.#die(event.message || "its script was not found, or this page may not load it");
    };
  }

  async run(task: BatchTask, slabs: readonly Slab[]): Promise<BatchResult> {
    const unreadable = new Map<string, string>();
    const samples = await mapLimited(task.samples, PARALLEL, (sample) => this.#handedOver(sample, slabs, unreadable));
    return new Promise((resolve, reject) => {
      if (this.#death !== undefined) {
        reject(this.#death);
        return;
      }
      this.#request = { resolve, reject };
      const newSlabs = slabs.slice(this.#sentSlabs).filter(isShared);
      this.#sentSlabs = slabs.length;
      this.#worker.postMessage({ task: { ...task, samples }, unreadable, newSlabs } satisfies ToDataWorker);
    });
  }

  async dispose(): Promise<void> {
    this.#die("it was ended");
  }

  /**
   * A picture's bytes in the place of its path, and those of its map of classes; what cannot be read is noted. Pixels that are kept stay where they are if that is shared memory:
   * pages that are not isolated have none, and what they send is a copy.
   */
  async #handedOver(
    sample: SampleTask | undefined,
    slabs: readonly Slab[],
    unreadable: Map<string, string>,
  ): Promise<SampleTask | undefined> {
    if (sample === undefined) return undefined;
    const { picture, annotations } = sample;
    const semantic = annotations?.semantic;
    const handed = { ...sample, picture: await this.#pictureOf(picture, slabs, unreadable) };
    if (annotations === undefined || semantic === undefined) return handed;
    const map = { ...semantic, picture: await this.#bytesOf(semantic.picture, unreadable) };
    return { ...handed, annotations: { ...annotations, semantic: map } };
  }

  async #pictureOf(
    picture: SampleTask["picture"],
    slabs: readonly Slab[],
    unreadable: Map<string, string>,
  ): Promise<SampleTask["picture"]> {
    if (picture.kind !== "cached") return this.#bytesOf(picture, unreadable);
    if (isShared(slabs[picture.at.slab]!)) return picture;
    const image = cachedImage(picture.at, slabs);
    const copy = { ...image, data: image.data.slice() };
    const { times } = picture;
    return times === undefined ? { kind: "pixels", image: copy } : { kind: "frames", frames: { image: copy, times } };
  }

  /** A file's bytes in the place of its path. */
  async #bytesOf(source: PictureSource, unreadable: Map<string, string>): Promise<PictureSource> {
    if (source.kind !== "file" && source.kind !== "range") return source;
    try {
      return { kind: "encoded", bytes: await loadBytes(source, this.#place.dataFiles) };
    } catch (error) {
      if (!(error instanceof SaccadeError)) throw error;
      unreadable.set(source.path, error.message);
      return { kind: "file", path: source.path };
    }
  }

  #die(reason: string): void {
    this.#worker.terminate();
    this.#death ??= new SaccadeError("data_worker", `a worker that prepares pictures is gone: ${reason}`, {
      hint: "go on with the run: it begins where its last checkpoint is",
    });
    const death = this.#death;
    this.#settle(({ reject }) => reject(death));
  }

  #settle(settle: (request: Request) => void): void {
    const request = this.#request;
    this.#request = undefined;
    if (request !== undefined) settle(request);
  }
}
