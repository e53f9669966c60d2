// What the library needs of the place it runs in: files, pictures, sessions. node/ implements it with fs, sharp and ONNX Runtime's native
// build; web/ with the browser's storage, its decoders and ONNX Runtime's builds for pages. Everything above asks a Host and never a platform.
import type { UrlLike } from "../byte-sources.ts";
import type { DataFiles } from "../data/files.ts";
import type { BatchWorker } from "../data/loader.ts";
import type { DecodeEmbeddings } from "../embeddings/embedding-table.ts";
import type { Pixels } from "../image/pixels.ts";
import type { RawImage } from "../image/raw-image.ts";
import type { ViewOptions } from "../image/view.ts";
import type { PlanFiles } from "../jobs/plan-files.ts";
import type { QueueOptions, ShardQueue } from "../jobs/queue.ts";
import type { ShardRunner } from "../jobs/shard-attempts.ts";
import type { StorageOf } from "../jobs/storage.ts";
import type { Device, Session, SessionOptions } from "../runtime/session.ts";
import type { StagedSession } from "../runtime/staged-session.ts";
import type { TensorData } from "../tensor.ts";
import type { LiveFrames, LiveOptions, LiveSource, OpenVideoOptions, Video, VideoSource } from "../video/video.ts";

export interface FileEntry {
  /** Path as the caller would write it. */
  readonly path: string;
  readonly isDirectory: boolean;
  readonly size: number;
}

export interface Files {
  /** Whole file. Throws NotFoundError, or LimitError when larger than `maxBytes`. */
  read(path: string, options?: { maxBytes?: number }): Promise<Uint8Array>;
  /**
   * A file that another one names, by its path relative to the folder of that one. The name is not trusted: it may be in that folder or below,
   * links followed. Throws FormatError for a name that leads out of it, else as `read`.
   */
  readBeside(path: string, name: string, options?: { maxBytes?: number }): Promise<Uint8Array>;
  /**
   * Writes to a temporary name beside `path`, syncs, then renames: readers see the old file or the new one, never half of it. A link's target is
   * replaced, not the link; devices and pipes are written into.
   */
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
  /** Entries of a directory, sorted by name. Links to folders that `path` goes through are left out, so that nobody walks in circles. */
  list(path: string): Promise<readonly FileEntry[]>;
  makeDirectory(path: string): Promise<void>;
  /**
   * Takes a folder, which must be there, until what is returned is disposed: whoever else locks it meanwhile, in whatever process, fails with
   * SaccadeError "in_use". What a killed process held is free again.
   */
  lock(folder: string): Promise<AsyncDisposable>;
  join(...parts: string[]): string;
}

/** The machine as the library sees it. */
export interface Host {
  readonly machine: MachineFacts;
  readonly files: Files;
  /** The path that a file: URL stands for. Throws UsageError for other URLs: nothing is fetched. */
  pathOf(url: UrlLike): string;
  /** Where downloaded weights are kept, and where the models that come with the package are. */
  readonly folders: { readonly cache: string; readonly bundledModels: string };
  /** Bytes of a JPEG, PNG, WebP, GIF, AVIF or TIFF to 8-bit RGB, or to what a model sees of it. Limits are checked before pixels are decoded. */
  decode(bytes: Uint8Array, options?: ViewOptions): Promise<RawImage>;
  /** RGB pixels to PNG bytes. */
  encodePng(image: RawImage): Promise<Uint8Array>;
  /** An SVG with a transparent ground, laid over a picture of its size. undefined where there is no typeface to draw its text with. */
  layTextOver(image: RawImage, svg: string): Promise<RawImage | undefined>;
  /** A session on the best device that is there (or the one asked for). Never blocks the caller's event loop while it runs. */
  createSession(model: Uint8Array, options?: SessionOptions): Promise<Session>;
  /** The stages of one model (ONNX bytes by name) in one engine, on one device. State and traces are for sessions of one model. */
  createStagedSession(
    models: ReadonlyMap<string, Uint8Array>,
    options?: Omit<SessionOptions, "state" | "tracePrefix">,
  ): Promise<StagedSession>;
}

