// The worst pictures of an evaluation, drawn: what is right, wrong and missed, or what is there beside what was found.
import { type DrawnPart, drawParts } from "../../boxes/draw.ts";
import type { Dataset } from "../../data/dataset.ts";
import { checkAborted, loadPicture } from "../../data/files.ts";
import type { RawImage } from "../../image/raw-image.ts";
import type { Host, JpegHost } from "../../platform/host.ts";
import type { PictureAccess } from "../answers.ts";
import { toBase64 } from "../base64.ts";
import type { WorstPicture } from "./evaluation.ts";
import { finishDrawing } from "./parts-file.ts";

export interface DrawnWorst extends Pick<WorstPicture, "name" | "note"> {
  /** As data URIs. */
  readonly found: string;
  readonly truth: string | undefined;
}

export interface DrawWorstOptions extends PictureAccess {
  readonly host: Pick<Host, "encodePng" | "layTextOver"> & Partial<JpegHost>;
  readonly signal?: AbortSignal;
}

/** Sharp enough to see what is meant; a page of them stays at a few megabytes. */
const SIDES: readonly [number, number] = [400, 560];

/** Pictures are read again: keeping all of them until the worst are known would take their memory. */
export async function drawWorst(
  dataset: Dataset,
  worst: readonly WorstPicture[],
  { files, decode, host, signal }: DrawWorstOptions,
): Promise<DrawnWorst[]> {
  const drawn: DrawnWorst[] = [];
  for (const { index, name, note, found, truth } of worst) {
    checkAborted(signal, "drawing the report");
    const { picture } = await dataset.item(index);
    const image = await loadPicture(picture, files, decode);
    const draw = async (parts: readonly DrawnPart[]) =>
      toUri(await finishDrawing(drawParts(image, parts, { sides: SIDES }), host), host);
    drawn.push({ name, note, found: await draw(found), truth: truth === undefined ? undefined : await draw(truth) });
  }
  return drawn;
}

async function toUri(image: RawImage, host: DrawWorstOptions["host"]): Promise<string> {
  if (host.encodeJpeg === undefined) return `data:image/png;base64,${toBase64(await host.encodePng(image))}`;
  return `data:image/jpeg;base64,${toBase64(await host.encodeJpeg(image, 88))}`;
}
