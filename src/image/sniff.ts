// What a file is, by its first bytes; names and extensions lie. Only the formats that decoders here take are accepted, everything else gets
// a name that an error message can use.

export const PICTURE_FORMATS = ["jpeg", "png", "webp", "gif", "avif", "tiff", "bmp", "heic"] as const;
/** The picture formats that can be decoded. */
export type PictureFormat = (typeof PICTURE_FORMATS)[number];

/** `picture` is set when it is one of ours; `name` is what to call it in a sentence: "a JPEG picture", "text". */
export interface Sniffed {
  readonly picture: PictureFormat | undefined;
  readonly name: string;
}

const PICTURE_NAMES: Readonly<Record<PictureFormat, string>> = {
  jpeg: "a JPEG picture",
  png: "a PNG picture",
  webp: "a WebP picture",
  gif: "a GIF picture",
  avif: "an AVIF picture",
  tiff: "a TIFF picture",
  bmp: "a BMP picture",
  heic: "a HEIC picture",
};

/** First bytes as Latin-1 and what they mean. "." stands for any byte. */
const SIGNATURES: readonly (readonly [start: string, meaning: PictureFormat | { readonly name: string }])[] = [
  ["\xff\xd8\xff", "jpeg"],
  ["\x89PNG\r\n\x1a\n", "png"],
  ["GIF87a", "gif"],
  ["GIF89a", "gif"],
  ["RIFF....WEBP", "webp"],
  ["RIFF....AVI ", { name: "an AVI video" }],
  ["RIFF....WAVE", { name: "a WAV sound" }],
  ["II*\0", "tiff"],
  ["MM\0*", "tiff"],
  ["II+\0", "tiff"],
  ["MM\0+", "tiff"],
  ["\0\0\x01\0", { name: "a Windows icon" }],
  ["8BPS", { name: "a Photoshop document" }],
  ["\0\0\0\x0cJXL ", { name: "a JPEG XL picture" }],
  ["\xff\x0a", { name: "a JPEG XL picture" }],
  ["\0\0\0\x0cjP  ", { name: "a JPEG 2000 picture" }],
  ["%PDF", { name: "a PDF document" }],
  ["PK\x03\x04", { name: "a zip archive" }],
  ["\x1f\x8b", { name: "a gzip archive" }],
  ["\x1a\x45\xdf\xa3", { name: "a Matroska or WebM video" }],
  ["FLV\x01", { name: "a Flash video" }],
  ["0&\xb2u\x8ef\xcf\x11", { name: "a Windows Media video" }],
  ["\0\0\x01\xba", { name: "an MPEG video" }],
  ["OggS", { name: "an Ogg file" }],
  ["ID3", { name: "an MP3 sound" }],
];

/** Where packets of MPEG-TS begin, each with the same byte. */
const TRANSPORT_PACKETS = [0, 188, 376, 564];

const latin1 = (bytes: Uint8Array, start: number, end: number): string =>
  String.fromCharCode(...bytes.subarray(start, end));

/** What these bytes are. Looks at the first 4096. */
export function sniff(bytes: Uint8Array): Sniffed {
  const start = latin1(bytes, 0, 16);
  if (start.slice(4, 8) === "ftyp") return sniffBoxes(bytes);
  if (TRANSPORT_PACKETS.every((at) => bytes[at] === 0x47)) return { picture: undefined, name: "an MPEG-TS video" };
  const meanings = SIGNATURES.flatMap(([signature, meaning]) => (fits(start, signature) ? [meaning] : []));
  const picture = meanings.find((meaning) => typeof meaning === "string");
  if (picture !== undefined) return { picture, name: PICTURE_NAMES[picture] };
  // Reading text takes longer than decoding a small picture, so it comes last; "BM" and "ID3" also begin words.
  const text = readText(bytes.subarray(0, 4096));
  if (start.startsWith("BM") && text === undefined) return { picture: "bmp", name: PICTURE_NAMES.bmp };
  const [other] = meanings.filter((meaning) => typeof meaning !== "string");
  if (other !== undefined && text === undefined) return { picture: undefined, name: other.name };
  return { picture: undefined, name: text === undefined ? "not a known kind of picture" : nameText(text) };
}

function fits(start: string, signature: string): boolean {
  for (let i = 0; i < signature.length; i++) if (signature[i] !== "." && signature[i] !== start[i]) return false;
  return true;
}

