// What went wrong, in words: what happened and what to do. The library's errors say both themselves; the browser's are told here.

export interface Problem {
  /** What happened, one sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** An error that was worded for people where it was noticed. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(message: string, hint?: string) {
    super(message);
    this.problem = hint === undefined ? { message } : { message, hint };
  }
}

/** The library's errors, whichever copy of it threw them. */
interface WordedError {
  readonly message: string;
  readonly code: string;
  readonly hint: string | undefined;
}

const isWorded = (error: unknown): error is WordedError =>
  error instanceof Error && typeof (error as Partial<WordedError>).code === "string" && "hint" in error;

/** Whether somebody stopped it, which is nothing to report. */
export const isAbort = (error: unknown): boolean =>
  (error instanceof DOMException && error.name === "AbortError") || (isWorded(error) && error.code === "aborted");

/** Names of the browser's own errors, whose messages are for programmers. */
const BROWSER_PROBLEMS: Readonly<Record<string, Problem>> = {
  QuotaExceededError: {
    message: "The browser has no room left to store this.",
    hint: "Free some space on the disk, or forget a cached model under Models. What is on the screen is kept until you close the page.",
  },
  NotReadableError: {
    message: "The file could not be read.",
    hint: "It may have been moved or changed since you chose it: choose it again.",
  },
  NotFoundError: {
    message: "The file is not there any more.",
    hint: "It may have been moved or renamed since you chose it: choose it again.",
  },
  DataCloneError: {
    message: "There was not enough memory for this.",
    hint: "Close other tabs, or take a smaller model.",
  },
  RangeError: { message: "There was not enough memory for this.", hint: "Close other tabs, or take a smaller model." },
};

/** Hints of the library speak of its commands; in the page there are none to type. */
const speaksOfCommands = (hint: string): boolean => /\bsaccade [a-z]+\b|--[a-z]/.test(hint);

/** @param error whatever was thrown */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (isWorded(error)) {
    const message = sentence(error.message);
    return error.hint === undefined || speaksOfCommands(error.hint)
      ? { message }
      : { message, hint: sentence(error.hint) };
  }
  const known = error instanceof Error ? BROWSER_PROBLEMS[error.name] : undefined;
  if (known !== undefined) return known;
  const text = error instanceof Error ? error.message : String(error);
  return {
    message: `Something unexpected happened: ${text.split("\n")[0] ?? ""}`,
    hint: "Reload the page and try again.",
  };
}

/** The library writes lines for terminals; the page writes sentences. */
function sentence(text: string): string {
  const plain = text.replaceAll("(chosen)/", "").replace(/^saccade: /, "");
  // A file's name stays as it is.
  const capital = /^\S*[./]\w/.test(plain) ? plain : plain.charAt(0).toUpperCase() + plain.slice(1);
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}
