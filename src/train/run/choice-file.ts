// validation.safetensors of a checkpoint: which epoch is the best so far, and the scores that the next one is compared with.
import { z } from "zod";
import { FormatError } from "../../errors.ts";
import type { Files } from "../../platform/host.ts";
import { tensor, toFloat32 } from "../../tensor.ts";
import { readSafetensors, writeSafetensors } from "../../weights/safetensors.ts";
import type { EpochChoice, OpenChoice } from "../epoch-choice.ts";

/** Two numbers for each of a hundred million pictures. */
const MAX_BYTES = 2 ** 30;

const count = z.int().min(0);
// A mean over no picture, or of losses that are not finite, is null in JSON.
const value = z
  .number()
  .nullable()
  .transform((number) => number ?? Number.NaN);
const summary = z.object({ epoch: count, step: count, top1: value, loss: value, pictures: count });
const paired = z.object({
  difference: value,
  standardError: z
    .number()
    .nullable()
    .transform((number) => number ?? Number.POSITIVE_INFINITY),
});
const choiceSchema = z.object({
  best: summary,
  peak: summary,
  last: summary,
  comparison: z
    .object({
      top1: paired,
      loss: paired,
      decidedBy: z.enum(["top1", "loss", "nothing"]),
      better: z.enum(["earlier", "later"]).optional(),
    })
    .optional(),
});

export async function writeChoice(files: Files, path: string, { choice, scores }: OpenChoice): Promise<void> {
  const column = (values: Float32Array) => tensor("float32", [values.length], values);
  const tensors = new Map([
    ["right", column(scores.right)],
    ["losses", column(scores.losses)],
  ]);
  await files.writeAtomic(path, writeSafetensors(tensors, { choice: JSON.stringify(choice) }));
}

/**
 * undefined for a checkpoint without one: before the first evaluation, or of a program that did not write it; then the next epoch is the first to
 * be compared.
 *
 * @throws FormatError for a file that is not what was written
 */
export async function readChoice(files: Files, path: string): Promise<OpenChoice | undefined> {
  if ((await files.stat(path)) === undefined) return undefined;
  const { tensors, metadata } = readSafetensors(await files.read(path, { maxBytes: MAX_BYTES }));
  const [right, losses] = [tensors.get("right"), tensors.get("losses")];
  if (right === undefined || losses === undefined) throw new FormatError(path, "it lacks right or losses");
  return {
    choice: parseChoice(metadata.choice ?? "", path),
    scores: { right: toFloat32(right), losses: toFloat32(losses) },
  };
}

function parseChoice(text: string, path: string): EpochChoice {
  try {
    const { comparison, ...epochs } = choiceSchema.parse(JSON.parse(text));
    return comparison === undefined ? epochs : { ...epochs, comparison: { ...comparison, better: comparison.better } };
  } catch (cause) {
    throw new FormatError(path, "its choice of an epoch cannot be read", { cause });
  }
}
