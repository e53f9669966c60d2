// Checking what came from a file against a schema: one form of message for everything.
import { z } from "zod";
import { UsageError } from "../errors.ts";

/** The checked and completed configuration. Throws UsageError naming the field. */
export function checkConfig<S extends z.ZodType>(schema: S, architecture: string, json: unknown): z.infer<S> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new UsageError(`the configuration of ${architecture} is not valid: ${faultsText(result.error)}`);
}

/** Somebody's file may have a fault in each of a million entries, or one with a million names. */
const MOST_FAULTS = 8;
const MOST_CHARACTERS = 1000;

/** What a schema found, in one line of a length that people read. */
export function faultsText({ issues }: z.ZodError): string {
  const text = z.prettifyError({ issues: issues.slice(0, MOST_FAULTS) }).replaceAll("\n", " ");
  const shown = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
  return issues.length > MOST_FAULTS ? `${shown} … and ${issues.length - MOST_FAULTS} more` : shown;
}
