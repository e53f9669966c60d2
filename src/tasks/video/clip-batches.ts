// Clips side by side as a model of videos takes them: float32 (N, 3, frames, height, width), each crop of a clip an item.
import { LimitError, type SaccadeError } from "../../errors.ts";
import type { Transform } from "../../image/transform.ts";
import type { PictureView } from "../../image/view.ts";
import { type TensorData, tensor } from "../../tensor.ts";
import { viewValues } from "../engine/picture-sessions.ts";
import { type ClipScores, groupsOf, meanOrError, regrouped } from "./clip-scorer.ts";
import type { ViewedClip } from "./clip-views.ts";

/** Clips are as large as many pictures: two keep a session busy. */
const CLIPS_TOGETHER = 2;
/** Values of an input tensor at most, 1 GiB: an engine needs several times that for what it makes of them. */
const MOST_VALUES = 2 ** 28;

export interface CroppedClip {
  readonly clip: ViewedClip;
  readonly crop: number;
}

type Row = ClipScores | SaccadeError;

/**
 * What a model says of clips: their crops go through it in batches of one size, and the answers of a clip's crops are averaged.
 *
 * @param run gives a row a crop
 * @param unknownBelow the probability that an answer must have
 */
export async function scoreCrops(
  clips: readonly ViewedClip[],
  run: (batch: readonly CroppedClip[]) => Promise<readonly Row[]>,
  batchSize = CLIPS_TOGETHER,
  unknownBelow?: number,
): Promise<Row[]> {
  const crops = clips.map(croppedClips);
  const rows: Row[] = [];
  for (const batch of batchesOfClips(crops.flat(), batchSize)) rows.push(...(await run(batch)));
  const counts = crops.map(({ length }) => length);
  return regrouped(rows, counts).map((ofClip) => meanOrError(ofClip, unknownBelow));
}

/** All crops of a clip. */
function croppedClips(clip: ViewedClip): CroppedClip[] {
  return clip[0]!.views.map((_, crop) => ({ clip, crop }));
}

const viewsOf = ({ clip, crop }: CroppedClip): PictureView[] => clip.map(({ views }) => views[crop]!);

/** Groups of clips that have one size, in their order. */
function batchesOfClips(clips: readonly CroppedClip[], limit: number): CroppedClip[][] {
  const sizeOf = (cropped: CroppedClip) => {
    const [{ pixels }] = viewsOf(cropped) as [PictureView];
    return `${cropped.clip.length} ${pixels.width} ${pixels.height}`;
  };
  const alike: CroppedClip[][] = [];
  for (const clip of clips) {
    const last = alike.at(-1);
    if (last !== undefined && sizeOf(last[0]!) === sizeOf(clip)) last.push(clip);
    else alike.push([clip]);
  }
  return alike.flatMap((group) => groupsOf(group, limit));
}

/** (N, 3, frames, height, width), normalised as the transform ends. Throws LimitError for clips that no engine has room for. */
export function clipValues(batch: readonly CroppedClip[], transform: Transform): TensorData<"float32"> {
  const first = viewsOf(batch[0]!);
  const { width, height } = first[0]!.pixels;
  const [frames, plane] = [first.length, height * width];
  const size = batch.length * 3 * frames * plane;
  if (size > MOST_VALUES)
    throw new LimitError(
      `clips of ${frames} frames of ${width} x ${height}`,
      size,
      MOST_VALUES,
      "values",
      "take fewer frames, or a smaller resolution",
    );
  const values = new Float32Array(size);
  batch.forEach((cropped, item) => {
    viewsOf(cropped).forEach((view, frame) => {
      const { data } = viewValues([view], transform); // (1, 3, height, width)
      for (let channel = 0; channel < 3; channel++)
        values.set(
          data.subarray(channel * plane, (channel + 1) * plane),
          ((item * 3 + channel) * frames + frame) * plane,
        );
    });
  });
  return tensor("float32", [batch.length, 3, frames, height, width], values);
}
