// What a worker does: one batch, from the places of its pictures to the numbers that training takes. Tasks and results are plain data, and
// the result depends on the task alone, so it does not matter which thread does it, or when.
import { SaccadeError } from "../errors.ts";
import { type Augmenter, createAugmenter, parseAugmentation } from "../image/augment.ts";
import type { AffineMatrix } from "../image/augment-affine.ts";
import { type Mixing, mixBatch, smoothTargets } from "../image/augment-mix.ts";
import type { RawImage } from "../image/raw-image.ts";
import { RandomSource } from "../random.ts";
import type { TensorData } from "../tensor.ts";
import { annotateRows } from "./annotated/annotate-rows.ts";
import type { AnnotationShape, BatchAnnotations, PictureAnnotations } from "./annotations.ts";
import { type ClipSampling, clipOfStack, loadClip, type OpenClip } from "./clip-work.ts";
import { type DataFiles, type DecodePicture, loadPicture, mapLimited, type PictureSource } from "./files.ts";
import { type FlipAxis, flipFrames } from "./flips.ts";
import { type CachedPicture, cachedImage, type Slab } from "./picture-cache.ts";

/** One row of a batch. */
export interface SampleTask {
  /** Index in the data set. */
  readonly item: number;
  readonly label: number;
  readonly softLabel?: Float32Array;
  readonly annotations?: PictureAnnotations;
  /** What is done to it before it is augmented; labels are those of the flipped one. */
  readonly flips?: readonly FlipAxis[];
  readonly picture:
    | PictureSource
    /** Of a video, `times` are its frames', which lie one below the other. */
    | { readonly kind: "cached"; readonly at: CachedPicture; readonly times?: Float64Array };
}

