// Files that another file names: the name comes from whoever made that file, and must not lead out of its folder.
import { FormatError } from "../../errors.ts";
import { joinPath } from "./paths.ts";

/** The path of the file `name`, relative to the folder of `path`. Throws FormatError for a name that leads out of it. */
export function besideOf(path: string, name: string): string {
  const isOutside = /^[/\\]|^[a-z]:|\0/i.test(name) || name.split(/[/\\]/).includes("..");
  if (!isOutside) return joinPath(path, "..", name);
  throw new FormatError(path, `it names the file ${JSON.stringify(name)}, which is not in its folder`, {
    hint: "files that a model consists of lie in one folder; that name may be an attempt to read another file",
    data: { name },
  });
}
