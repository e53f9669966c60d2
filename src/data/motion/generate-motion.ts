// A data set of clips whose class is only in time (motions.ts), made of labelled or unlabelled pictures: what a video model that is worth its name
// can tell, and no model of single frames. Each split is made of the source's own split, so no picture leaks.
import { UsageError } from "../../errors.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { RandomSource } from "../../random.ts";
import type { DataProblem, Dataset } from "../dataset.ts";
import { checkAborted, type DecodePicture, untilFailure } from "../files.ts";
import type { NewFolderFiles } from "../new-folder.ts";
import type { OpenedData } from "../open.ts";
import { SPLITS, type SplitName } from "../samples.ts";
import { SquarePictures } from "../square-pictures.ts";
import { drawClip, pieceSide } from "./draw-clip.ts";
import { MOTION_KINDS, type MotionKind, motionLabels, tell } from "./motions.ts";
import { type EncodedClip, writeClips } from "./write-clips.ts";

export interface MotionSettings {
  /** Side of a frame, in pixels. */
  readonly size: number;
  /** Frames of a clip. */
  readonly frames: number;
  /** Frames a second. */
  readonly frameRate: number;
  /** Which classes there are. Default: all. */
  readonly kinds?: readonly MotionKind[];
  /** Training clips, the classes in turn. */
  readonly count: number;
  /** Clips of every other split. */
  readonly heldOut: number;
  readonly seed: number;
}

export interface GenerateMotionOptions extends MotionSettings {
  readonly source: OpenedData;
  /** For the record: where the source is, as the user wrote it. */
  readonly sourceName: string;
  /** The new data set's folder; nothing may be there. */
  readonly out: string;
  readonly files: NewFolderFiles;
  readonly decode: DecodePicture;
  /** Frames to a file, or to a folder of files. */
  readonly encode: (frames: readonly RawImage[]) => Promise<EncodedClip>;
  /** After every clip. */
  readonly onClip?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface GeneratedMotion {
  /** Clips a split. */
  readonly counts: { readonly [S in SplitName]?: number };
  readonly labels: readonly string[];
  /** Pictures of the source that could not be read. */
  readonly problems: readonly DataProblem[];
}

const PARALLEL = 4;
const MAX_CLIPS = 1_000_000;

/**
 * Writes the data set: OUT/train/CLASS/000001.webp (or a folder of frames of that name), likewise val and test where the source has them, and
 * motion.json with the settings. The folder appears when it is complete. The same settings and source give the same clips.
 *
 * @throws UsageError for settings that make no sense, a folder that is taken
 * @throws AbortedError when the signal fires; nothing is left behind
 */
export async function generateMotion(options: GenerateMotionOptions): Promise<GeneratedMotion> {
  const { source, files, seed, onClip, signal } = options;
  checkSettings(options);
  const labels = motionLabels(options.kinds ?? MOTION_KINDS);
  const plans = SPLITS.flatMap((split) => {
    const dataset = source[split];
    const count = split === "train" ? options.count : options.heldOut;
    return dataset === undefined || dataset.length === 0 ? [] : [{ split, dataset, count }];
  });
  const total = plans.reduce((sum, { count }) => sum + count, 0);
  let done = 0;
  const problems: DataProblem[] = [];
  await writeClips(files, options.out, settingsRecord(options, labels), async (write) => {
    for (const { split, dataset, count } of plans) {
      const pictures = new SquarePictures(dataset, pictureSide(options.size), files, options.decode);
      await untilFailure([...new Array(count).keys()], PARALLEL, async (place) => {
        checkAborted(signal, "making clips");
        const label = labels[place % labels.length]!;
        const random = new RandomSource(seed, `motion/${split}/${place}`);
        const frames = await makeClip(label, dataset, pictures, options, random);
        await write(split, { label, number: place + 1, clip: await options.encode(frames) });
        onClip?.(++done, total);
      });
      problems.push(...pictures.problems);
    }
  });
  return { counts: Object.fromEntries(plans.map(({ split, count }) => [split, count])), labels, problems };
}

/** Of the squares that are kept: enough for the largest piece and the ground. */
const pictureSide = (size: number) => Math.max(16, pieceSide(size));

async function makeClip(
  label: string,
  dataset: Dataset,
  pictures: SquarePictures,
  { size, frames }: MotionSettings,
  random: RandomSource,
): Promise<RawImage[]> {
  const moments = tell(label, frames, random);
  const items = Int32Array.from(dataset.targets.keys());
  const [ground, ...pieces] = await pictures.draw(4, items, random);
  return drawClip(moments, pieces, ground!, size, random);
}

function checkSettings({ size, frames, frameRate, kinds, count, heldOut, seed }: MotionSettings): void {
  const whole = (value: number, low: number, high: number, what: string) => {
    if (!Number.isInteger(value) || value < low || value > high)
      throw new UsageError(`${what} is a whole number from ${low} to ${high}, not ${value}`);
  };
  whole(size, 24, 1024, "the size of a frame");
  whole(frames, 4, 1000, "the number of frames");
  whole(count, 1, MAX_CLIPS, "the number of clips");
  whole(heldOut, 1, MAX_CLIPS, "the number of held-out clips");
  whole(seed, 0, 2 ** 32 - 1, "a seed");
  if (!(frameRate > 0 && frameRate <= 240)) throw new UsageError(`a rate is above 0 and at most 240, not ${frameRate}`);
  if (kinds?.length === 0) throw new UsageError("no kind of motion was named", `there are ${MOTION_KINDS.join(", ")}`);
}

/** motion.json: how the data set was made. */
function settingsRecord(
  { sourceName, size, frames, frameRate, kinds, count, heldOut, seed }: GenerateMotionOptions,
  labels: readonly string[],
): Record<string, unknown> {
  return {
    source: sourceName,
    size,
    frames,
    frame_rate: frameRate,
    kinds: MOTION_KINDS.filter((kind) => kinds?.includes(kind) ?? true),
    classes: labels,
    count,
    held_out: heldOut,
    seed,
  };
}
