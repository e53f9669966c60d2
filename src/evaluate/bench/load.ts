// Whether the machine worked for others while something was measured: then the numbers are not the model's. Told from counters, never from the
// measured times themselves, so that leaving out a disturbed round does not favour fast ones.
import type { LoadCounters } from "../../platform/host.ts";

/** The share of the machine that others may take before a round counts as disturbed. */
export const QUIET_SHARE = 0.1;
/** The fewest quiet rounds that are used alone. */
const ENOUGH_ROUNDS = 5;

/** Who used the processor between two readings. */
export interface LoadShare {
  /** Of all of the machine's processor time, what others took: 0..1; undefined where it is not counted. */
  readonly others: number | undefined;
  /** Cores that this process kept busy on average. */
  readonly processCores: number;
}

/** @param cores logical cores of the whole machine */
export function loadBetween(before: LoadCounters, after: LoadCounters, cores: number): LoadShare {
  const wallMs = Math.max(after.wallMs - before.wallMs, 1e-6);
  const processMs = after.processMs - before.processMs;
  const processCores = processMs / wallMs;
  if (before.machineMs === undefined || after.machineMs === undefined) return { others: undefined, processCores };
  const machineMs = after.machineMs - before.machineMs;
  // Some sandboxes show counters that stand still: where not even this process is counted, nothing is known.
  if (machineMs < processMs / 2) return { others: undefined, processCores };
  const others = (machineMs - processMs) / (wallMs * cores);
  return { others: Math.min(1, Math.max(0, others)), processCores };
}

export interface LoadVerdict {
  /** Positions of the rounds to use. */
  readonly used: readonly number[];
  /** What others took of the machine in the used rounds; undefined where it is not counted. */
  readonly others: number | undefined;
  /** Cores that this process kept busy in the used rounds. */
  readonly processCores: number;
  /** Whether the used rounds were quiet. Where nothing is counted, nobody can say, and it is false. */
  readonly isQuiet: boolean;
}

/** The quiet rounds if there are enough of them, else all. */
export function judgeLoad(rounds: readonly LoadShare[]): LoadVerdict {
  const all = rounds.map((_, i) => i);
  const quiet = all.filter((i) => (rounds[i]!.others ?? 1) <= QUIET_SHARE);
  const used = quiet.length >= Math.min(ENOUGH_ROUNDS, rounds.length) ? quiet : all;
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const shares = used.flatMap((i) => rounds[i]!.others ?? []);
  const others = shares.length === 0 ? undefined : mean(shares);
  return {
    used,
    others,
    processCores: mean(used.map((i) => rounds[i]!.processCores)),
    isQuiet: others !== undefined && others <= QUIET_SHARE,
  };
}

/** What people must know about it, a line each; nothing when all was quiet. */
export function describeLoad(verdict: LoadVerdict, rounds: number): string[] {
  const { used, others, isQuiet } = verdict;
  if (others === undefined) return ["Whether other work ran meanwhile is not known here."];
  if (!isQuiet) return [`Other work took ${percent(others)} of the machine: do not quote these numbers.`];
  const left = rounds - used.length;
  if (left === 0) return [];
  return [
    `${left} of ${rounds} rounds are left out: other work took over ${percent(QUIET_SHARE)} of the machine, and ${percent(others)} in the others.`,
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