/** A host with kinds of pictures of its own: what a page shows, draws on and films. */
export interface PictureHost {
  /**
   * A picture of these kinds as the bytes of a file, or as pixels; undefined for what is the same everywhere: bytes in memory, pixels, and what
   * is no picture at all. Limits and `reserve` are heeded as in decoding.
   */
  openPicture(source: unknown, options: ViewOptions): Promise<Uint8Array | Pixels | undefined>;
}

/** A host that can tell by their content whether bytes are the same. */
export interface DigestHost {
  /** SHA-256, 64 hexadecimal digits. It does not keep the caller's event loop for long, however many bytes there are. */
  sha256(bytes: Uint8Array): Promise<string>;
}

/** A host that keeps what its engine made of a model, so that the next process has less to do. */
export interface KeepingHost {
  /**
   * A session as `createSession` makes one.
   *
   * @param key names what decides the model's bytes: the same key is the same model
   * @param model makes the bytes; not called where something of this key is kept for this machine
   */
  createKeptSession(key: string, model: () => Uint8Array, options?: SessionOptions): Promise<Session>;
  /**
   * A session will be wanted soon: what needs no model is begun.
   *
   * @returns undoes it where no session came
   */
  expectSession(): () => void;
}

/** A host that reads embeddings: whole files, and single vectors out of them. */
export interface EmbeddingsHost {
  readonly decodeEmbeddings: DecodeEmbeddings;
  /** The bytes of a file from `start` on; fewer than `length` where it ends before. */
  readRange(path: string, start: number, length: number): Promise<Uint8Array>;
  /** A path that means the same from whatever folder a process works in. */
  absolutePath(path: string): string;
}

/** A host that can also write pictures as JPEG files. */
export interface JpegHost {
  /** RGB pixels to JPEG bytes. @param quality 1 to 100; default 92 */
  encodeJpeg(image: RawImage, quality?: number): Promise<Uint8Array>;
}

/** A host that opens moving pictures. */
export interface VideoHost {
  /**
   * A video file, a folder of frames, an animation.
   *
   * @throws NotFoundError, LimitError, VideoError; its code is "video_decoder_missing" with what to install where nothing here decodes it
   */
  openVideo(source: VideoSource, options?: OpenVideoOptions): Promise<Video>;
  /** A camera, an address, a pipe. Throws as `openVideo`. */
  openLive(source: LiveSource, options?: LiveOptions): Promise<LiveFrames>;
}

export interface EncodeVideoOptions {
  /** "webp" is an animation, whose frames are in memory together. */
  readonly format: "mp4" | "webp";
  /** Frames a second. */
  readonly frameRate: number;
  /** Of a WebP, 1 to 100. Default 90. */
  readonly quality?: number;
  readonly signal?: AbortSignal;
}

/** A host that writes moving pictures. */
export interface VideoWritingHost {
  /**
   * Frames of one size as the bytes of a file.
   *
   * @throws VideoError, "video_decoder_missing" where nothing here writes the format; LimitError
   */
  encodeVideo(frames: AsyncIterable<RawImage> | Iterable<RawImage>, options: EncodeVideoOptions): Promise<Uint8Array>;
}

/** A host that can train: whose files hold data sets, and which has threads to prepare pictures. */
export interface TrainingHost extends Host {
  readonly dataFiles: DataFiles;
  /** A path that means the same from whatever folder a process works in. */
  absolutePath(path: string): string;
  /** Threads that read, decode and augment; they belong to the caller. Default: one less than there are cores. */
  createDataWorkers(count?: number): readonly BatchWorker[];
}

/** A file that is written as its bytes come. Readers see nothing of it before `finish`. */
export interface FileInProgress {
  write(bytes: Uint8Array): Promise<void>;
  /** Makes it the file of its name, durably. */
  finish(): Promise<{ readonly bytes: number; readonly sha256: string }>;
  /** Leaves nothing behind. After `finish` it does nothing. */
  discard(): Promise<void>;
}

/** How shards are computed on a machine, whatever their plan says: plain data. */
export interface ComputeOptions {
  readonly device: Device;
  readonly threads?: number;
  readonly sessions?: number;
  /** Where the plan's model lies here. Default: where it lay when the plan was made. */
  readonly model?: string;
}

