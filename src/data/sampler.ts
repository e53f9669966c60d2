// Which pictures come when: a seeded order for each epoch, cut into batches. Everything is a function of (seed, epoch, batch), so training goes
// on from any place exactly as if it had never stopped. Repeated augmentation as DeiT's RASampler (facebookresearch/deit, samplers.py).
import { UsageError } from "../errors.ts";
import { checkMixOptions, drawMixing, type Mixing, type MixOptions } from "../image/augment-mix.ts";
import { RandomSource } from "../random.ts";
import { type Dataset, membersByClass } from "./dataset.ts";

export const LAST_BATCH_POLICIES = ["drop", "wrap", "pad", "keep"] as const;
/**
 * What happens to pictures that do not fill the last batch: they are left out of this epoch ("drop"), joined by the epoch's first ("wrap"),
 * joined by blank rows ("pad"), or come in a smaller batch ("keep").
 */
export type LastBatchPolicy = (typeof LAST_BATCH_POLICIES)[number];

export interface SamplerOptions {
  readonly batchSize: number;
  readonly seed: number;
  /** Default true. Without it, the data set's own order, the same in every epoch. */
  readonly shuffle?: boolean;
  /** How often a picture comes in an epoch that has it, each time with its own augmentation; as many fewer pictures come. Default 1. */
  readonly repeats?: number;
  /** As many pictures of every class: those of small classes come several times, those of large ones not in every epoch. Default false. */
  readonly balanced?: boolean;
  /** Default "drop". */
  readonly last?: LastBatchPolicy;
  /** Mixup and cutmix, one draw for each batch. */
  readonly mix?: MixOptions;
}

/** A place in training: the batch that comes next. */
export interface BatchPosition {
  readonly epoch: number;
  /** Of the batch in its epoch. */
  readonly index: number;
}

/** One batch before any picture of it was read. */
export interface BatchPlan extends BatchPosition {
  /** Items of the data set; -1 is a blank row. */
  readonly items: Int32Array;
  /** Place of the first row in its epoch. Row r draws its random numbers from the stream of place `firstPosition + r`. */
  readonly firstPosition: number;
  readonly mixing?: Mixing;
}

/** The order of a data set's items, batch by batch. */
export interface Sampler {
  readonly batchSize: number;
  readonly batchesPerEpoch: number;
  readonly seed: number;
  /** Whether batches may come mixed, which blank rows cannot be. */
  readonly mixes: boolean;
  /** The items of an epoch, before they are cut into batches. */
  order(epoch: number): Int32Array;
  /** @throws UsageError for a batch that the epoch does not have */
  plan(position: BatchPosition): BatchPlan;
  /** The place after `position`, in the next epoch after the last batch. */
  after(position: BatchPosition): BatchPosition;
}

/**
 * Makes a sampler.
 *
 * @throws UsageError when there would be no batch
 * @example
 * const sampler = createSampler(train, { batchSize: 64, seed: 0, mix: { mixupAlpha: 0.8, cutmixAlpha: 1 } });
 * sampler.plan({ epoch: 3, index: 17 }); // always the same
 */
export function createSampler(
  dataset: Pick<Dataset, "length" | "targets" | "labels">,
  options: SamplerOptions,
): Sampler {
  const { batchSize, seed, last = "drop", mix } = options;
  const { length } = dataset;
  checkOptions(options, length);
  const batchesPerEpoch = last === "drop" ? Math.floor(length / batchSize) : Math.ceil(length / batchSize);
  if (batchesPerEpoch === 0)
    throw new UsageError(
      `${length} pictures do not fill a batch of ${batchSize}`,
      'make the batch smaller, or let the last batch "wrap"',
    );
  let kept: { readonly epoch: number; readonly order: Int32Array } | undefined;
  const order = (epoch: number): Int32Array => {
    checkWhole(epoch, "an epoch", Number.MAX_SAFE_INTEGER);
    if (kept?.epoch !== epoch) kept = { epoch, order: drawOrder(dataset, options, epoch) };
    return kept.order;
  };
  return {
    batchSize,
    batchesPerEpoch,
    seed,
    mixes: mix !== undefined,
    order: (epoch) => order(epoch).slice(),
    after: ({ epoch, index }) =>
      index + 1 < batchesPerEpoch ? { epoch, index: index + 1 } : { epoch: epoch + 1, index: 0 },
    plan({ epoch, index }) {
      checkWhole(index, "a batch", batchesPerEpoch - 1);
      const firstPosition = index * batchSize;
      const items = cut(order(epoch), firstPosition, batchSize, last);
      const mixing = mix === undefined ? undefined : drawMixing(mix, new RandomSource(seed, `mix/${epoch}/${index}`));
      return { epoch, index, items, firstPosition, ...(mixing === undefined ? {} : { mixing }) };
    },
  };
}

function checkOptions(
  { batchSize, seed, repeats = 1, balanced, last = "drop", mix, shuffle }: SamplerOptions,
  length: number,
): void {
  checkWhole(batchSize - 1, "a batch size (less one)", 2 ** 20);
  checkWhole(repeats - 1, "a number of repeats (less one)", 1000);
  checkWhole(seed, "a seed", 2 ** 32 - 1);
  if (length === 0) throw new UsageError("there are no pictures to train or evaluate with");
  if (shuffle === false && (balanced === true || repeats > 1))
    throw new UsageError("balanced classes and repeats come in a random order: they need shuffle");
  if (mix === undefined) return;
  checkMixOptions(mix);
  if (last === "pad")
    throw new UsageError("blank rows cannot be mixed with pictures", 'let the last batch "drop" or "wrap"');
}

function checkWhole(value: number, what: string, highest: number): void {
  if (!Number.isInteger(value) || value < 0 || value > highest)
    throw new UsageError(`${what} is a whole number from 0 to ${highest}, not ${value}`);
}

function cut(order: Int32Array, start: number, size: number, last: LastBatchPolicy): Int32Array {
  const present = order.slice(start, start + size);
  if (present.length === size || last === "keep") return present;
  const items = new Int32Array(size).fill(-1);
  items.set(present);
  // A data set smaller than a batch goes round more than once.
  if (last === "wrap") for (let i = present.length; i < size; i++) items[i] = order[(start + i) % order.length]!;
  return items;
}

function drawOrder(
  dataset: Pick<Dataset, "length" | "targets" | "labels">,
  { seed, shuffle = true, repeats = 1, balanced = false }: SamplerOptions,
  epoch: number,
): Int32Array {
  const { length } = dataset;
  const random = new RandomSource(seed, `order/${epoch}`);
  const items = balanced
    ? drawBalanced(membersByClass(dataset), length, random)
    : Int32Array.from({ length }, (_, item) => item);
  if (shuffle) random.shuffle(items);
  // a a a b b b …, as long as the data set: the last two thirds of the order do not come in this epoch, but in others.
  return repeats === 1 ? items : items.map((_, place) => items[Math.floor(place / repeats)]!);
}

/** Equally many of each class, one more of some when it does not come out even. No item comes twice before all of its class came once. */
function drawBalanced(members: readonly (readonly number[])[], length: number, random: RandomSource): Int32Array {
  const classes = random.shuffle(members.filter((items) => items.length > 0));
  const drawn: number[] = [];
  classes.forEach((items, place) => {
    let wanted = Math.floor(length / classes.length) + (place < length % classes.length ? 1 : 0);
    for (; wanted > 0; wanted -= items.length) drawn.push(...random.shuffle([...items]).slice(0, wanted));
  });
  return Int32Array.from(drawn);
}
