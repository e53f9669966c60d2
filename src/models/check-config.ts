// Checking a configuration that came from a file: one message for every family.
import { z } from "zod";
import { UsageError } from "../errors.ts";

/** The checked and completed configuration. Throws UsageError naming the field. */
export function checkConfig<S extends z.ZodType>(schema: S, architecture: string, json: unknown): z.infer<S> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new UsageError(
    `the configuration of ${architecture} is not valid: ${z.prettifyError(result.error).replaceAll("\n", " ")}`,
  );
}
