// What is wrong with the bytes of a picture file, in words: for whoever decodes them, on every platform.
import { ImageError, LimitError } from "../errors.ts";
import { looksCutOff, type PictureFormat, sniff } from "./sniff.ts";

const SUPPORTED = "JPEG, PNG, WebP, GIF, AVIF, TIFF, BMP and HEIC are read";

/**
 * The format of a picture file, by its content.
 *
 * @param supported which formats are read here, for messages
 * @throws ImageError for what is none
 */
export function requirePicture(bytes: Uint8Array, supported = SUPPORTED): PictureFormat {
  if (bytes.length === 0)
    throw new ImageError("the file is empty: 0 bytes", {
      code: "image_empty",
      hint: "was it copied completely?",
    });
  const { picture, name } = sniff(bytes);
  if (picture !== undefined) return picture;
  const isOtherPicture = /picture|icon|drawing|Photoshop/.test(name) && !name.startsWith("not ");
  const hint =
    name === "an SVG drawing"
      ? `${supported}; render the drawing to PNG first`
      : isOtherPicture
        ? `${supported}; convert it to one of these`
        : / video$/.test(name)
          ? `videos are not pictures: a model of videos classifies them; ${supported}`
          : supported;
  throw new ImageError(
    isOtherPicture
      ? `this is ${name}, which cannot be read`
      : `this is ${name}${name.startsWith("not ") ? "" : ", not a picture"}`,
    {
      code: isOtherPicture ? "image_unsupported" : "not_an_image",
      hint,
      data: { found: name, firstBytes: Array.from(bytes.subarray(0, 16)) },
    },
  );
}

/** What a decoder says, told as a fact about the picture. What is one of our errors stays it. */
export function decodingFailure(error: unknown, bytes: Uint8Array, format: PictureFormat): ImageError | LimitError {
  if (error instanceof ImageError || error instanceof LimitError) return error;
  const detail = (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, "; ").slice(0, 200);
  const isCutOff = looksCutOff(bytes, format) || /premature end|unexpected end/i.test(detail);
  return new ImageError(
    isCutOff
      ? `the ${format.toUpperCase()} picture is truncated: its data stops before its end`
      : `the ${format.toUpperCase()} picture is damaged or of a kind that cannot be read (${detail})`,
    {
      code: isCutOff ? "image_truncated" : "image",
      hint: isCutOff ? "copy or download the file again" : "open and save it with another program",
      data: { format, bytes: bytes.length, detail },
      cause: error,
    },
  );
}
