// Pictures whose values are classes: grey PNGs, and PNGs with a palette (Pascal VOC), whose places in the palette are the classes. Decoders give colours,
// so these are looked up again in the palette, which the file says before its pixels.
import { FormatError } from "../../errors.ts";
import type { PictureSize, RawImage } from "../../image/raw-image.ts";
import { IGNORED, type SemanticMap } from "../annotations.ts";
import { type DataFiles, type DecodePicture, loadBytes, loadPicture } from "../files.ts";

/** What reading a map of classes needs. */
export interface MaskPlace {
  readonly files: Pick<DataFiles, "read" | "readRange">;
  readonly decode: DecodePicture;
}

/** What a PNG's header says of how values become colours. */
interface PngForm extends PictureSize {
  /** Bits of a value. */
  readonly depth: number;
  /** 0 grey, 2 colours, 3 palette, 4 and 6 with transparency. */
  readonly kind: number;
  readonly palette?: Uint8Array;
}

/**
 * The class of every pixel, row by row.
 *
 * @param picture the size it must have
 * @throws FormatError for a map of another size, of values that are no classes, or of a kind whose values cannot be told; errors of decoding
 */
export async function loadSemantic(
  { picture: source, name, classes }: SemanticMap,
  picture: PictureSize,
  { files, decode }: MaskPlace,
): Promise<Uint8Array> {
  const bytes = source.kind === "pixels" ? undefined : await loadBytes(source, files);
  const form = bytes === undefined ? undefined : pngForm(bytes);
  if (bytes !== undefined && form === undefined)
    throw new FormatError("mask", `${name} is no PNG`, {
      hint: "other formats change values when they save: a mask is a grey PNG or one with a palette",
    });
  if (form !== undefined && form.depth > 8)
    throw new FormatError("mask", `${name} has values of ${form.depth} bits, and classes are values of at most 8`);
  const image = bytes === undefined ? await loadPicture(source, files, decode) : await decode(bytes);
  if (image.width !== picture.width || image.height !== picture.height)
    throw new FormatError(
      "mask",
      `${name} is ${image.width} x ${image.height}, and its picture ${picture.width} x ${picture.height}`,
    );
  const values =
    form?.palette === undefined ? greyValues(image, form?.depth ?? 8, name) : paletteValues(image, form.palette, name);
  const wrong = values.find((value) => value >= classes && value !== IGNORED);
  if (wrong !== undefined)
    throw new FormatError(
      "mask",
      `${name} has the value ${wrong}, and the classes are 0 to ${classes - 1} (255: nothing is known)`,
    );
  return values;
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** undefined where it is no PNG. A palette comes before the pixels. */
export function pngForm(bytes: Uint8Array): PngForm | undefined {
  if (bytes.length < 33 || SIGNATURE.some((byte, i) => bytes[i] !== byte)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const form = { width: view.getUint32(16), height: view.getUint32(20), depth: bytes[24]!, kind: bytes[25]! };
  if (form.kind !== 3) return form;
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (type === "PLTE") return { ...form, palette: bytes.subarray(at + 8, at + 8 + length) };
    if (type === "IDAT") break;
    at += 12 + length;
  }
  return form;
}

/** Fewer than eight bits were stretched to 0..255 by the decoder. */
function greyValues({ width, height, data }: RawImage, depth: number, name: string): Uint8Array {
  const step = 255 / (2 ** depth - 1);
  const values = new Uint8Array(width * height);
  for (let i = 0, at = 0; i < values.length; i++, at += 3) {
    const value = data[at]!;
    if (data[at + 1] !== value || data[at + 2] !== value)
      throw new FormatError("mask", `${name} has colours, and a mask's values are grey or places in a palette`);
    values[i] = Math.round(value / step);
  }
  return values;
}

function paletteValues({ width, height, data }: RawImage, palette: Uint8Array, name: string): Uint8Array {
  const places = new Map<number, number>();
  for (let i = Math.floor(palette.length / 3) - 1; i >= 0; i--) places.set(colorAt(palette, 3 * i), i);
  const values = new Uint8Array(width * height);
  for (let i = 0, at = 0; i < values.length; i++, at += 3) {
    const place = places.get(colorAt(data, at));
    if (place === undefined) throw new FormatError("mask", `${name} has a colour that is not in its palette`);
    values[i] = place;
  }
  return values;
}

const colorAt = (data: Uint8Array, at: number): number => (data[at]! << 16) | (data[at + 1]! << 8) | data[at + 2]!;
