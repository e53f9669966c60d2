// Which file a path is, whatever the path is called: links, other spellings and other names of the same file have the same identity.
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

/** Device and number of the file; undefined when there is none, or when nobody may look. */
export async function fileIdentity(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true }); // numbers of some file systems do not fit a double
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

/** The path without links and dots; of what is not there yet, as far as it is there. */
export async function realPath(path: string): Promise<string> {
  const whole = resolve(path);
  try {
    return await realpath(whole);
  } catch {
    const parent = dirname(whole);
    return parent === whole ? whole : join(await realPath(parent), basename(whole));
  }
}
