// What an interrupted download leaves: the part itself, and beside it a note of where it came from and which version of the file it is.
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { z } from "zod";

const noteSchema = z.object({
  url: z.string(),
  /** ETag or date that the server gave. */
  validator: z.string().min(1),
  /** Bytes of the whole file, where the server said. */
  total: z.number().int().min(0).optional(),
});

/** A part that can be continued. */
export interface Leftover extends z.infer<typeof noteSchema> {
  /** Bytes on the disk; at least 1. */
  readonly bytes: number;
}

const notePath = (part: string) => `${part}.json`;

/** undefined when there is nothing, or nothing that may be continued: from another address, or a version that cannot be told. */
export async function readLeftover(part: string, url: string): Promise<Leftover | undefined> {
  const bytes = (await stat(part).catch(() => undefined))?.size ?? 0;
  const text = await readFile(notePath(part), "utf8").catch(() => "");
  try {
    const note = noteSchema.parse(JSON.parse(text));
    const continuable = bytes > 0 && note.url === url && (note.total === undefined || bytes <= note.total);
    return continuable ? { ...note, bytes } : undefined;
  } catch {
    return undefined; // no note, or a damaged one
  }
}

/** Notes which file a part is of, before its first byte is written. */
export async function remember(
  part: string,
  note: { url: string; validator: string | undefined; total: number | undefined },
): Promise<void> {
  await forget(part);
  if (note.validator !== undefined) await writeFile(notePath(part), JSON.stringify(note));
}

/** Forgets where the part came from, so that it will be overwritten. */
export async function forget(part: string): Promise<void> {
  await rm(notePath(part), { force: true });
}
