// What a command may say and where: results on stdout, progress and notices on stderr. Whatever is said passes through here and becomes harmless:
// names of files, labels and metadata come from strangers, and a terminal obeys what is in them.
import { SaccadeError } from "../errors.ts";

export interface Terminal {
  /** Results. Line breaks stay; what else could move the cursor is shown as escapes, which inside of JSON's strings are JSON's own. */
  out(text: string): void;
  /** Notices and errors, a line each. */
  note(line: string): void;
  /** A line that replaces the previous one; only on a terminal. */
  status(line: string): void;
  /** Whether results go nowhere any more: their reader has gone (| head), or the disk is full. Work whose product is a file goes on. */
  readonly outputClosed: boolean;
  /** Columns of the terminal; 80 when it is not one. */
  readonly columns: number;
  /** Whether people watch stderr. */
  readonly interactive: boolean;
  /** All of standard input. Throws LimitError when it is larger than a picture file may be, AbortedError when the signal fires. */
  readInput(): Promise<Uint8Array>;
  readonly signal: AbortSignal;
}

/** Takes what others wrote and makes it harmless before it is shown; `raw` shows what it gets. */
export function harmlessTerminal(raw: Terminal): Terminal {
  return {
    // CSV has line ends of two characters.
    out: (text) => raw.out(text.replace(/[^\n]*?(?=\r?\n|$)/g, printable)),
    note: (line) => raw.note(printable(line)),
    status: (line) => raw.status(printable(line)),
    get outputClosed() {
      return raw.outputClosed;
    },
    columns: raw.columns,
    interactive: raw.interactive,
    readInput: () => raw.readInput(),
    signal: raw.signal,
  };
}

/**
 * What people read when something fails: the message and what to do about it. Never a stack trace for our own errors; for others only with
 * SACCADE_DEBUG set, because they are faults of this program that somebody will want to report.
 */
export function describeError(error: unknown, debug = process.env.SACCADE_DEBUG !== undefined): string {
  if (error instanceof SaccadeError) {
    const hint = error.hint === undefined ? [] : error.hint.split("\n");
    const [message = "", ...more] = error.message.split("\n");
    // Indented, so that no name with a line break in it looks like another message.
    const further = [...more, ...hint].map((line) => `  ${printable(line.trim())}`);
    return [`saccade: ${printable(message)}`, ...further].join("\n");
  }
  const text = error instanceof Error ? error.message : String(error);
  if (debug && error instanceof Error && error.stack !== undefined) return `saccade: unexpected error: ${error.stack}`;
  const line = printable(text.split("\n")[0] ?? "");
  return `saccade: unexpected error: ${line} (SACCADE_DEBUG=1 shows where; please report it)`;
}

/**
 * Says what failed, in the lines of `describeError`; `about` instead of the program's name where there are several things to fail, unless the message
 * begins or ends with it.
 */
export function noteError(terminal: Terminal, error: unknown, about = "saccade"): void {
  const [first = "", ...more] = describeError(error).split("\n");
  const message = first.replace(/^saccade: /, "");
  const namesIt =
    [": ", " ", ", "].some((after) => message.startsWith(about + after)) || message.endsWith(`: ${about}`);
  terminal.note(namesIt ? message : `${about}: ${message}`);
  for (const line of more) terminal.note(line);
}

/**
 * Text out of files, fit for one line of a terminal: control characters, line breaks and changes of the writing direction, which could move the
 * cursor or show another text than there is, become escapes.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, (character) => {
    if (character === "\n") return "\\n";
    const code = character.charCodeAt(0).toString(16);
    return character < " " ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`;
  });
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
