// A progress line: done of total, rate and time left. Nothing is shown in the first second, and nothing where nobody watches.
import type { Terminal } from "./terminal.ts";

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

  /** Clears the line. Returns what was done and how fast, for a closing sentence. */
  finish(): { done: number; seconds: number; rate: number } {
    this.#terminal.status("");
    const seconds = (performance.now() - this.#started) / 1000;
    return { done: this.#done, seconds, rate: this.#done / seconds };
  }
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
