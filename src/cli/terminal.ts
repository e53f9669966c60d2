// What a command may say and where: results on stdout, progress and notices on stderr. Tests hand in their own.
import { LimitError, SaccadeError } from "../errors.ts";
import { DEFAULT_MAX_BYTES } from "../image/raw-image.ts";

export interface Terminal {
  /** Results. */
  out(text: string): void;
  /** Notices and errors, a line each. */
  note(line: string): void;
  /** A line that replaces the previous one; only on a terminal. */
  status(line: string): void;
  /** Columns of the terminal; 80 when it is not one. */
  readonly columns: number;
  /** Whether people watch stderr. */
  readonly interactive: boolean;
  /** All of standard input. Throws LimitError when it is larger than a picture file may be. */
  readInput(): Promise<Uint8Array>;
  readonly signal: AbortSignal;
}

/** The process's own terminal. The first Ctrl-C or SIGTERM asks the command to stop, the second ends the process. */
export function processTerminal(): Terminal {
  const stopping = new AbortController();
  const stop = () => {
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  let statusShown = false;
  const clear = () => {
    if (statusShown) process.stderr.write("\r\u001b[K");
    statusShown = false;
  };
  return {
    out(text) {
      clear();
      process.stdout.write(text);
    },
    note(line) {
      clear();
      process.stderr.write(`${line}\n`);
    },
    status(line) {
      if (!process.stderr.isTTY) return;
      clear();
      process.stderr.write(line.slice(0, (process.stderr.columns ?? 80) - 1));
      statusShown = line !== "";
    },
    columns: process.stdout.columns ?? 80,
    interactive: process.stderr.isTTY === true,
    readInput: () => readAtMost(process.stdin, DEFAULT_MAX_BYTES),
    signal: stopping.signal,
  };
}

/** All that a stream gives. Throws LimitError, and reads no further, when that is more than `maxBytes`. */
export async function readAtMost(stream: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new LimitError("standard input", bytes, maxBytes, "bytes");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * What people read when something fails: the message and what to do about it. Never a stack trace for our own errors; for others only with
 * SACCADE_DEBUG set, because they are faults of this program that somebody will want to report.
 */
export function describeError(error: unknown, debug = process.env.SACCADE_DEBUG !== undefined): string {
  if (error instanceof SaccadeError)
    return `saccade: ${error.message}${error.hint === undefined ? "" : `\n  ${error.hint}`}`
      .split("\n")
      .map(printable)
      .join("\n");
  const text = error instanceof Error ? error.message : String(error);
  if (debug && error instanceof Error && error.stack !== undefined) return `saccade: unexpected error: ${error.stack}`;
  const line = printable(text.split("\n")[0] ?? "");
  return `saccade: unexpected error: ${line} (SACCADE_DEBUG=1 shows where; please report it)`;
}

/** Text out of files, fit for one line of a terminal: control characters, which could move the cursor or worse, are shown as escapes. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) =>
    character === "\n" ? "\\n" : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** Columns of text: every cell padded to the widest of its column, numbers to the right, the last text column cut to the terminal's width. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  options: { right?: readonly number[]; columns?: number } = {},
): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const right = new Set(options.right ?? []);
  const line = (cells: readonly string[]) => {
    const text = cells
      .map((cell, i) => (right.has(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
    const limit = options.columns;
    return limit !== undefined && text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
  };
  return `${[header, ...rows].map(line).join("\n")}\n`;
}

/** 1234567 -> "1.2 M"; for counts of parameters, products and bytes. */
export function compact(value: number, unit = ""): string {
  const steps = [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const;
  const step = steps.find(([size]) => value >= size);
  if (step === undefined) return `${value}${unit === "" ? "" : ` ${unit}`}`;
  const scaled = value / step[0];
  return `${scaled.toFixed(scaled < 10 ? 2 : scaled < 100 ? 1 : 0)} ${step[1]}${unit}`;
}