/** MP4-like files say in their first box what they are. */
function sniffBoxes(bytes: Uint8Array): Sniffed {
  const length = Math.min(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0), 256);
  const brands: readonly string[] = latin1(bytes, 8, length).match(/.{4}/gs) ?? [];
  if (brands.includes("avif") || brands.includes("avis")) return { picture: "avif", name: PICTURE_NAMES.avif };
  if (brands.some((brand) => /^(hei[cx]|hev[cx]|mif1|msf1)$/.test(brand)))
    return { picture: "heic", name: PICTURE_NAMES.heic };
  if (brands[0]?.startsWith("M4A") === true) return { picture: undefined, name: "an MP4 sound" };
  return { picture: undefined, name: brands[0] === "qt  " ? "a QuickTime video" : "an MP4 video" };
}

function nameText(text: string): string {
  if (/<svg[\s>]/i.test(text)) return "an SVG drawing";
  if (/^\s*(<!--.*?-->\s*)*<(!doctype html|html|head|body)/is.test(text)) return "an HTML page";
  return "text";
}

/** The bytes as text, or undefined when they are not text. */
function readText(bytes: Uint8Array): string | undefined {
  const hasUtf16Mark = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const encoding = !hasUtf16Mark ? "utf-8" : bytes[0] === 0xff ? "utf-16le" : "utf-16be";
  const text = new TextDecoder(encoding).decode(bytes);
  // A character cut in two at the end is fine; binary data soon has control characters or broken ones.
  const isBinary = [...text.slice(0, -1)].some(
    (character) => character === "\ufffd" || (character < " " && !"\t\n\r\f".includes(character)),
  );
  return isBinary || text.length === 0 ? undefined : text;
}

/** Whether a file of this format stops before its own structure says it ends. A guess for wording an error, not a validation. */
export function looksCutOff(bytes: Uint8Array, format: PictureFormat): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (format) {
    case "jpeg":
      return !latin1(bytes, Math.max(0, bytes.length - 64), bytes.length).includes("\xff\xd9");
    case "gif":
      return bytes.at(-1) !== 0x3b;
    case "webp":
      return bytes.length < 12 || view.getUint32(4, true) + 8 > bytes.length;
    case "png": {
      let at = 8;
      while (at + 12 <= bytes.length) {
        if (latin1(bytes, at + 4, at + 8) === "IEND") return false;
        at += view.getUint32(at) + 12;
      }
      return true;
    }
    case "tiff":
      return tiffLooksCutOff(view, bytes[0] === 0x49);
    case "bmp":
      return bytes.length < 6 || view.getUint32(2, true) > bytes.length;
    case "avif":
    case "heic": {
      let at = 0;
      while (at + 8 <= bytes.length) {
        const size = view.getUint32(at);
        if (size < 8) return false; // 0: to the end of the file; 1: a 64-bit size
        at += size;
      }
      return at !== bytes.length;
    }
  }
}

/** The first directory, or a value that it points to, lies beyond the end. */
function tiffLooksCutOff(view: DataView, littleEndian: boolean): boolean {
  const end = view.byteLength;
  const directory = end < 8 ? end : view.getUint32(4, littleEndian);
  if (directory + 2 > end) return true;
  const entries = view.getUint16(directory, littleEndian);
  if (directory + 2 + entries * 12 > end) return true;
  const typeBytes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];
  for (let entry = directory + 2; entry < directory + 2 + entries * 12; entry += 12) {
    const size = (typeBytes[view.getUint16(entry + 2, littleEndian)] ?? 1) * view.getUint32(entry + 4, littleEndian);
    if (size > 4 && view.getUint32(entry + 8, littleEndian) + size > end) return true;
  }
  return false;
}

/** Width and height from a PNG's first chunk, or undefined when the file stops before. Needs nothing after it to be there. */
export function pngSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  if (bytes.length < 24) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** What the frame header of a JPEG says. */
export interface JpegFrame {
  readonly width: number;
  readonly height: number;
  /** Bits of a value. */
  readonly precision: number;
  /** 1 grey, 3 colour, 4 inks. */
  readonly components: number;
}

/** The first frame header of a JPEG, which comes before the pixels; undefined when it is not where it should be. */
export function jpegFrame(bytes: Uint8Array): JpegFrame | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 2;
  while (at + 10 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1]!;
    if (marker === 0xff)
      at += 1; // markers may have any number of these before them
    else if (isFrame(marker))
      return {
        precision: bytes[at + 4]!,
        height: view.getUint16(at + 5),
        width: view.getUint16(at + 7),
        components: bytes[at + 9]!,
      };
    else if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xda))
      return undefined; // no segment, or the pixels already
    else at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

/** SOF0 to SOF15, but the three among them that are tables: Huffman, extensions, arithmetic conditioning. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}
