// What a caller may hand over as a picture, and how it becomes pixels.
import { type ByteSource, bytesInMemory, describeValue, isUrl, readBytes, type UrlLike } from "../../byte-sources.ts";
import { LimitError, NotFoundError, UsageError } from "../../errors.ts";
import { looksLikePixels, type Pixels, rgbPixels } from "../../image/pixels.ts";
import { DEFAULT_MAX_BYTES, type RawImage } from "../../image/raw-image.ts";
import type { ViewOptions } from "../../image/view.ts";
import type { Host, PictureHost } from "../../platform/host.ts";

/**
 * A path or a file: URL, the bytes of a picture file (in memory, as a Blob or File, or as the Response of a fetch), or pixels (such as a
 * canvas's ImageData).
 */
export type PictureSource = string | UrlLike | ByteSource | Pixels;

/** A platform, which may have kinds of pictures of its own. */
type PicturePlace = Host & Partial<PictureHost>;

/** A picture before it is decoded: the bytes of a file, or pixels that were handed over. */
export type OpenedPicture = { readonly bytes: Uint8Array } | { readonly pixels: RawImage };

/**
 * Decodes what needs decoding.
 *
 * @throws NotFoundError, ImageError, LimitError; UsageError when it is nothing of the kind
 */
export async function readPicture(host: Host, source: PictureSource, options: ViewOptions = {}): Promise<RawImage> {
  const opened = await openPicture(host, source, options);
  return "bytes" in opened ? host.decode(opened.bytes, options) : opened.pixels;
}

/** What is to be decoded, or is pixels already. Throws as `readPicture`. */
export async function openPicture(
  host: PicturePlace,
  source: PictureSource,
  options: ViewOptions = {},
): Promise<OpenedPicture> {
  const own = await host.openPicture?.(source, options);
  const bytes = own === undefined ? await readPictureBytes(host, source, options) : bytesInMemory(own);
  return bytes === undefined ? { pixels: givenPixels(own ?? source, options) } : { bytes };
}

/** The bytes of a picture file; undefined for what is none. Throws NotFoundError, LimitError. */
async function readPictureBytes(
  host: Host,
  source: PictureSource,
  options: ViewOptions,
): Promise<Uint8Array | undefined> {
  if (typeof source === "string") return readPictureFile(host, source, options);
  if (isUrl(source)) return readPictureFile(host, host.pathOf(source), options);
  return readBytes(source, "a picture file", options.maxBytes ?? DEFAULT_MAX_BYTES, options.reserve);
}

/** A picture that was handed over as pixels. Throws UsageError when it is nothing of the kind. */
function givenPixels(source: PictureSource, { background }: ViewOptions): RawImage {
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
