// A folder with all folders that it lies in. Node's own recursive mkdir never comes back where a folder is there but takes no others, such as
// /proc (Node 20): it takes ENOENT for a missing parent, makes sure of the parent, and tries again.
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** A folder that is there already is fine. Throws the system's error. */
export async function makeDirectory(path: string): Promise<void> {
  const error = await make(path);
  if (error === undefined) return;
  const parent = dirname(path);
  if (error.code !== "ENOENT" || parent === path) throw error;
  await makeDirectory(parent);
  const again = await make(path);
  if (again !== undefined) throw again;
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
