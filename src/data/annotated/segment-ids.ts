// PNGs whose colours are ids of segments (COCO panoptic): the masks of things and stuff, which no other file has.
import { maskBox, masksOf } from "../../boxes/masks.ts";
import { FormatError } from "../../errors.ts";
import type { PictureSize } from "../../image/raw-image.ts";
import type { PictureAnnotations, SegmentIds } from "../annotations.ts";
import { loadBytes, loadPicture } from "../files.ts";
import { type MaskPlace, pngForm } from "./index-picture.ts";

/**
 * The same annotations with the masks of what is on the picture; what has none of its own stays as it is.
 *
 * @param picture the size that the PNG must have
 * @throws FormatError for a PNG of another size or kind, with ids that are not listed, or without pixels of one that is; errors of decoding
 */
export async function withSegmentMasks(
  annotations: PictureAnnotations,
  picture: PictureSize,
  place: MaskPlace,
): Promise<PictureAnnotations> {
  const { segments, objects, ...others } = annotations;
  if (segments === undefined) return annotations;
  const masks = masksOf(await loadIds(segments, picture, place), picture);
  return {
    ...others,
    objects: objects.map((object, i) => {
      const id = segments.ids[i]!;
      const mask = masks.get(id);
      const box = mask && maskBox(mask);
      if (box === undefined)
        throw new FormatError("segments", `${segments.name} has no pixel of the segment ${id}, which is listed`);
      return { ...object, box, mask: mask! };
    }),
  };
}

/** The id of each pixel, row by row, 0 for none; of listed segments that cannot be used 0 too. */
async function loadIds(
  { picture: source, name, ids, unused }: SegmentIds,
  picture: PictureSize,
  { files, decode }: MaskPlace,
): Promise<Int32Array> {
  const bytes = source.kind === "pixels" ? undefined : await loadBytes(source, files);
  if (bytes !== undefined) requireColours(bytes, name, picture);
  const image = bytes === undefined ? await loadPicture(source, files, decode) : await decode(bytes);
  requireOfSize(image, name, picture);
  const used = new Set(ids);
  const known = new Set([0, ...unused]);
  const values = new Int32Array(picture.width * picture.height);
  const { data } = image;
  let [last, value] = [-1, 0];
  for (let i = 0, at = 0; i < values.length; i++, at += 3) {
    const id = data[at]! + 256 * data[at + 1]! + 65_536 * data[at + 2]!;
    if (id !== last) {
      if (!used.has(id) && !known.has(id))
        throw new FormatError("segments", `${name} has pixels of the segment ${id}, which is not listed`);
      last = id;
      value = used.has(id) ? id : 0;
    }
    values[i] = value;
  }
  return values;
}

function requireColours(bytes: Uint8Array, name: string, picture: PictureSize): void {
  const form = pngForm(bytes);
  if (form === undefined)
    throw new FormatError("segments", `${name} is no PNG`, { hint: "other formats change ids when they save" });
  if (form.depth !== 8 || (form.kind !== 2 && form.kind !== 6))
    throw new FormatError(
      "segments",
      `${name} is no PNG of red, green and blue with 8 bits each, of which ids are made`,
    );
  // Before anything is decoded: strangers' files may announce any size.
  requireOfSize(form, name, picture);
}

function requireOfSize({ width, height }: PictureSize, name: string, picture: PictureSize): void {
  if (width === picture.width && height === picture.height) return;
  throw new FormatError(
    "segments",
    `${name} is ${width} x ${height}, and its picture ${picture.width} x ${picture.height}`,
  );
}
