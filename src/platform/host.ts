// What the library needs of the place it runs in: files, pictures, sessions. node/ implements it with fs, sharp and ONNX Runtime's native
// build; web/ (later) with fetch, ImageDecoder and WASM or WebGPU. Everything above asks a Host and never a platform.
import type { DecodeOptions, RawImage } from "../image/raw-image.ts";
import type { Session, SessionOptions } from "../runtime/session.ts";

export interface FileEntry {
  /** Path as the caller would write it. */
  readonly path: string;
  readonly isDirectory: boolean;
  readonly size: number;
}

export interface Files {
  /** Whole file. Throws NotFoundError, or LimitError when larger than `maxBytes`. */
  read(path: string, options?: { maxBytes?: number }): Promise<Uint8Array>;
  /** Writes to a temporary name beside `path`, syncs, then renames: readers see the old file or the new one, never half of it. */
  writeAtomic(path: string, bytes: Uint8Array | string): Promise<void>;
  /**
   * Adds to the end of a file, which is made when there is none. What a process wrote survives its death, but not a power cut, and a failed or
   * killed append may leave a part of `bytes`: readers must put up with a torn end.
   */
  append(path: string, bytes: Uint8Array | string): Promise<void>;
  /**
   * Moves a file or a folder with all it holds, in one step and durably: it is under the old name or the new one. Both are on the same file
   * system, and nothing may be at `to`.
   */
  rename(from: string, to: string): Promise<void>;
  /** Deletes a file, or a folder with all it holds; links are deleted, not followed. Nothing at `path` is fine. */
  remove(path: string): Promise<void>;
  /** undefined when there is nothing at `path`. */
  stat(path: string): Promise<FileEntry | undefined>;
  /** Entries of a directory, sorted by name. */
  list(path: string): Promise<readonly FileEntry[]>;
  makeDirectory(path: string): Promise<void>;
  join(...parts: string[]): string;
}

/** The machine as the library sees it. */
export interface Host {
  readonly files: Files;
  /** Where downloaded weights are kept, and where the models that come with the package are. */
  readonly folders: { readonly cache: string; readonly bundledModels: string };
  /** Bytes of a JPEG, PNG, WebP, GIF, AVIF or TIFF to 8-bit RGB. Limits are checked before pixels are decoded. */
  decode(bytes: Uint8Array, options?: DecodeOptions): Promise<RawImage>;
  /** RGB pixels to PNG bytes. */
  encodePng(image: RawImage): Promise<Uint8Array>;
  /** A session on the best device that is there (or the one asked for). Never blocks the caller's event loop while it runs. */
  createSession(model: Uint8Array, options?: SessionOptions): Promise<Session>;
}
