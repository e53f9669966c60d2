// state.json of a checkpoint: where in the run it was taken, and everything else that resuming needs and that is not a tensor.
import { z } from "zod";
import { FormatError, UsageError } from "../../errors.ts";
import { faultsText } from "../../models/check-config.ts";

/** What a JSON file can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Where a run stands. */
export interface Progress {
  /** Steps done since the run began. */
  readonly step: number;
  /** Epochs done; the one under way has this number, counted from 0. */
  readonly epoch: number;
  /** Batches done of the epoch under way. */
  readonly batchesDone: number;
  /** Every seed of the run, by what it is for. */
  readonly seeds: Readonly<Record<string, number>>;
  /** `recipeFingerprint` of the recipe that the run follows. */
  readonly recipeFingerprint: string;
  /** Whatever else the loop needs to go on to the same numbers. */
  readonly extra?: Readonly<Record<string, Json>>;
}

/** Version of the layout; readers refuse a newer one. */
const CHECKPOINT_VERSION = 1;

const count = z.int().min(0);
const fileSchema = z.looseObject({
  saccade_checkpoint: z.int().min(1),
  step: count,
  epoch: count,
  batches_done: count,
  seeds: z.record(z.string(), z.number()),
  recipe_fingerprint: z.string(),
  extra: z.record(z.string(), z.json()).optional(),
});

/**
 * The text of state.json.
 * @throws UsageError for what would not come back as it is: not a number, an infinity, a negative count.
 */
export function printProgress(progress: Progress): string {
  const { step, epoch, batchesDone, seeds, recipeFingerprint, extra } = progress;
  const file: z.input<typeof fileSchema> = {
    saccade_checkpoint: CHECKPOINT_VERSION,
    step,
    epoch,
    batches_done: batchesDone,
    seeds,
    recipe_fingerprint: recipeFingerprint,
    ...(extra === undefined ? {} : { extra: extra as Record<string, z.core.util.JSONType> }),
  };
  // Checked before it is printed: JSON.stringify would quietly make null of NaN, and the checkpoint could not be read again.
  const result = fileSchema.safeParse(file);
  if (!result.success) throw new UsageError(`this cannot be kept in a checkpoint: ${faultsText(result.error)}`);
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

/**
 * Reads state.json. `where` is its path, for messages.
 * @throws FormatError naming the field.
 */
export function parseProgress(text: string, where: string): Progress {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(where, `not valid JSON (${(cause as Error).message})`, { cause });
  }
  const result = fileSchema.safeParse(json);
  if (!result.success) throw new FormatError(where, faultsText(result.error));
  const file = result.data;
  if (file.saccade_checkpoint > CHECKPOINT_VERSION)
    throw new FormatError(
      where,
      `layout version ${file.saccade_checkpoint} is newer than this program understands (${CHECKPOINT_VERSION})`,
      { hint: "update saccade" },
    );
  const { step, epoch, seeds, extra } = file;
  return {
    step,
    epoch,
    batchesDone: file.batches_done,
    seeds,
    recipeFingerprint: file.recipe_fingerprint,
    ...(extra === undefined ? {} : { extra: extra as Record<string, Json> }),
  };
}
