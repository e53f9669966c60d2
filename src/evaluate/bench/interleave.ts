// Measuring several things fairly on a machine that is never quite the same from minute to minute: round by round, each of them once a round, in
// a new random order each time, after a warm-up. What disturbs a round disturbs all of them, so ratios within a round are sharper than times.
import type { LoadCounters } from "../../platform/host.ts";
import type { RandomSource } from "../../random.ts";
import { spreadOf } from "../../statistics.ts";
import { type LoadShare, loadBetween } from "./load.ts";

/** One thing to measure. */
export interface Contender {
  /** Makes everything ready for one run; only what it returns is timed. */
  prepare(): () => Promise<unknown>;
}

export interface InterleaveOptions {
  /** At most so many rounds. */
  readonly rounds: number;
  /** Rounds stop after this time, but not before three of them are done. */
  readonly seconds: number;
  readonly random: RandomSource;
  /** Milliseconds. */
  readonly now: () => number;
  readonly readLoad: () => LoadCounters;
  /** Logical cores of the machine. */
  readonly cores: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: InterleaveProgress) => void;
}

export interface InterleaveProgress {
  readonly stage: "warming up" | "measuring";
  /** Of this stage, 0..1. */
  readonly done: number;
  /** Whole rounds so far. */
  readonly rounds: number;
}

export interface Interleaved {
  /** For each contender its time in each whole round, in milliseconds; empty for one that failed. */
  readonly times: readonly (readonly number[])[];
  /** Who used the processor in each whole round. */
  readonly loads: readonly LoadShare[];
  /** Why a contender failed. */
  readonly failures: readonly (Error | undefined)[];
  /** The signal fired before the rounds were done. */
  readonly stopped: boolean;
}

export const LEAST_ROUNDS = 3;
/** A short run is repeated within its turn until about this much time is measured, and the median taken. */
const TURN_MS = 60;
const MOST_RUNS_A_TURN = 8;
/** A run that is shorter than this is preceded by one that is not measured: the others have pushed its weights out of the caches. */
const REWARM_MS = 250;

/** Runs everything; never rejects for what a contender throws, which only takes that one out. */
export async function interleave(contenders: readonly Contender[], options: InterleaveOptions): Promise<Interleaved> {
  const { random, now, readLoad, cores, signal, onProgress } = options;
  const estimates = contenders.map(() => 0);
  const failures: (Error | undefined)[] = contenders.map(() => undefined);
  const alive = () => contenders.map((_, i) => i).filter((i) => failures[i] === undefined);
  const attempt = async (i: number, work: () => Promise<number>): Promise<number> => {
    try {
      return await work();
    } catch (error) {
      failures[i] = error instanceof Error ? error : new Error(String(error));
      return Number.NaN;
    }
  };

  for (const i of contenders.keys()) {
    if (signal?.aborted === true) break;
    onProgress?.({ stage: "warming up", done: i / contenders.length, rounds: 0 });
    estimates[i] = await attempt(i, () => warmUp(contenders[i]!, now));
  }

  const times: number[][] = contenders.map(() => []);
  const loads: LoadShare[] = [];
  const startedAt = now();
  const isDone = () => {
    const enough = loads.length >= LEAST_ROUNDS && now() - startedAt >= 1000 * options.seconds;
    return enough || loads.length >= options.rounds || alive().length === 0 || signal?.aborted === true;
  };
  while (!isDone()) {
    const before = readLoad();
    const round = new Map<number, number>();
    for (const i of random.shuffle(alive())) {
      if (signal?.aborted === true) break;
      round.set(i, await attempt(i, () => turn(contenders[i]!, estimates[i]!, now)));
      const whole = loads.length + round.size / contenders.length;
      onProgress?.({ stage: "measuring", done: progress(whole, now() - startedAt, options), rounds: loads.length });
    }
    if (alive().some((i) => !round.has(i))) break; // stopped in the middle: a round is whole or nothing
    for (const [i, time] of round) times[i]!.push(time);
    loads.push(loadBetween(before, readLoad(), cores));
  }
  return {
    times: times.map((list, i) => (failures[i] === undefined ? list : [])),
    loads,
    failures,
    stopped: signal?.aborted === true,
  };
}

function progress(rounds: number, elapsedMs: number, { rounds: most, seconds }: InterleaveOptions): number {
  return Math.min(1, Math.max(rounds / most, Math.min(elapsedMs / (1000 * seconds), rounds / LEAST_ROUNDS)));
}

/** Two runs, of which the second one tells about how long a run takes; one where it is long. */
async function warmUp(contender: Contender, now: () => number): Promise<number> {
  const first = await timed(contender, now);
  return first > 1000 ? first : timed(contender, now);
}

async function turn(contender: Contender, estimateMs: number, now: () => number): Promise<number> {
  if (estimateMs < REWARM_MS) await contender.prepare()();
  const runs = Math.min(MOST_RUNS_A_TURN, Math.max(1, Math.ceil(TURN_MS / Math.max(estimateMs, 0.001))));
  const times: number[] = [];
  for (let run = 0; run < runs; run++) times.push(await timed(contender, now));
  return spreadOf(times).median;
}

async function timed(contender: Contender, now: () => number): Promise<number> {
  const run = contender.prepare();
  const startedAt = now();
  await run();
  return now() - startedAt;
}
