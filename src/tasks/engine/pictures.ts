// What a caller may hand over as a picture, and how it becomes pixels.
import { type ByteSource, describeValue, isUrl, readBytes, type UrlLike } from "../../byte-sources.ts";
import { LimitError, NotFoundError, UsageError } from "../../errors.ts";
import { looksLikePixels, type Pixels, rgbPixels } from "../../image/pixels.ts";
import { DEFAULT_MAX_BYTES, type RawImage } from "../../image/raw-image.ts";
import type { ViewOptions } from "../../image/view.ts";
import type { Host } from "../../platform/host.ts";

/**
 * A path or a file: URL, the bytes of a picture file (in memory, as a Blob or File, or as the Response of a fetch), or pixels (such as a
 * canvas's ImageData).
 */
export type PictureSource = string | UrlLike | ByteSource | Pixels;

/**
 * Decodes what needs decoding.
 *
 * @throws NotFoundError, ImageError, LimitError; UsageError when it is nothing of the kind
 */
export async function readPicture(host: Host, source: PictureSource, options: ViewOptions = {}): Promise<RawImage> {
  const bytes = await readPictureBytes(host, source, options);
  return bytes === undefined ? givenPixels(source, options) : host.decode(bytes, options);
}

/** The bytes of a picture file; undefined for what is none. Throws NotFoundError, LimitError. */
export async function readPictureBytes(
  host: Host,
  source: PictureSource,
  options: ViewOptions,
): Promise<Uint8Array | undefined> {
  if (typeof source === "string") return readPictureFile(host, source, options);
  if (isUrl(source)) return readPictureFile(host, host.pathOf(source), options);
  return readBytes(source, "a picture file", options.maxBytes ?? DEFAULT_MAX_BYTES, options.reserve);
}

/** A picture that was handed over as pixels. Throws UsageError when it is nothing of the kind. */
export function givenPixels(source: PictureSource, { background }: ViewOptions): RawImage {
  if (looksLikePixels(source)) return rgbPixels(source, background);
  throw new UsageError(
    `a picture is a path, bytes or pixels; this is ${describeValue(source)}`,
    "pixels are { width, height, data }",
  );
}

async function readPictureFile(host: Host, path: string, options: ViewOptions): Promise<Uint8Array> {
  const entry = await host.files.stat(path);
  if (entry === undefined) throw new NotFoundError("picture", path, missingHint(path));
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  if (entry.size > maxBytes) throw new LimitError(`picture ${path}`, entry.size, maxBytes, "bytes");
  await options.reserve?.(entry.size);
  return host.files.read(path, { maxBytes });
}

function missingHint(path: string): string {
  return /^(https?|data|blob):/i.test(path)
    ? "addresses are not fetched: download the picture first; a program hands over what fetch answers"
    : "check the path";
}

/**
 * The list itself, when it is one: a path or bytes can be walked through too, one letter at a time.
 *
 * @throws UsageError
 */
export function requireManyPictures<T extends Iterable<unknown> | AsyncIterable<unknown>>(sources: T): T {
  const isList =
    typeof sources === "object" &&
    sources !== null &&
    !ArrayBuffer.isView(sources) &&
    (Symbol.iterator in sources || Symbol.asyncIterator in sources);
  if (isList) return sources;
  throw new UsageError(
    `many pictures come as an array or another iterable; this is ${describeValue(sources)}`,
    "for one picture put [ ] around it",
  );
}
