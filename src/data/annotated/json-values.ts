// Values of JSON that a stranger wrote, looked at one by one.
import { FormatError } from "../../errors.ts";
import { decodeText } from "../../text-file.ts";
import type { DataFiles } from "../files.ts";

/** Longer texts do not fit a JavaScript string. COCO's largest file has 470 MB. */
export const MAX_ANNOTATION_BYTES = 2 ** 29 - 2 ** 20;

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Text, or undefined. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** A whole number of at least 1, or undefined. */
export const sizeOf = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 ? value : undefined;

/**
 * @throws LimitError for a file that is too large, FormatError for text that is no JSON
 */
export async function readJson(files: Pick<DataFiles, "read">, path: string): Promise<unknown> {
  const text = decodeText(await files.read(path, { maxBytes: MAX_ANNOTATION_BYTES }), path);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FormatError(
      "JSON",
      `${path} is no JSON (${error instanceof Error ? error.message.slice(0, 200) : error})`,
      {
        hint: "was it copied completely?",
        cause: error,
      },
    );
  }
}
