// What a caller may hand over as a picture, and how it becomes pixels.
import { LimitError, NotFoundError } from "../errors.ts";
import { DEFAULT_MAX_BYTES, type DecodeOptions, type RawImage } from "../image/raw-image.ts";
import type { Host } from "../platform/host.ts";

/** A path, the bytes of a picture file, or pixels. */
export type PictureSource = string | Uint8Array | RawImage;

/** Decodes what needs decoding. Throws NotFoundError, ImageError or LimitError. */
export async function readPicture(host: Host, source: PictureSource, options: DecodeOptions = {}): Promise<RawImage> {
  if (typeof source !== "string") return source instanceof Uint8Array ? host.decode(source, options) : source;
  const entry = await host.files.stat(source);
  if (entry === undefined) throw new NotFoundError("picture", source, "check the path");
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  if (entry.size > maxBytes) throw new LimitError(`picture ${source}`, entry.size, maxBytes, "bytes");
  await options.reserve?.(entry.size);
  return host.decode(await host.files.read(source, { maxBytes }), options);
}
