// What a schema found wrong with what a client or an operator said, in one line: the field, and why.
import type { z } from "zod";

/** Of what one fault says: names that a client made up may be long, and many. */
const MOST_LETTERS = 300;

/** @param most faults that are named */
export function schemaFaults({ issues }: z.ZodError, most: number): string {
  return issues
    .slice(0, most)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`).slice(0, MOST_LETTERS))
    .join("; ");
}
