// Files that another file names: the name comes from whoever made that file, and must not lead to other files of this machine.
import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, sep, win32 } from "node:path";
import { FormatError } from "../../errors.ts";

/**
 * Where the file `name`, relative to the folder of `path`, really is.
 *
 * That folder is the one that `path` is in, or the one that `path` leads to: a cache of downloads may keep both files elsewhere and link to them.
 *
 * @throws FormatError for a name that leads out of it; what the file system says when there is nothing
 */
export async function realPathBeside(path: string, name: string): Promise<string> {
  const refuse = (): never => {
    throw new FormatError(path, `it names the file ${JSON.stringify(name)}, which is not in its folder`, {
      hint: "files that a model consists of lie in one folder; that name may be an attempt to read another file",
      data: { name },
    });
  };
  const parts = name.split(/[/\\]/);
  if (isAbsolute(name) || win32.isAbsolute(name) || parts.includes("..") || name.includes("\0")) refuse();
  const [found, model, folder] = await Promise.all([
    realpath(join(dirname(path), name)),
    realpath(path),
    realpath(dirname(path)),
  ]);
  return isInside(found, folder) || isInside(found, dirname(model)) ? found : refuse();
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
