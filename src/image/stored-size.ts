// The size that a picture file announces, read from its header alone: limits are checked before a decoder that has none of its own is asked.
import { heicSize } from "./heic-size.ts";
import type { PictureSize } from "./raw-image.ts";
import { jpegFrame, type PictureFormat, pngSize } from "./sniff.ts";

type Read = (bytes: Uint8Array, view: DataView) => PictureSize | undefined;

/** undefined where the header is not there, or not of a kind that is known. */
const READERS: Readonly<Record<PictureFormat, Read>> = {
  jpeg: (bytes) => jpegFrame(bytes),
  png: (bytes) => pngSize(bytes),
  gif: (bytes, view) =>
    bytes.length < 10 ? undefined : { width: view.getUint16(6, true), height: view.getUint16(8, true) },
  webp: webpSize,
  avif: (bytes) => heicSize(bytes),
  heic: (bytes) => heicSize(bytes),
  bmp: bmpSize,
  tiff: () => undefined,
};

/** Width and height as they are stored, before orientation; undefined where the header does not say. */
export function storedSize(bytes: Uint8Array, format: PictureFormat): PictureSize | undefined {
  const size = READERS[format](bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return size === undefined ? undefined : { width: size.width, height: size.height };
}

/** RFC 9649: lossy (VP8), lossless (VP8L) or extended (VP8X), by the first chunk. */
function webpSize(bytes: Uint8Array, view: DataView): PictureSize | undefined {
  if (bytes.length < 30) return undefined;
  const chunk = String.fromCharCode(...bytes.subarray(12, 16));
  if (chunk === "VP8 ") return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  if (chunk === "VP8L") {
    const bits = view.getUint32(21, true);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (chunk !== "VP8X") return undefined;
  const long = (at: number) => view.getUint16(at, true) + (bytes[at + 2]! << 16) + 1;
  return { width: long(24), height: long(27) };
}

function bmpSize(bytes: Uint8Array, view: DataView): PictureSize | undefined {
  if (bytes.length < 26) return undefined;
  const isOld = view.getUint32(14, true) === 12;
  if (isOld) return { width: view.getUint16(18, true), height: view.getUint16(20, true) };
  // A negative height says that rows go from top to bottom.
  return { width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) };
}