/** A host on which batch jobs are planned and worked on. */
export interface JobsHost extends TrainingHost, DigestHost {
  /** Absolute paths, and addresses of stores as they are. */
  readonly storageOf: StorageOf;
  /** Where a plan lies. */
  readonly planFilesOf: (folder: string) => PlanFiles;
  /** A file, or an object of a store. Throws as `Files.writeAtomic`. */
  createFile(path: string): Promise<FileInProgress>;
  /** The bytes of a file or an object from `start` on; fewer than `length` where it ends before. */
  readRange(path: string, start: number, length: number): Promise<Uint8Array>;
  /**
   * @param address undefined: leases in the plan's folder; else postgres://… or redis://…
   * @throws UsageError for another address, SaccadeError where what speaks to it is not installed
   */
  openShardQueue(address: string | undefined, options: QueueOptions): Promise<ShardQueue>;
  /** A process of its own in which shards of a plan are computed; it starts with the first. */
  openShardRunner(
    folder: string,
    options: ComputeOptions & { readonly onNotice: (line: string) => void; readonly silenceMs?: number },
  ): ShardRunner;
  /** For people: the machine's name, and this process's number. */
  readonly self: { readonly host: string; readonly pid: number };
  /** Date and time of day, ISO 8601. */
  date(): string;
  /** A name that nothing else has. */
  newId(): string;
}

/** The machine as a program may use it. */
export interface MachineFacts {
  readonly processor: string;
  /** Cores this process may use, at least 1. */
  readonly cores: number;
  /** Logical cores of the machine, whoever may use them. */
  readonly machineCores: number;
  /** Instruction sets that matter to matrix products, widest last: ["avx2", "avx512f", "avx512_vnni", "amx_int8"]. Empty where unknown. */
  readonly simd: readonly string[];
  /** Memory this process may use, in bytes: the container's limit where there is one. */
  readonly memoryBytes: number;
  /** Whether a container limits the memory. */
  readonly memoryIsLimited: boolean;
}

/** Counters that only grow; two readings tell who used the processor in between. */
export interface LoadCounters {
  readonly wallMs: number;
  /** Processor time of this process, all of its threads. */
  readonly processMs: number;
  /** Processor time of everything on the machine, and what a hypervisor took away from it; undefined where nobody counts it. */
  readonly machineMs: number | undefined;
}

/** A model to run in a process of its own. */
export interface FreshRun {
  readonly model: Uint8Array;
  readonly device: Device;
  readonly threads: number;
  /** Inputs to make up: float32, by name. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly outputs: readonly string[];
  /** Runs after the first one. */
  readonly runs: number;
}

/** How a process of its own fared. */
export interface FreshRunFacts {
  /** From the start of the process to its first own line of code, in milliseconds. */
  readonly startMs: number;
  /** From then until the engine and the model are loaded. The model's file is in the system's cache. */
  readonly loadMs: number;
  /** The first run. */
  readonly firstMs: number;
  /** Resident memory before engine and model are loaded, in bytes. */
  readonly idleBytes: number;
  /** The most resident memory there ever was. */
  readonly peakBytes: number;
}

/** A model to run while every operator's time is recorded. */
export interface TracedRuns {
  readonly device: Device;
  readonly threads: number;
  readonly feeds: Readonly<Record<string, TensorData>>;
  readonly outputs: readonly string[];
  readonly runs: number;
}

/** A host that can also be measured: clocks, counters, processes of their own, traces. */
export interface MeasuringHost extends Host, DigestHost, JpegHost {
  /** For people: "linux-x64", "Node v20.20.2". */
  readonly platform: string;
  readonly runtime: string;
  /** Milliseconds since some moment; never goes back. */
  now(): number;
  /** Date and time of day, ISO 8601. */
  date(): string;
  readLoad(): LoadCounters;
  /** As in Host; the session also says which package and version executes: "onnxruntime-node 1.30.0". */
  createSession(model: Uint8Array, options?: SessionOptions): Promise<Session & { readonly engine: string }>;
  /** Loads and runs a model in a new process. Throws SessionError with what went wrong there, AbortedError when the signal fires. */
  runFresh(run: FreshRun, signal?: AbortSignal): Promise<FreshRunFacts>;
  /** ONNX Runtime's trace (JSON) of some runs. Throws SessionError where the engine cannot record one. */
  trace(model: Uint8Array, runs: TracedRuns, signal?: AbortSignal): Promise<string>;
}
