// Checking a config.json that another library wrote.
import type { z } from "zod";
import { FormatError, UsageError } from "../../errors.ts";
import { parseTransform, printTransform, type TransformOp } from "../../image/transform.ts";
import { faultsText } from "../../models/check-config.ts";

/** Throws FormatError naming the field. `where` is the file, for messages. */
export function parseHubConfig<S extends z.ZodType>(schema: S, json: unknown, where: string): z.infer<S> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new FormatError(where, faultsText(result.error));
}

/** For folders whose preprocessing is not known. */
export const TRANSFORM_HINT =
  "write the transform yourself and convert the folder with it: saccade convert FOLDER OUT --transform '…'";

/** A transform in words. Throws FormatError for numbers of the file that no transform may have. */
export function checkedTransform(ops: readonly TransformOp[], where: string): string {
  const text = printTransform(ops);
  try {
    parseTransform(text);
    return text;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new FormatError(where, `pictures cannot be prepared as it says: ${error.message}`, { cause: error });
  }
}

/** Names by index; undefined where they are those that transformers makes up itself. */
export function withoutPlaceholders(labels: readonly string[]): readonly string[] | undefined {
  return labels.every((label, i) => label === `LABEL_${i}`) ? undefined : labels;
}
