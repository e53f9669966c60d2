// The process's own terminal: its streams, which may end or fail, and the signals that ask it to stop.
import { addAbortSignal } from "node:stream";
import { readAtMost } from "../byte-sources.ts";
import { AbortedError } from "../errors.ts";
import { DEFAULT_MAX_BYTES } from "../image/raw-image.ts";
import { harmlessTerminal, type Terminal } from "./terminal.ts";

/** A signal that comes again so soon is the same one: npm passes a Ctrl-C on to a program that has had it from the terminal already. */
const SAME_SIGNAL_MS = 100;

export interface ProcessTerminal extends Terminal {
  /** Waits until all is written. The exit code: `exitCode`, or 1 when something that was said is lost. */
  finish(exitCode: number): Promise<number>;
}

/** The first Ctrl-C, SIGTERM or SIGHUP asks the command to stop, a second Ctrl-C or SIGTERM ends the process whatever it does. */
export function processTerminal(): ProcessTerminal {
  const { stdout, stderr } = process;
  let outputError: NodeJS.ErrnoException | undefined;
  let noticeError: NodeJS.ErrnoException | undefined;
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    outputError ??= error;
  });
  stderr.on("error", (error: NodeJS.ErrnoException) => {
    noticeError ??= error;
  });
  let statusShown = false;
  const clear = () => {
    if (statusShown) stderr.write("\r\u001b[K");
    statusShown = false;
  };
  const note = (line: string) => {
    clear();
    stderr.write(`${line}\n`);
  };
  const stopping = new AbortController();
  stopOnSignals(stopping, note);
  const { signal } = stopping;
  const terminal: Terminal = harmlessTerminal({
    out(text) {
      clear();
      if (outputError === undefined) stdout.write(text);
    },
    note,
    status(line) {
      if (!stderr.isTTY) return;
      clear();
      stderr.write(line.slice(0, (stderr.columns ?? 80) - 1));
      statusShown = line !== "";
    },
    get outputClosed() {
      return outputError !== undefined;
    },
    columns: stdout.columns ?? 80,
    interactive: stderr.isTTY === true,
    readInput: () =>
      readAtMost(addAbortSignal(signal, process.stdin), DEFAULT_MAX_BYTES).catch((error: unknown) => {
        throw signal.aborted ? new AbortedError("reading standard input", error) : error;
      }),
    signal,
  });
  const finish = async (exitCode: number) => {
    for (const stream of [stdout, stderr]) await new Promise<unknown>((settle) => stream.write("", settle));
    // A reader that stops early (| head) is not a failure, and a window that was closed reads no notices.
    if (outputError !== undefined && outputError.code !== "EPIPE" && !signal.aborted) {
      note(`saccade: cannot write to standard output: ${reasonOf(outputError)}`);
      return Math.max(exitCode, 1);
    }
    const isLost = noticeError !== undefined && noticeError.code !== "EPIPE" && noticeError.code !== "EIO";
    return isLost ? Math.max(exitCode, 1) : exitCode;
  };
  return Object.assign(terminal, { finish });
}

function stopOnSignals(stopping: AbortController, note: (line: string) => void): void {
  let stoppedAt = 0;
  const stop = (name: "SIGINT" | "SIGTERM" | "SIGHUP") => {
    const now = performance.now();
    if (!stopping.signal.aborted) {
      stoppedAt = now;
      note("saccade: stopping; once more ends at once");
      stopping.abort();
      // A terminal that goes away sends several SIGHUP; none of them is impatience.
    } else if (name !== "SIGHUP" && now - stoppedAt > SAME_SIGNAL_MS) {
      // Not process.exit: it waits for threads, and one that computes in native code may never end. Without a listener the signal is the
      // system's to handle, which asks nobody.
      process.removeAllListeners(name);
      process.kill(process.pid, name);
    }
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, stop);
}

/** "no space left on device" of "ENOSPC: no space left on device, write" */
function reasonOf({ message }: Error): string {
  return /^[A-Z]+: (.*), write$/.exec(message)?.[1] ?? message;
}