/** One batch to make. */
export interface BatchTask {
  readonly epoch: number;
  readonly index: number;
  readonly firstPosition: number;
  readonly seed: number;
  /** The augmentation as text. */
  readonly augmentation: string;
  /** The same of second pictures, where each comes twice; of the same size. */
  readonly second?: string;
  /** Of videos: which frames are taken. */
  readonly clip?: ClipSampling;
  readonly classes: number;
  /** Where annotations are wanted. */
  readonly annotations?: AnnotationShape;
  /** The class of pixels where nothing is annotated. */
  readonly background?: number;
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

/** A picture to be kept; of a video all its frames, one below the other, with their times. */
export interface DecodedPicture {
  readonly item: number;
  readonly image: RawImage;
  readonly times?: Float64Array;
}

export interface BatchResult {
  /** (views x N, 3, [frames,] height, width); missing when a picture could not be read, because then the batch has to be made again with another. */
  readonly images?: Float32Array;
  /** (N, classes) */
  readonly targets?: Float32Array;
  readonly annotations?: BatchAnnotations;
  /** How often each picture is in `images`: all of them once, then all again. */
  readonly views: number;
  readonly width: number;
  readonly height: number;
  readonly unreadable: readonly UnreadablePicture[];
  /** Pictures that were decoded for this batch, where the task asked for them. */
  readonly decoded: readonly DecodedPicture[];
  /** How long it took, in milliseconds. */
  readonly loadMs: number;
  readonly augmentMs: number;
}

/** What a worker has. */
export interface WorkPlace {
  readonly files: Pick<DataFiles, "read" | "readRange">;
  readonly decode: DecodePicture;
  /** Absent where videos cannot be opened. */
  readonly openVideo?: OpenClip;
  readonly slabs: readonly Slab[];
}

/** Reading waits for the disk and decoding for a thread of the platform's own, so a few at once go faster. */
const PARALLEL = 8;

/** Makes one batch. Only errors of the program or of the augmentation throw; pictures that cannot be read are in the result. */
export async function makeBatch(task: BatchTask, place: WorkPlace): Promise<BatchResult> {
  const start = performance.now();
  const unreadable: UnreadablePicture[] = [];
  const decoded: DecodedPicture[] = [];
  const rows = await mapLimited(task.samples, PARALLEL, async (sample, row) => {
    if (sample === undefined) return undefined;
    try {
      return await framesOf(sample, row, task, place, (picture) => decoded.push(picture));
    } catch (error) {
      unreadable.push({ row, item: sample.item, reason: reasonOf(error) });
      return undefined;
    }
  });
  const loaded = performance.now();
  const augmenter = createAugmenter(parseAugmentation(task.augmentation));
  const { width, height } = augmenter;
  const frames = task.clip?.frames ?? 1;
  const plane = width * height;
  const augmenters = [
    augmenter,
    ...(task.second === undefined ? [] : [createAugmenter(parseAugmentation(task.second))]),
  ];
  const views = augmenters.length;
  const size = task.samples.length * 3 * frames * plane;
  const images = new Float32Array(views * size);
  const annotated =
    task.annotations === undefined ? undefined : annotateRows(task.annotations, task.samples.length, task.background);
  for (const [i, row] of rows.entries()) {
    if (row === undefined) continue;
    try {
      const flipped = flipFrames(row, task.samples[i]?.flips ?? []);
      for (const [view, each] of augmenters.entries()) {
        const map = writeRow(
          each,
          flipped,
          () => randomOf(task, view === 0 ? "augment" : "second", i),
          images.subarray(view * size + i * 3 * frames * plane),
        );
        const annotations = task.samples[i]?.annotations;
        if (view === 0 && annotations !== undefined && map !== undefined)
          await annotated?.add(i, annotations, row[0]!, map, each, place);
      }
    } catch (error) {
      // A picture of absurd proportions can be too large once it is resized.
      unreadable.push({ row: i, item: task.samples[i]!.item, reason: reasonOf(error) });
    }
  }
  unreadable.sort((a, b) => a.row - b.row);
  const outcome = { views, width, height, unreadable, decoded, loadMs: loaded - start };
  if (unreadable.length > 0) return { ...outcome, augmentMs: performance.now() - loaded };
  const targets = smoothTargets(
    task.samples.map((sample) => sample?.label ?? -1),
    task.classes,
    task.smoothing,
    task.samples.map((sample) => sample?.softLabel),
  );
  if (task.mixing !== undefined) {
    // The frames of a clip are mixed alike: they are so many channels.
    const shape = [task.samples.length, 3 * frames, height, width];
    mixBatch({ dtype: "float32", shape, data: images }, targets, task.mixing);
  }
  return {
    ...outcome,
    images,
    targets: targets.data,
    ...(annotated === undefined ? {} : { annotations: annotated.finish() }),
    augmentMs: performance.now() - loaded,
  };
}

/** A row's own random numbers, the same whoever makes it. */
const randomOf = ({ seed, epoch, firstPosition }: BatchTask, purpose: string, row: number) =>
  new RandomSource(seed, `${purpose}/${epoch}/${firstPosition + row}`);

/** The pictures of a row: one, or the frames of a clip. */
async function framesOf(
  { item, picture }: SampleTask,
  row: number,
  task: BatchTask,
  place: WorkPlace,
  keep: (picture: DecodedPicture) => void,
): Promise<readonly RawImage[]> {
  const { clip, returnsPixels } = task;
  if (picture.kind === "cached") {
    const image = cachedImage(picture.at, place.slabs);
    return clip === undefined || picture.times === undefined
      ? [image]
      : clipOfStack({ image, times: picture.times }, clip, randomOf(task, "clip", row));
  }
  if (clip === undefined) {
    const image = await loadPicture(picture, place.files, place.decode);
    if (returnsPixels && picture.kind !== "pixels") keep({ item, image });
    return [image];
  }
  const { frames, whole } = await loadClip(picture, clip, randomOf(task, "clip", row), place.openVideo);
  if (returnsPixels && whole !== undefined) keep({ item, ...whole });
  return frames;
}

/** Buffers of a result that may be given away with it; pixels that were decoded are not among them. */
export function buffersOf({ images, targets, annotations }: BatchResult): ArrayBuffer[] {
  const tensors: readonly TensorData[] = annotations === undefined ? [] : Object.values({ ...annotations });
  const arrays = [images, targets, ...tensors.map(({ data }) => data)];
  return arrays.flatMap((array) => (array === undefined ? [] : [array.buffer as ArrayBuffer]));
}

/** Pictures as (3, frames, height, width). All frames get the same random numbers, so that they are cropped, turned and coloured alike. Says where the points of a picture went. */
function writeRow(
  augmenter: Augmenter,
  frames: readonly RawImage[],
  random: () => RandomSource,
  out: Float32Array,
): AffineMatrix | undefined {
  const [only] = frames;
  if (frames.length === 1) return augmenter.apply(only!, random(), out, 0);
  const plane = augmenter.width * augmenter.height;
  const values = new Float32Array(3 * plane);
  frames.forEach((frame, i) => {
    augmenter.apply(frame, random(), values, 0);
    for (let channel = 0; channel < 3; channel++)
      out.set(values.subarray(channel * plane, (channel + 1) * plane), (channel * frames.length + i) * plane);
  });
  return undefined;
}

const reasonOf = (error: unknown): string =>
  error instanceof SaccadeError
    ? error.message
    : `it cannot be read (${error instanceof Error ? error.message : error})`;
