// The worst mistakes as pictures: what the model was shown, and where it looked.
import type { Dataset } from "../data/dataset.ts";
import { checkAborted, loadPicture } from "../data/files.ts";
import { drawGaze } from "../image/explain.ts";
import type { RawImage } from "../image/raw-image.ts";
import { resample } from "../image/resample.ts";
import type { Host } from "../platform/host.ts";
import type { Mistake } from "./accuracy.ts";
import type { PictureAccess, Scorer } from "./answers.ts";
import { toBase64 } from "./base64.ts";

export interface MistakePicture extends Mistake {
  /** The picture, small, as a data URI. */
  readonly thumbnail: string;
  /** Where the model looked on it, as a data URI; undefined when it does not look sparsely. */
  readonly gaze: string | undefined;
}

export interface DrawMistakesOptions extends PictureAccess {
  readonly encodePng: Host["encodePng"];
  /** How many. Default 18. */
  readonly most?: number;
  readonly signal?: AbortSignal;
}

/** Sharp on dense screens, yet a page of them stays at a few megabytes. */
const THUMBNAIL = 160;
const PANEL = 288;

/** Draws the first of the mistakes. Pictures are read and answered again: keeping all of them until the worst are known would take their memory. */
export async function drawMistakes(
  classifier: Scorer,
  dataset: Dataset,
  mistakes: readonly Mistake[],
  options: DrawMistakesOptions,
): Promise<MistakePicture[]> {
  const { files, decode, encodePng, most = 18, signal } = options;
  const pictures: MistakePicture[] = [];
  const toUri = async (image: RawImage) => `data:image/png;base64,${toBase64(await encodePng(image))}`;
  for (const mistake of mistakes.slice(0, most)) {
    checkAborted(signal, "drawing the report");
    const { picture } = await dataset.item(mistake.index);
    const image = await loadPicture(picture, files, decode);
    const [scores] = await classifier.scores([image], { explain: true, ...(signal === undefined ? {} : { signal }) });
    const gaze = scores?.gaze;
    // The last look shows where all of the looking led.
    const last = gaze === undefined ? undefined : { ...gaze, stages: gaze.stages.slice(-1) };
    pictures.push({
      ...mistake,
      thumbnail: await toUri(shrink(image)),
      gaze:
        last === undefined ? undefined : await toUri(coarsen(drawGaze(image, last, { panelSize: PANEL, columns: 2 }))),
    });
  }
  return pictures;
}

/** Small pictures stay as they are. */
function shrink(image: RawImage): RawImage {
  const factor = THUMBNAIL / Math.max(image.width, image.height);
  if (factor >= 1) return image;
  const side = (length: number) => Math.max(1, Math.round(length * factor));
  return resample(image, side(image.width), side(image.height), { filter: "bicubic" });
}

/** Six bits a channel look alike and take half the bytes as PNG. In place. */
function coarsen(image: RawImage): RawImage {
  const { data } = image;
  for (let i = 0; i < data.length; i++) data[i] = Math.min(255, data[i]! + 2) & 0xfc;
  return image;
}
