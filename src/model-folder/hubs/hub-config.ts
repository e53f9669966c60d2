// Checking a config.json that another library wrote.
import { z } from "zod";
import { FormatError } from "../../errors.ts";

/** Throws FormatError naming the field. `where` is the file, for messages. */
export function parseHubConfig<S extends z.ZodType>(schema: S, json: unknown, where: string): z.infer<S> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new FormatError(where, z.prettifyError(result.error).replaceAll("\n", " "));
}

/** For folders whose preprocessing is not known. */
export const TRANSFORM_HINT =
  "write the transform yourself and convert the folder with it: saccade convert FOLDER OUT --transform '…'";

/** Names by index; undefined where they are those that transformers makes up itself. */
export function withoutPlaceholders(labels: readonly string[]): readonly string[] | undefined {
  return labels.every((label, i) => label === `LABEL_${i}`) ? undefined : labels;
}
