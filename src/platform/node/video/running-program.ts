// A program that runs beside this process and always ends: when its work is done, when nobody wants it any more, when it says nothing for too long,
// when this process ends. (Where this process is killed, the program's next write fails, which ends it.)
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { AbortedError, VideoError } from "../../../errors.ts";
import type { OutputSocket } from "./frame-socket.ts";

export interface ProgramOptions {
  /** What it works on, for messages. */
  readonly name: string;
  /** How long it may say nothing, in milliseconds, while somebody waits for it. */
  readonly stallMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Default "ignore". "pipe" is written to as `input`. */
  readonly stdin?: "ignore" | "inherit" | "pipe";
  /** What its standard output goes to, whose reader says `progressed`. Default: a pipe. */
  readonly socket?: OutputSocket | undefined;
  /** Every line of its standard error. */
  readonly onLine?: (line: string) => void;
}

/** Lines that are kept for a message. */
const KEPT_PROBLEMS = 6;
/** No line of interest is longer; a file's own texts are in them. */
const LONGEST_LINE = 4096;
/** Complaints without any output between them are signs of life up to so many characters: a decoder that does nothing else hangs. */
const MOST_COMPLAINTS = 2 ** 20;
/** A timer that is set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const alive = new Set<ChildProcess>();
let isExitWatched = false;

function watchExit(): void {
  if (isExitWatched) return;
  isExitWatched = true;
  process.once("exit", () => {
    for (const child of alive) child.kill("SIGKILL");
  });
}

export class RunningProgram {
  readonly output: Readable;
  /** Its standard input, where that is a pipe. What it does not read any more is lost without a word: how it ended says it. */
  readonly input: Writable | undefined;
  /** Settles when it has ended and all its output has been read; never fails. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #options: ProgramOptions;
  readonly #problems: string[] = [];
  readonly #onAbort = () => this.kill();
  #exitCode: number | null = null;
  #startFailure: Error | undefined;
  #clock: NodeJS.Timeout | undefined;
  #lastSign = 0;
  #complained = 0;
  #isStalled = false;
  #wasKilled = false;
  #isOver = false;

  constructor(program: string, args: readonly string[], options: ProgramOptions) {
    this.#options = options;
    watchExit();
    const child = spawn(program, args, {
      stdio: [options.stdin ?? "ignore", options.socket?.theirs ?? "pipe", "pipe"],
      env: { ...process.env, AV_LOG_FORCE_NOCOLOR: "1" },
      windowsHide: true,
      shell: false,
    });
    this.#child = child;
    alive.add(child);
    this.input = child.stdin ?? undefined;
    this.input?.on("error", () => undefined);
    const { socket } = options;
    socket?.theirs.destroy(); // the program has its own
    this.output = socket?.ours ?? child.stdout!;
    if (socket === undefined) this.output.on("data", () => this.progressed());
    this.output.pause();
    this.#readLines(child.stderr!);
    this.ended = new Promise((resolve) => {
      const finish = () => {
        this.#isOver = true;
        alive.delete(child);
        this.rest();
        options.signal?.removeEventListener("abort", this.#onAbort);
        resolve();
      };
      child.once("error", (error) => {
        this.#startFailure = error;
        if (child.pid === undefined) finish();
      });
      // A socket is not among what a child waits for.
      let left = socket === undefined ? 1 : 2;
      const closed = () => {
        if (--left === 0) finish();
      };
      socket?.ours.once("close", closed);
      child.once("close", (code) => {
        this.#exitCode = code;
        closed();
      });
    });
    if (options.signal?.aborted === true) this.kill();
    else options.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get exitCode(): number | null {
    return this.#exitCode;
  }

  /** What it complained about last, in its own words. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** Some of its output came. */
  progressed(): void {
    this.#complained = 0;
    this.#sign();
  }

  /** Somebody waits for it from now on: it has `stallMs` to say something. */
  wait(): void {
    if (this.#clock !== undefined || this.#isOver) return;
    this.#lastSign = performance.now();
    const { stallMs } = this.#options;
    const check = () => {
      const left = stallMs - (performance.now() - this.#lastSign);
      if (left > 0) this.#clock = setTimeout(check, Math.min(left, LONGEST_TIMER_MS));
      else {
        this.#isStalled = true;
        this.kill();
      }
    };
    this.#clock = setTimeout(check, Math.min(stallMs, LONGEST_TIMER_MS));
  }

  /** Nobody waits for it. */
  rest(): void {
    clearTimeout(this.#clock);
    this.#clock = undefined;
  }

  kill(): void {
    this.#wasKilled = true;
    this.rest();
    this.output.destroy();
    this.#child.stderr?.destroy();
    if (!this.#isOver) this.#child.kill("SIGKILL");
  }

  /** Why it ended before its work was done, where that is not for the file to explain; undefined otherwise. */
  interruption(): Error | undefined {
    const { name, stallMs, signal } = this.#options;
    if (signal?.aborted === true) return new AbortedError(`reading ${name}`, signal.reason);
    if (this.#isStalled)
      return new VideoError(`${name}: the decoder has said nothing for ${stallMs / 1000} s`, {
        code: "video_stalled",
        hint: "the file may be made to keep a decoder busy, or the source is too slow: stallMs is how long it may take",
        data: { stallMs },
      });
    if (this.#startFailure !== undefined)
      return new VideoError(`${name}: the decoder did not start (${this.#startFailure.message})`, {
        cause: this.#startFailure,
      });
    if (this.#exitCode === null && !this.#wasKilled && this.#isOver)
      return new VideoError(`${name}: the decoder was ended from outside or has crashed`, {
        hint: "its memory may have run out: smaller videos need less",
        data: { signal: this.#child.signalCode },
      });
    return undefined;
  }

  #sign(): void {
    this.#lastSign = performance.now();
  }

  #readLines(errors: Readable): void {
    let rest = "";
    errors.setEncoding("utf8");
    const take = (line: string) => {
      this.#options.onLine?.(line);
      if (!/\[(error|fatal|panic)\]/.test(line)) return;
      this.#problems.push(plainWords(line));
      if (this.#problems.length > KEPT_PROBLEMS) this.#problems.shift();
    };
    errors.on("data", (text: string) => {
      this.#complained += text.length;
      if (this.#complained <= MOST_COMPLAINTS) this.#sign();
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop()!.slice(0, LONGEST_LINE);
      for (const line of lines) take(line.slice(0, LONGEST_LINE));
    });
    errors.on("end", () => {
      if (rest !== "") take(rest);
    });
    errors.on("error", () => undefined); // of a program that was killed
    this.output.on("error", () => undefined);
  }
}

/** "[mov,mp4 @ 0x55cadfd5] [error] moov atom not found" -> "moov atom not found" */
function plainWords(line: string): string {
  return (
    line
      .replace(/^(\[[^\]]*\] ?)+/, "")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: a file's own texts must not reach a terminal with them
      .replace(/[\u0000-\u001f\u007f-\u009f]/g, " ")
      .trim()
      .slice(0, 300)
  );
}
