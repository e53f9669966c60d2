// Paths as a page has them: parts with "/" between, like addresses, whose host they may begin with.

const HOST = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i;

/** The parts of a path, "." and ".." resolved. ".." at the top stays there. */
export function partsOf(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.replace(HOST, "").split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts;
}

export function joinPath(...parts: string[]): string {
  const path = parts.join("/");
  const host = HOST.exec(path)?.[0];
  return [...(host === undefined ? [] : [host]), ...partsOf(path)].join("/");
}

/** What `path` is inside `folder`, "" for the folder itself; undefined when it is not in there. */
export function pathInside(folder: string, path: string): string | undefined {
  const [outer, inner] = [joinPath(folder), joinPath(path)];
  if (inner === outer) return "";
  return inner.startsWith(`${outer}/`) ? inner.slice(outer.length + 1) : undefined;
}
