// How a benchmark talks with whoever started it while it runs.
import { AbortedError } from "../../errors.ts";

export interface BenchHooks {
  readonly signal?: AbortSignal;
  readonly onNotice?: (line: string) => void;
  readonly onProgress?: (progress: BenchProgress) => void;
}

export interface BenchProgress {
  readonly stage: "loading" | "warming up" | "measuring" | "memory and cold start" | "tracing";
  /** Of this stage, 0..1. */
  readonly done: number;
  /** What is being done: a model's name, a round. */
  readonly detail: string;
}

/** Throws AbortedError once the caller has had enough. */
export function stopIfAborted({ signal }: BenchHooks): void {
  if (signal?.aborted === true) throw new AbortedError("the benchmark", signal.reason);
}
