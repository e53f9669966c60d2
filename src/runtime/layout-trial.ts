// Which way to share out threads does most, found by trying: a few turns of each, alternating, because a machine's pace changes.
import type { TensorData } from "../tensor.ts";
import type { OpenLayout } from "./session-layout.ts";

export interface TrialOptions {
  /** A batch, in memory of its own each time. */
  readonly feeds: () => Readonly<Record<string, TensorData>>;
  readonly outputs: readonly string[];
  /** Milliseconds. */
  readonly now?: () => number;
  readonly signal?: AbortSignal;
}

const TURNS = 4;
const TURN_MS = 250;
/** Others must be so much faster than the first to be taken: what is known in general counts more than a small difference now. */
const MARGIN = 1.05;

/** Runs a second, with all sessions busy; at least one run of each. */
export async function runRate(
  { session, sessions }: OpenLayout,
  { feeds, outputs, now = () => performance.now(), signal }: TrialOptions,
): Promise<number> {
  const startedAt = now();
  let runs = 0;
  const options = { outputs, transferInputs: true, ...(signal === undefined ? {} : { signal }) };
  const keepBusy = async () => {
    do {
      await session.run(feeds(), options);
      runs++;
    } while (now() - startedAt < TURN_MS);
  };
  await Promise.all(Array.from({ length: sessions }, keepBusy));
  return (1000 * runs) / (now() - startedAt);
}

/** The position of the fastest candidate; of the first, if none is clearly faster. */
export async function fastestOf(candidates: readonly OpenLayout[], options: TrialOptions): Promise<number> {
  const rates = candidates.map((): number[] => []);
  for (const candidate of candidates) await runRate(candidate, options); // the first runs of a session are slow
  for (let turn = 0; turn < TURNS; turn++)
    for (const [i, candidate] of candidates.entries()) rates[i]!.push(await runRate(candidate, options));
  const medians = rates.map((values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!);
  const best = medians.indexOf(Math.max(...medians));
  return medians[best]! > MARGIN * medians[0]! ? best : 0;
}
