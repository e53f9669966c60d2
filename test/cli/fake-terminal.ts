// The command line in this process: what it would print, and its exit code.
import { runCli } from "../../src/cli/program.ts";
import { harmlessTerminal, type Terminal } from "../../src/cli/terminal.ts";

export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  /** Lines on stderr; those that are indented belong to the one before. */
  readonly notes: readonly string[];
}

export interface FakeTerminalOptions {
  readonly columns?: number;
  readonly stdin?: Uint8Array;
  readonly signal?: AbortSignal;
  /** Sees the lines that replace each other. */
  readonly onStatus?: (line: string) => void;
}

export interface FakeTerminal {
  readonly terminal: Terminal;
  /** All that was said so far. */
  said(): Omit<CliRun, "exitCode">;
}

/** How fast it went is said of what took more than two seconds: on a slow machine only, so that no test may see it. */
const RATE = /^\d+ (pictures|videos) in [\d.]+ s, /;

export function fakeTerminal(options: FakeTerminalOptions = {}): FakeTerminal {
  let stdout = "";
  const notes: string[] = [];
  const terminal: Terminal = harmlessTerminal({
    out(text) {
      stdout += text;
    },
    note(line) {
      if (RATE.test(line)) return;
      if (line.startsWith("  ") && notes.length > 0) notes.push(`${notes.pop()}\n${line}`);
      else notes.push(line);
    },
    status(line) {
      options.onStatus?.(line);
    },
    outputClosed: false,
    columns: options.columns ?? 80,
    interactive: false,
    readInput: async () => options.stdin ?? new Uint8Array(0),
    signal: options.signal ?? new AbortController().signal,
  });
  return { terminal, said: () => ({ stdout, notes }) };
}

/** `await cli(["classify", "photo.jpg"])` */
export async function cli(args: readonly string[], options: FakeTerminalOptions = {}): Promise<CliRun> {
  const { terminal, said } = fakeTerminal(options);
  const exitCode = await runCli(args, terminal);
  return { exitCode, ...said() };
}
