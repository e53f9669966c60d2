// What data sets need of the place they run in: files to read and pictures to decode, passed in by the caller.
import { AbortedError, FormatError, UsageError } from "../errors.ts";
import { baseName } from "../image/picture-files.ts";
import type { DecodeOptions, RawImage } from "../image/raw-image.ts";
import type { DecodeParquet } from "./parquet-decode.ts";

export interface DataFileEntry {
  /** Path as the caller would write it. */
  readonly path: string;
  readonly isDirectory: boolean;
  readonly size: number;
}

/** Access to files. A `Host`'s files are of this kind. */
export interface DataFiles {
  read(path: string, options?: { maxBytes?: number }): Promise<Uint8Array>;
  /** undefined when there is nothing at `path`. */
  stat(path: string): Promise<DataFileEntry | undefined>;
  /** Entries of a directory, sorted by name. */
  list(path: string): Promise<readonly DataFileEntry[]>;
  join(...parts: string[]): string;
  /** Part of a file. Where it is missing, archives are kept in memory whole. */
  readRange?(path: string, start: number, length: number): Promise<Uint8Array>;
  /** Decodes Parquet files in a thread that can be ended. Where it is missing, they are decoded in the caller's. */
  readonly decodeParquet?: DecodeParquet;
}

/** Bytes of a JPEG, PNG, … to upright 8-bit RGB. */
export type DecodePicture = (bytes: Uint8Array, options?: DecodeOptions) => Promise<RawImage>;

/** Where the pixels of one sample are: plain data, so that any thread can go and get them. */
export type PictureSource =
  | { readonly kind: "file"; readonly path: string }
  /** A picture file inside a larger file. */
  | { readonly kind: "range"; readonly path: string; readonly start: number; readonly length: number }
  /** A picture file's bytes, which fill their buffer alone. */
  | { readonly kind: "encoded"; readonly bytes: Uint8Array }
  | { readonly kind: "pixels"; readonly image: RawImage }
  /** Moving pictures, for models of videos: a video file, an animation or a folder of frames, or a part of it in seconds. */
  | { readonly kind: "video"; readonly path: string; readonly start?: number; readonly end?: number }
  /** Moving pictures in memory. */
  | { readonly kind: "frames"; readonly frames: StackedFrames };

/** Frames of one size in one block of memory. */
export interface StackedFrames {
  /** One below the other. */
  readonly image: RawImage;
  /** When each is shown, in seconds, ascending. */
  readonly times: Float64Array;
}

/** The pixels of a sample. */
export async function loadPicture(
  source: PictureSource,
  files: Pick<DataFiles, "read" | "readRange">,
  decode: DecodePicture,
): Promise<RawImage> {
  return source.kind === "pixels" ? source.image : decode(await loadBytes(source, files));
}

/** The bytes of a picture file, wherever it lies. */
export async function loadBytes(
  source: Exclude<PictureSource, { kind: "pixels" }>,
  files: Pick<DataFiles, "read" | "readRange">,
): Promise<Uint8Array> {
  if (source.kind === "video" || source.kind === "frames") throw noPicture(source);
  if (source.kind === "encoded") return source.bytes;
  if (source.kind === "file") return files.read(source.path);
  const { path, start, length } = source;
  const bytes =
    files.readRange === undefined
      ? (await files.read(path)).subarray(start, start + length)
      : await files.readRange(path, start, length);
  if (bytes.length !== length) throw new FormatError("archive", `${path} has become shorter since it was opened`);
  return bytes;
}

function noPicture(source: Extract<PictureSource, { kind: "video" | "frames" }>): UsageError {
  return new UsageError(
    `${source.kind === "video" ? source.path : "this"} is a video, and pictures are wanted here`,
    "models of videos take it: saccade train CLIPS --recipe motion, saccade eval, saccade classify",
  );
}

/** A path without its last part; "" for a bare name. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(path.length - baseName(path).length - 1, 0)) || (/^[/\\]/.test(path) ? "/" : "");
}

/** What `map` makes of each value, in order, with at most `limit` under way at once. */
export async function mapLimited<T, R>(
  values: readonly T[],
  limit: number,
  map: (value: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(values.length);
  let next = 0;
  const run = async () => {
    while (next < values.length) {
      const index = next++;
      results[index] = await map(values[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, values.length) }, run));
  return results;
}

/** Works on several values at once. After a failure nothing new is begun, and what is under way is waited for: it may write files. */
export async function untilFailure<T>(
  values: readonly T[],
  limit: number,
  work: (value: T) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  await mapLimited(values, limit, async (value) => {
    if (failures.length > 0) return;
    await work(value).catch((error: unknown) => failures.push(error));
  });
  if (failures.length > 0) throw failures[0];
}

/** @throws AbortedError when the signal has fired */
export function checkAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new AbortedError(what, signal.reason);
}
