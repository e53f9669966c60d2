// A folder with all folders that it lies in. Node's own recursive mkdir never comes back where a folder is there but takes no others, such as
// /proc (Node 20 to 24): it takes ENOENT for a missing parent, makes sure of the parent, and tries again.
import { mkdirSync, statSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** A folder that is there already is fine. Throws the system's error. */
export async function makeDirectory(path: string): Promise<void> {
  const error = await make(path);
  if (error === undefined) return;
  await makeDirectory(parentOf(path, error));
  const again = await make(path);
  if (again !== undefined) throw again;
}

/** The same, for what has to be there before anything else happens. */
export function makeDirectorySync(path: string): void {
  const error = makeSync(path);
  if (error === undefined) return;
  makeDirectorySync(parentOf(path, error));
  const again = makeSync(path);
  if (again !== undefined) throw again;
}

/** What may be missing; throws what cannot be helped by making it. */
function parentOf(path: string, error: NodeJS.ErrnoException): string {
  const parent = dirname(path);
  if (error.code !== "ENOENT" || parent === path) throw error;
  return parent;
}

/** Why it cannot be made; undefined when it is there afterwards. */
async function make(path: string): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await mkdir(path);
    return undefined;
  } catch (error) {
    // What stands in the way may be a folder, or a link to one. A drive's root is "not permitted" on Windows, and others are on read-only disks.
    const isThere = await stat(path).then(
      (entry) => entry.isDirectory(),
      () => false,
    );
    return isThere ? undefined : (error as NodeJS.ErrnoException);
  }
}

function makeSync(path: string): NodeJS.ErrnoException | undefined {
  try {
    mkdirSync(path);
    return undefined;
  } catch (error) {
    const isThere = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    return isThere ? undefined : (error as NodeJS.ErrnoException);
  }
}
