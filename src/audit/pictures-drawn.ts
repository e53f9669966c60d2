// Pictures small enough for a page: thumbnails as data URIs, and one picture of many for the map.

import type { DataItem } from "../data/dataset.ts";
import { checkAborted, loadPicture, mapLimited } from "../data/files.ts";
import { SaccadeError } from "../errors.ts";
import { toBase64 } from "../evaluate/base64.ts";
import type { RawImage } from "../image/raw-image.ts";
import { parseTransform, type Transform } from "../image/transform.ts";
import { pictureView } from "../image/view.ts";
import type { JpegHost } from "../platform/host.ts";
import type { AuditHost } from "./picture-set.ts";
import type { AuditResult } from "./result.ts";

export type DrawingHost = AuditHost & JpegHost;

const PARALLEL = 4;
const QUALITY = 80;
const THUMBNAIL = parseTransform("resize_long(160,bicubic)");
/** Side of a picture on the map's sheet. */
export const TILE = 48;
const TILE_TRANSFORM = parseTransform(`letterbox(${TILE},${TILE},bicubic,128/128/128)`);

/** Where pictures come from: a place in the set, or a path. */
export type OpenPicture = () => Promise<DataItem["picture"]>;

export function pictureAt({ set, splits }: AuditResult, place: number): OpenPicture {
  const { split, item } = set.pictures[place]!;
  return async () => (await splits[split]!.item(item)).picture;
}

/** JPEG thumbnails of 160 pixels as data URIs; undefined for what cannot be read any more. */
export function drawThumbnails(
  host: DrawingHost,
  pictures: readonly OpenPicture[],
  signal?: AbortSignal,
): Promise<(string | undefined)[]> {
  return mapLimited(pictures, PARALLEL, async (open) => {
    checkAborted(signal, "drawing the report");
    const view = await load(host, open, THUMBNAIL);
    return view && `data:image/jpeg;base64,${toBase64(await host.encodeJpeg(view, QUALITY))}`;
  });
}

export interface Sheet {
  /** A JPEG as a data URI. */
  readonly uri: string;
  /** Tiles in a row; picture i is tile i. */
  readonly columns: number;
  readonly rows: number;
}

/** All pictures as tiles of one. What cannot be read stays grey. */
export async function drawSheet(
  host: DrawingHost,
  pictures: readonly OpenPicture[],
  signal?: AbortSignal,
): Promise<Sheet> {
  const columns = Math.ceil(Math.sqrt(pictures.length));
  const rows = Math.ceil(pictures.length / columns);
  const width = columns * TILE;
  const data = new Uint8Array(3 * width * rows * TILE).fill(128);
  await mapLimited(pictures, PARALLEL, async (open, i) => {
    checkAborted(signal, "drawing the report");
    const view = await load(host, open, TILE_TRANSFORM);
    const [left, top] = [(i % columns) * TILE, Math.floor(i / columns) * TILE];
    for (let y = 0; view !== undefined && y < TILE; y++)
      data.set(view.data.subarray(3 * TILE * y, 3 * TILE * (y + 1)), 3 * ((top + y) * width + left));
  });
  const jpeg = await host.encodeJpeg({ width, height: rows * TILE, data }, QUALITY);
  return { uri: `data:image/jpeg;base64,${toBase64(jpeg)}`, columns, rows };
}

async function load(host: DrawingHost, open: OpenPicture, transform: Transform): Promise<RawImage | undefined> {
  try {
    const decode = (bytes: Uint8Array) => host.decode(bytes, { decode: "fast", transform });
    return pictureView(await loadPicture(await open(), host.dataFiles, decode), transform).pixels;
  } catch (error) {
    if (error instanceof SaccadeError) return undefined;
    throw error;
  }
}
