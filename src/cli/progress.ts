// A progress line: done of total, rate and time left. Nothing is shown in the first second, and nothing where nobody watches.
import { compact, type Terminal } from "./terminal.ts";

const QUIET_MS = 1000;
const REFRESH_MS = 100;

export class Progress {
  readonly #terminal: Terminal;
  readonly #what: string;
  readonly #total: number | undefined;
  readonly #started = performance.now();
  #shown = 0;
  #done = 0;

  /** `total` undefined: only the count and the rate are known. */
  constructor(terminal: Terminal, what: string, total: number | undefined) {
    this.#terminal = terminal;
    this.#what = what;
    this.#total = total;
  }

  advance(by = 1): void {
    this.#done += by;
    const now = performance.now();
    if (now - this.#started < QUIET_MS || now - this.#shown < REFRESH_MS) return;
    this.#shown = now;
    this.#terminal.status(progressText(this.#what, this.#done, this.#total, (now - this.#started) / 1000));
  }

  /** So many are done in all. */
  reach(done: number): void {
    this.advance(done - this.#done);
  }

  /** Clears the line. Returns what was done and how fast, for a closing sentence. */
  finish(): { done: number; seconds: number; rate: number } {
    this.#terminal.status("");
    const seconds = (performance.now() - this.#started) / 1000;
    return { done: this.#done, seconds, rate: this.#done / seconds };
  }
}

/** The same for bytes that arrive; what was there before the first report does not count for the rate. */
export class ByteProgress {
  readonly #terminal: Terminal;
  readonly #what: string;
  #start: { readonly bytes: number; readonly at: number } | undefined;
  #shown = 0;

  constructor(terminal: Terminal, what: string) {
    this.#terminal = terminal;
    this.#what = what;
  }

  update(received: number, total: number | undefined): void {
    const now = performance.now();
    this.#start ??= { bytes: received, at: now };
    if (now - this.#start.at < QUIET_MS || now - this.#shown < REFRESH_MS) return;
    this.#shown = now;
    const rate = (1000 * (received - this.#start.bytes)) / (now - this.#start.at);
    this.#terminal.status(byteProgressText(this.#what, received, total, rate));
  }

  /** Clears the line. */
  finish(): void {
    this.#terminal.status("");
  }
}

export function byteProgressText(what: string, received: number, total: number | undefined, rate: number): string {
  const speed = `${compact(rate, "B")}/s`;
  if (total === undefined) return `${what}: ${compact(received, "B")}, ${speed}`;
  const share = Math.floor((100 * received) / Math.max(1, total));
  const left = duration((total - received) / rate);
  return `${what}: ${compact(received, "B")} of ${compact(total, "B")} (${share} %), ${speed}, ${left} left`;
}

export function progressText(what: string, done: number, total: number | undefined, seconds: number): string {
  const rate = done / seconds;
  const speed = `${rate >= 10 ? rate.toFixed(0) : rate.toFixed(1)} ${what}/s`;
  if (total === undefined) return `${done} ${what}, ${speed}`;
  const share = Math.floor((100 * done) / Math.max(1, total));
  return `${done} of ${total} ${what} (${share} %), ${speed}, ${duration((total - done) / rate)} left`;
}

/** 75 -> "1 min 15 s" */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
