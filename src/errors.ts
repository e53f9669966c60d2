// Every failure a user can meet is a SaccadeError with a stable `code`, the facts as `data`, and a `hint` that says what to do.
// The command line maps UsageError to exit code 2 and everything else to 1; nobody ever sees a stack trace for these.

/**
 * Base of all errors this library throws on purpose. The command line's `--json` shows `code` and `message`. Codes are the classes' own
 * ("usage", "format", "limit", "not_found", …); pictures have several: see `ImageErrorCode`.
 */
export class SaccadeError extends Error {
  /** Written out in every class: bundlers shorten the names of classes. */
  override readonly name: string = "SaccadeError";
  /** Stable, machine-readable: "weights_mismatch", "image_too_large", ... */
  readonly code: string;
  /** What to do about it, one sentence. */
  readonly hint: string | undefined;
  /** The facts, JSON-compatible. */
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { hint?: string; data?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.data = options.data ?? {};
  }
}

/** The caller asked for something that makes no sense: wrong option, wrong argument. Exit code 2. */
export class UsageError extends SaccadeError {
  override readonly name: string = "UsageError";
  constructor(message: string, hint?: string, data?: Record<string, unknown>) {
    super("usage", message, { ...(hint === undefined ? {} : { hint }), ...(data === undefined ? {} : { data }) });
  }
}

/** Shapes that do not go together, with the op, the shapes and the parameter path in the message. */
export class ShapeError extends SaccadeError {
  override readonly name: string = "ShapeError";
  constructor(op: string, problem: string, shapes: readonly string[], path: string) {
    const where = path === "" ? "" : ` at ${path}`;
    super("shape", `${op}${where}: ${problem} (shapes ${shapes.join(", ")})`, { data: { op, problem, shapes, path } });
  }
}

/** A file whose bytes are not what its format demands: truncated, lying about sizes, malformed. */
export class FormatError extends SaccadeError {
  override readonly name: string = "FormatError";
  constructor(
    format: string,
    problem: string,
    options: { hint?: string; data?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super("format", `${format}: ${problem}`, { ...options, data: { format, problem, ...options.data } });
  }
}

/** Something is larger than a limit that protects the caller's memory or time. */
export class LimitError extends SaccadeError {
  override readonly name: string = "LimitError";
  constructor(what: string, actual: number, limit: number, unit: string, hint?: string) {
    super("limit", `${what}: ${actual} ${unit}, the limit is ${limit} ${unit}`, {
      ...(hint === undefined ? {} : { hint }),
      data: { what, actual, limit, unit },
    });
  }
}

/** How named tensors and a model's parameters differ. */
export interface WeightsMisfit {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly wrongShape: readonly { name: string; expected: readonly number[]; actual: readonly number[] }[];
  /** Tensors that the file has in a kind that nothing here reads: name and kind ("sparse", "float8_e4m3fn"). */
  readonly unread?: ReadonlyMap<string, string>;
}

/** Weights that do not fit a model. Lists every name, so that the reason is visible. */
export class WeightsMismatchError extends SaccadeError implements WeightsMisfit {
  override readonly name: string = "WeightsMismatchError";
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly wrongShape: WeightsMisfit["wrongShape"];
  readonly unread: ReadonlyMap<string, string>;

