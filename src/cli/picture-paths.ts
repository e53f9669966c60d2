// From what stands on a command line (files, folders, globs, -) to named pictures, and from their answers back to the names.
import { glob } from "tinyglobby";
import { NotFoundError, UsageError } from "../errors.ts";
import { LeftOut, picturesAndFolders } from "../image/picture-files.ts";
import type { Host } from "../platform/host.ts";
import type { Answered } from "../tasks/picture-stream.ts";
import type { PictureSource } from "../tasks/pictures.ts";
import type { Terminal } from "./terminal.ts";

export interface NamedPicture {
  readonly name: string;
  readonly source: PictureSource;
}

const GLOB = /[*?[\]{}]/;

/**
 * In the order given, folders (searched to the bottom) and globs sorted by name. A path where nothing is stays in the list, for its reader to
 * report, so that one misspelt name does not stop the others; when there is nothing else it is an error at once.
 * Throws NotFoundError or UsageError.
 */
export async function expandPictures(
  host: Host,
  paths: readonly string[],
  terminal: Terminal,
): Promise<NamedPicture[]> {
  const pictures: NamedPicture[] = [];
  const missing: string[] = [];
  const leftOut = new LeftOut();
  for (const path of paths) {
    if (path === "-") {
      pictures.push({ name: "-", source: await terminal.readInput() });
      continue;
    }
    const entry = await host.files.stat(path);
    if (entry?.isDirectory) {
      const others = new LeftOut();
      const found = await picturesUnder(host, path, others);
      if (found.length === 0) throw new UsageError(`there are no pictures in the folder ${path}${onlyHas(others)}`);
      leftOut.include(others);
      pictures.push(...found);
    } else if (entry !== undefined) pictures.push({ name: path, source: path });
    else if (GLOB.test(path)) {
      const found = (await glob(path, { onlyFiles: true, expandDirectories: false })).sort();
      if (found.length === 0) throw new NotFoundError("picture", path, "the pattern matches nothing");
      pictures.push(...found.map((name) => ({ name, source: name })));
    } else {
      pictures.push({ name: path, source: path });
      missing.push(path);
    }
  }
  if (missing.length === pictures.length && missing[0] !== undefined)
    throw new NotFoundError("picture", missing[0], 'check the path; globs work too: "photos/*.jpg"');
  const others = leftOut.describe();
  if (others !== "") terminal.note(`left out: ${others}`);
  return pictures;
}

function onlyHas(leftOut: LeftOut): string {
  const others = leftOut.describe();
  return others === "" ? "" : `, only ${others}`;
}

async function picturesUnder(host: Host, folder: string, leftOut: LeftOut): Promise<NamedPicture[]> {
  const entries = picturesAndFolders(await host.files.list(folder), leftOut);
  const nested = await Promise.all(
    entries.map(async (entry) => {
      if (entry.isDirectory) return picturesUnder(host, entry.path, leftOut);
      return [{ name: entry.path, source: entry.path }];
    }),
  );
  return nested.flat();
}

/** For models that take sources without names: their answers under the names. */
export async function* underNames<A>(
  pictures: readonly NamedPicture[],
  answer: (sources: readonly PictureSource[]) => AsyncIterable<Answered<PictureSource, A>>,
): AsyncGenerator<Answered<NamedPicture, A>> {
  let next = 0;
  for await (const answered of answer(pictures.map(({ source }) => source)))
    yield { ...answered, source: pictures[next++]! };
}
