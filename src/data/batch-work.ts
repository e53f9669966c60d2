// What a worker does: one batch, from the places of its pictures to the numbers that training takes. Tasks and results are plain data, and
// the result depends on the task alone, so it does not matter which thread does it, or when.
import { SaccadeError } from "../errors.ts";
import { createAugmenter, parseAugmentation } from "../image/augment.ts";
import { type Mixing, mixBatch, smoothTargets } from "../image/augment-mix.ts";
import type { RawImage } from "../image/raw-image.ts";
import { RandomSource } from "../random.ts";
import { type DataFiles, type DecodePicture, loadPicture, mapLimited, type PictureSource } from "./files.ts";
import { type CachedPicture, cachedImage, type Slab } from "./picture-cache.ts";

/** One row of a batch. */
export interface SampleTask {
  /** Index in the data set. */
  readonly item: number;
  readonly label: number;
  readonly softLabel?: Float32Array;
  readonly picture: PictureSource | { readonly kind: "cached"; readonly at: CachedPicture };
}

/** One batch to make. */
export interface BatchTask {
  readonly epoch: number;
  readonly index: number;
  readonly firstPosition: number;
  readonly seed: number;
  /** The augmentation as text. */
  readonly augmentation: string;
  readonly classes: number;
  readonly smoothing: number;
  readonly mixing?: Mixing;
  /** undefined is a blank row: zeros, label -1. */
  readonly samples: readonly (SampleTask | undefined)[];
  /** Whether decoded pixels are sent back to be kept. */
  readonly returnsPixels: boolean;
}

/** A picture that could not be read. */
export interface UnreadablePicture {
  readonly row: number;
  readonly item: number;
  readonly reason: string;
}

export interface BatchResult {
  /** (N, 3, height, width); missing when a picture could not be read, because then the batch has to be made again with another. */
  readonly images?: Float32Array;
  /** (N, classes) */
  readonly targets?: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly unreadable: readonly UnreadablePicture[];
  /** Pictures that were decoded for this batch, where the task asked for them. */
  readonly decoded: readonly { readonly item: number; readonly image: RawImage }[];
  /** How long it took, in milliseconds. */
  readonly loadMs: number;
  readonly augmentMs: number;
}

/** What a worker has. */
export interface WorkPlace {
  readonly files: Pick<DataFiles, "read" | "readRange">;
  readonly decode: DecodePicture;
  readonly slabs: readonly Slab[];
}

/** Reading waits for the disk and decoding for a thread of the platform's own, so a few at once go faster. */
const PARALLEL = 8;

/** Makes one batch. Only errors of the program or of the augmentation throw; pictures that cannot be read are in the result. */
export async function makeBatch(task: BatchTask, place: WorkPlace): Promise<BatchResult> {
  const start = performance.now();
  const unreadable: UnreadablePicture[] = [];
  const decoded: { item: number; image: RawImage }[] = [];
  const pictures = await mapLimited(task.samples, PARALLEL, async (sample, row) => {
    if (sample === undefined) return undefined;
    if (sample.picture.kind === "cached") return cachedImage(sample.picture.at, place.slabs);
    try {
      const image = await loadPicture(sample.picture, place.files, place.decode);
      if (task.returnsPixels && sample.picture.kind !== "pixels") decoded.push({ item: sample.item, image });
      return image;
    } catch (error) {
      unreadable.push({ row, item: sample.item, reason: reasonOf(error) });
      return undefined;
    }
  });
  const loaded = performance.now();
  const augmenter = createAugmenter(parseAugmentation(task.augmentation));
  const { width, height } = augmenter;
  const size = 3 * width * height;
  const images = new Float32Array(task.samples.length * size);
  pictures.forEach((picture, row) => {
    if (picture === undefined) return;
    const random = new RandomSource(task.seed, `augment/${task.epoch}/${task.firstPosition + row}`);
    try {
      augmenter.apply(picture, random, images, row * size);
    } catch (error) {
      // A picture of absurd proportions can be too large once it is resized.
      unreadable.push({ row, item: task.samples[row]!.item, reason: reasonOf(error) });
    }
  });
  unreadable.sort((a, b) => a.row - b.row);
  const outcome = { width, height, unreadable, decoded, loadMs: loaded - start };
  if (unreadable.length > 0) return { ...outcome, augmentMs: performance.now() - loaded };
  const targets = smoothTargets(
    task.samples.map((sample) => sample?.label ?? -1),
    task.classes,
    task.smoothing,
    task.samples.map((sample) => sample?.softLabel),
  );
  if (task.mixing !== undefined)
    mixBatch({ dtype: "float32", shape: [task.samples.length, 3, height, width], data: images }, targets, task.mixing);
  return { ...outcome, images, targets: targets.data, augmentMs: performance.now() - loaded };
}

const reasonOf = (error: unknown): string =>
  error instanceof SaccadeError
    ? error.message
    : `it cannot be read (${error instanceof Error ? error.message : error})`;
