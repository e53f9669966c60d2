// The path that a file: URL stands for.
import { fileURLToPath } from "node:url";
import type { UrlLike } from "../../byte-sources.ts";
import { UsageError } from "../../errors.ts";

/** Throws UsageError for other URLs: nothing is fetched. */
export function pathOf({ href, protocol }: UrlLike): string {
  if (protocol !== "file:")
    throw new UsageError(`addresses are not fetched: ${href.slice(0, 200)}`, "hand over what fetch answers");
  try {
    return fileURLToPath(href);
  } catch (error) {
    throw new UsageError(`${href} names no file here`, error instanceof Error ? error.message : undefined);
  }
}
