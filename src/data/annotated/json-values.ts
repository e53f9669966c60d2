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

/** As a text, for what should be a text or a number. Objects have no text of their own: what `String` makes of one may be anything, or an error. */
export function plainText(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "a list" : "an object";
}

/** [x, y, width, height] as left, top, right, bottom; NaN for what is no number. */
export function cornersOf(bbox: readonly unknown[]): readonly unknown[] {
  const [x, y, width, height] = bbox;
  return [x, y, numberOf(x) + numberOf(width), numberOf(y) + numberOf(height)];
}

/** NaN for what is no number. */
export const numberOf = (value: unknown): number => (typeof value === "number" ? value : Number.NaN);

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
