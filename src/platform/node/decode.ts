// Pictures in and out in Node, through sharp (libvips); BMP and HEIC, which it cannot read, through decoders of their own. The choices follow Pillow's `Image.open(f).convert("RGB")`, because models were
// trained behind it:
// - Colour profiles are ignored; the stored RGB values are what a model gets. CMYK (which no model takes) becomes RGB by Pillow's plain
//   formula, (1 - ink) * (1 - black), and not through a profile.
// - 16 bits become 8 by keeping the high byte. (Pillow does so for RGB; 16-bit grey it clips to white, which nobody wants.)
// - Alpha is laid over a background, where Pillow would drop it and show whatever colour lies under transparent pixels.
// - EXIF orientation is applied; of animations and multi-page files the first picture is taken.
import type { Metadata, Sharp, SharpOptions } from "sharp";
import { ImageError, LimitError } from "../../errors.ts";
import { decodingFailure, requirePicture } from "../../image/picture-faults.ts";
import { layOver, pickBands, WHITE } from "../../image/pixels.ts";
import {
  DEFAULT_MAX_BYTES,
  DEFAULT_MAX_PIXELS,
  type DecodeOptions,
  type PictureSize,
  type RawImage,
  rawImage,
  requireFewPixels,
} from "../../image/raw-image.ts";
import { jpegFrame, pngSize } from "../../image/sniff.ts";
import { type TiffBands, tiffBands } from "../../image/tiff-bands.ts";
import { asRendition, type Rendition } from "../../image/view.ts";
import { decodeBmp } from "./decode-bmp.ts";
import { decodeHeic } from "./decode-heic.ts";
import { planShrinking, shrink } from "./shrink-on-load.ts";

type SharpFactory = (input: Uint8Array, options?: SharpOptions) => Sharp;

let loading: Promise<SharpFactory> | undefined;

/** sharp, loaded when the first picture comes, because it is an optional dependency and brings 20 MB of native code. */
export function loadSharp(): Promise<SharpFactory> {
  loading ??= import("sharp").then(
    ({ default: sharp }) => {
      // libvips remembers operations across calls, which only costs memory when every picture is new, and starts a thread per core for
      // each picture, which decoding (mostly serial) does not use. Pictures are decoded side by side in libuv's pool instead.
      sharp.cache(false);
      sharp.concurrency(1);
      return sharp;
    },
    (cause: unknown) => {
      loading = undefined;
      throw new ImageError("pictures cannot be read or written here: the package sharp is missing or does not load", {
        code: "image_decoder_missing",
        hint: "npm install sharp; a bundler leaves it out of the program (external)",
        cause,
      });
    },
  );
  return loading;
}

/**
 * Bytes of a JPEG, PNG, WebP, GIF, AVIF, TIFF, BMP or HEIC as upright 8-bit RGB. The content decides what it is, not a name.
 *
 * @throws LimitError when the file has more than `maxBytes` or its header announces more than `maxPixels`; nothing is decoded then.
 * @throws ImageError when the bytes are something else, damaged or cut off.
 * @example const image = await decodeWithSharp(await readFile("guinea-pig.jpg"));
 */
export async function decodeWithSharp(bytes: Uint8Array, options: DecodeOptions = {}): Promise<RawImage> {
  return (await decodeRendition(bytes, options, () => 1)).pixels;
}

/**
 * The same with fewer pixels, where the format allows decoding fewer and the caller allows it.
 *
 * @param mostShrinking how many times smaller a picture of a size may become, at most
 */