  constructor(model: string, { missing, unexpected, wrongShape, unread = new Map() }: WeightsMisfit) {
    const list = (title: string, names: readonly string[]) =>
      names.length === 0
        ? ""
        : `\n  ${title} (${names.length}): ${names.slice(0, 12).join(", ")}${names.length > 12 ? `, and ${names.length - 12} more` : ""}`;
    const shapes = wrongShape.map(
      (w) => `${w.name} is [${w.actual.join(", ")}] but must be [${w.expected.join(", ")}]`,
    );
    const kinds = [...unread].map(([name, kind]) => `${name} (${kind})`);
    super(
      "weights_mismatch",
      `the weights do not fit ${model}${list("missing", missing)}${list("unexpected", unexpected)}${list("wrong shape", shapes)}${list("in the file, but of a kind that is not read", kinds)}`,
      {
        hint:
          unread.size === 0
            ? "check that the file belongs to this architecture and configuration: saccade inspect FILE"
            : "save them as plain dense tensors first: in PyTorch tensor.to_dense(), tensor.dequantize() or tensor.float()",
        data: { missing, unexpected, wrongShape, ...(unread.size === 0 ? {} : { unread: Object.fromEntries(unread) }) },
      },
    );
    this.missing = missing;
    this.unexpected = unexpected;
    this.wrongShape = wrongShape;
    this.unread = unread;
  }
}

/**
 * Why a picture is not usable:
 * - `image_empty`: a file of 0 bytes
 * - `image_truncated`: its data stops before its end; copying or downloading it again may help
 * - `not_an_image`: something else, such as text or an archive; `data.found` says what
 * - `image_unsupported`: a picture, but of a kind that is not read
 * - `image_decoder_missing`: a picture that an optional package reads, which is not installed; the hint says which
 * - `image_pixels`: pixels that a program handed over, and that do not fit their width and height
 * - `image`: damaged
 */
export type ImageErrorCode =
  | "image"
  | "image_empty"
  | "image_truncated"
  | "not_an_image"
  | "image_unsupported"
  | "image_decoder_missing"
  | "image_pixels";

/** A picture that cannot be decoded or is not usable. Its `code` says why: see `ImageErrorCode`. */
export class ImageError extends SaccadeError {
  override readonly name: string = "ImageError";
  declare readonly code: ImageErrorCode;

  constructor(
    problem: string,
    options: { code?: ImageErrorCode; hint?: string; data?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    const { code = "image", ...rest } = options;
    super(code, problem, rest);
  }
}

/**
 * Why a video cannot be used.
 *
 * - `video`: damaged, or the decoder died of it
 * - `video_empty`: no file, or no frame in it
 * - `video_cut_off`: it ends before what it announces; what came before was given
 * - `not_a_video`: nothing in it is moving pictures
 * - `video_unsupported`: a codec or a form that the decoder does not have
 * - `video_decoder_missing`: nothing is installed that decodes it
 * - `video_stalled`: the decoder or the source said nothing for too long
 */
export type VideoErrorCode =
  | "video"
  | "video_empty"
  | "video_cut_off"
  | "not_a_video"
  | "video_unsupported"
  | "video_decoder_missing"
  | "video_stalled";

/** A video that cannot be decoded or is not usable. Its `code` says why: see `VideoErrorCode`. */
export class VideoError extends SaccadeError {
  override readonly name: string = "VideoError";
  declare readonly code: VideoErrorCode;

  constructor(
    problem: string,
    options: { code?: VideoErrorCode; hint?: string; data?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    const { code = "video", ...rest } = options;
    super(code, problem, rest);
  }
}

/** A name that no registry knows, or a path where nothing is. */
export class NotFoundError extends SaccadeError {
  override readonly name: string = "NotFoundError";
  constructor(what: string, name: string, hint?: string) {
    super("not_found", `${what} not found: ${name}`, { ...(hint === undefined ? {} : { hint }), data: { what, name } });
  }
}

/** The engine refused a model or failed while running it, or a device is not there. */
export class SessionError extends SaccadeError {
  override readonly name: string = "SessionError";
  constructor(problem: string, options: { hint?: string; data?: Record<string, unknown>; cause?: unknown } = {}) {
    super("session", problem, options);
  }
}

/** A download that did not work. */
export class NetworkError extends SaccadeError {
  override readonly name: string = "NetworkError";
  constructor(problem: string, options: { hint?: string; data?: Record<string, unknown>; cause?: unknown } = {}) {
    super("network", problem, options);
  }
}

/** The caller's AbortSignal fired. */
export class AbortedError extends SaccadeError {
  override readonly name: string = "AbortedError";
  constructor(what: string, cause?: unknown) {
    super("aborted", `${what} was aborted`, cause === undefined ? {} : { cause });
  }
}
