// How large batches should be, and how long a picture may wait for company: measured when a model is loaded, where nobody said it.

export interface Batching {
  readonly maxBatch: number;
  readonly maxDelayMs: number;
}

/** Time of a run by its number of pictures. */
export interface BatchTime {
  readonly size: number;
  readonly milliseconds: number;
}

const SIZES = [1, 2, 4, 8, 16, 32] as const;
/** A larger batch must bring this much more, because every picture in it is answered later. */
const LEAST_GAIN = 1.05;
/** Of the time of one picture, what it may wait for others. */
const DELAY_SHARE = 0.25;
const MOST_DELAY_MS = 10;
/** Measuring stops before a run takes longer. */
const MOST_RUN_MS = 500;
/** Of each size, and the shortest counts: what else the machine does only ever adds. */
const RUNS = 3;
/** Sizes one after another that bring nothing, after which larger ones are not tried. */
const MOST_IN_VAIN = 2;

/**
 * Times batches of growing size for as long as they bring more. Where several sessions share the work, a batch need not.
 *
 * @param run runs so many grey pictures
 */
export async function measureBatching(
  run: (size: number) => Promise<void>,
  now: () => number,
  given: Partial<Batching> = {},
): Promise<Batching> {
  if (given.maxBatch !== undefined && given.maxDelayMs !== undefined)
    return { maxBatch: given.maxBatch, maxDelayMs: given.maxDelayMs };
  const times: BatchTime[] = [];
  await run(1); // pays for warming up
  let inVain = 0;
  for (const size of SIZES) {
    if (given.maxBatch !== undefined && size > given.maxBatch) break;
    let milliseconds = Number.POSITIVE_INFINITY;
    for (let i = 0; i < RUNS && (i === 0 || milliseconds < MOST_RUN_MS); i++) {
      const began = now();
      await run(size);
      milliseconds = Math.min(milliseconds, now() - began);
    }
    const best = Math.min(...times.map((time) => time.milliseconds / time.size));
    inVain = best > LEAST_GAIN * (milliseconds / size) ? 0 : inVain + 1;
    times.push({ size, milliseconds });
    if (inVain === MOST_IN_VAIN || 2 * milliseconds > MOST_RUN_MS) break;
  }
  return { ...chooseBatching(times), ...given };
}

/** The smallest batch that does nearly as many pictures a second as the best one. Where batches bring nothing, nobody waits for company. */
export function chooseBatching(times: readonly BatchTime[]): Batching {
  const rate = ({ size, milliseconds }: BatchTime) => size / milliseconds;
  const best = Math.max(...times.map(rate));
  const chosen = times.find((time) => rate(time) * LEAST_GAIN >= best) ?? { size: 1, milliseconds: 0 };
  const alone = times[0]?.milliseconds ?? 0;
  return {
    maxBatch: chosen.size,
    maxDelayMs: chosen.size === 1 ? 0 : Math.min(MOST_DELAY_MS, DELAY_SHARE * alone),
  };
}