export async function decodeRendition(
  bytes: Uint8Array,
  options: DecodeOptions,
  mostShrinking: (size: PictureSize) => number,
): Promise<Rendition> {
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const maxPixels = options.maxPixels ?? DEFAULT_MAX_PIXELS;
  if (bytes.length > maxBytes) throw new LimitError("a picture file", bytes.length, maxBytes, "bytes");
  const format = requirePicture(bytes);
  if (format === "bmp" || format === "heic") {
    const decode = format === "bmp" ? decodeBmp : decodeHeic;
    return decode(bytes, maxPixels, options).then(asRendition, (error: unknown) => {
      throw decodingFailure(error, bytes, format);
    });
  }
  // libpng reads on to the first pixels before it gives a size away, so a PNG's header is read here.
  if (format === "png") requireFewPixels(pngSize(bytes) ?? { width: 0, height: 0 }, maxPixels);
  const bands = format === "tiff" ? tiffBands(bytes) : undefined;
  const sharp = await loadSharp();
  // Small faults that Pillow forgives are forgiven; but a TIFF without its last bytes would be garbage, and only "error" notices.
  const failOn = format === "tiff" ? "error" : "truncated";
  const open = (limitInputPixels: number | false) => sharp(bytes, { failOn, ignoreIcc: true, limitInputPixels });
  try {
    // The header is read without sharp's own limit, so that the refusal can say how large the picture is.
    const metadata = (format === "jpeg" ? plainJpeg(bytes) : undefined) ?? (await open(false).metadata());
    requireFewPixels(metadata, maxPixels);
    checkDepth(metadata);
    const shrinking = await planShrinking(metadata, format, mostShrinking, () => open(false).metadata());
    const { width, height } = shrinking?.target ?? metadata;
    await options.reserve?.((3 + (bands?.extra ?? 0)) * width * height);
    const isCmyk = metadata.space === "cmyk" && (bands !== undefined || !metadata.hasAlpha);
    const whole = open(maxPixels).autoOrient();
    const upright = shrinking === undefined ? whole : shrink(whole, shrinking);
    const isOpaque = bands !== undefined || !metadata.hasAlpha;
    const { data, info } = await (isCmyk ? keepInks(upright) : toRgb(upright, isOpaque, options.background))
      .raw()
      .toBuffer({ resolveWithObject: true });
    const pixels = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const toColors = isCmyk ? cmykToRgb : (rgb: Uint8Array) => rgb;
    const rgb = bands === undefined ? toColors(pixels) : seenBands(pixels, info.channels, bands, toColors, options);
    return { ...asRendition(rawImage(info.width, info.height, rgb)), ...shrinking?.stands };
  } catch (error) {
    throw decodingFailure(error, bytes, format);
  }
}

/**
 * RGB pixels as the bytes of a PNG file.
 *
 * @example await writeFile("gaze.png", await encodePng(drawGaze(image, gaze)));
 */
export async function encodePng(image: RawImage): Promise<Uint8Array> {
  const { width, height, data } = image;
  const sharp = await loadSharp();
  const png = await sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    .png()
    .toBuffer();
  return new Uint8Array(png.buffer, png.byteOffset, png.byteLength);
}

/**
 * RGB pixels as the bytes of a JPEG file, colour at full resolution.
 *
 * @param quality 1 to 100
 */
export async function encodeJpeg(image: RawImage, quality = 92): Promise<Uint8Array> {
  const { width, height, data } = image;
  const sharp = await loadSharp();
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    .jpeg({ quality, chromaSubsampling: "4:4:4" })
    .toBuffer();
  return new Uint8Array(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength);
}

/** What decoding needs to know of a picture. */
type PictureFacts = Pick<Metadata, "width" | "height" | "depth" | "space" | "hasAlpha">;

/** The facts about a grey or colour JPEG of eight bits, from its own header: asking sharp takes a fifth as long as decoding a small one. */
function plainJpeg(bytes: Uint8Array): PictureFacts | undefined {
  const frame = jpegFrame(bytes);
  if (frame?.precision !== 8 || (frame.components !== 1 && frame.components !== 3)) return undefined;
  const { width, height } = frame;
  return width > 0 && height > 0 ? { width, height, depth: "uchar", space: "srgb", hasAlpha: false } : undefined;
}

function checkDepth({ depth }: PictureFacts): void {
  if (depth !== "uchar" && depth !== "ushort")
    throw new ImageError(`the picture's values are of type ${depth}; only 8-bit and 16-bit pictures are read`, {
      code: "image_unsupported",
      hint: "convert it to 8 bits per channel, choosing what is black and what is white",
      data: { depth },
    });
}

function toRgb(picture: Sharp, isOpaque: boolean, background: DecodeOptions["background"] = WHITE): Sharp {
  const [r, g, b] = background;
  const opaque = isOpaque ? picture : picture.flatten({ background: { r, g, b } });
  return opaque.toColourspace("srgb");
}

/** The colours, over the background where one of the other bands is alpha. (libvips has divided colours by the alpha they were multiplied by.) */
function seenBands(
  pixels: Uint8Array,
  channels: number,
  { extra, alpha }: TiffBands,
  toColors: (colors: Uint8Array) => Uint8Array,
  { background = WHITE }: DecodeOptions,
): Uint8Array {
  const colors = channels - extra; // three for one of grey
  const rgb = toColors(pickBands(pixels, channels, [...Array(colors).keys()]));
  return alpha === undefined ? rgb : layOver(rgb, pickBands(pixels, channels, [colors + alpha]), background);
}

function keepInks(picture: Sharp): Sharp {
  return picture.pipelineColourspace("cmyk").toColourspace("cmyk");
}

/** Pillow's cmyk2rgb (src/libImaging/Convert.c): ink times what black leaves over, rounded as its MULDIV255 does. */
function cmykToRgb(inks: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((inks.length / 4) * 3);
  for (let from = 0, to = 0; from < inks.length; from += 4) {
    const light = 255 - inks[from + 3]!;
    for (let channel = 0; channel < 3; channel++) {
      const product = inks[from + channel]! * light + 128;
      rgb[to++] = light - (((product >> 8) + product) >> 8);
    }
  }
  return rgb;
}
