// From what stands on a command line (files, folders, globs, -, a list) to named pictures or videos, and from their answers back to the names.
import { isAbsolute } from "node:path";
import { glob } from "tinyglobby";
import { NotFoundError, SaccadeError, UsageError } from "../errors.ts";
import { isPictureName, LeftOut, type NamedEntry, wantedAndFolders } from "../image/picture-files.ts";
import type { Host } from "../platform/host.ts";
import type { Answered } from "../tasks/engine/picture-stream.ts";
import { readPictureList } from "./picture-list.ts";
import { noteError, type Terminal } from "./terminal.ts";

/** A path, or the bytes that came in on standard input. */
export interface NamedPicture {
  readonly name: string;
  readonly source: string | Uint8Array;
}

/** A path that gives no picture, and why. */
export interface PathProblem {
  readonly name: string;
  readonly error: SaccadeError;
}

export interface ExpandedPictures {
  readonly pictures: readonly NamedPicture[];
  readonly problems: readonly PathProblem[];
}

/** What a command looks for. */
export interface SoughtFiles {
  readonly noun: string;
  /** Whether a file in a folder, or what a glob matches, is one, by its name. */
  isName(path: string): boolean;
  /** Whether what lies in a folder is one together. */
  isFolder?(entries: readonly NamedEntry[]): boolean;
  /** Why a file that was named is none, whatever is in it. */
  refusal?(path: string): SaccadeError | undefined;
}

const PICTURES: SoughtFiles = { noun: "picture", isName: isPictureName };

/** What stands on the command line. */
export interface PictureArguments {
  readonly paths: readonly string[];
  /** A list of more paths, which are taken as they are: no globs. */
  readonly fromFile?: string | undefined;
}

const GLOB = /[*?[\]{}]/;

/**
 * In the order given, folders (searched to the bottom) and globs sorted by name. A path that gives no picture (nothing is there, an empty folder,
 * links in circles, …) is a problem beside the others; when there is nothing but problems, the last of them is thrown.
 *
 * @throws SaccadeError when there are no pictures at all
 */
export async function expandPictures(
  host: Host,
  { paths, fromFile }: PictureArguments,
  terminal: Terminal,
  sought = PICTURES,
): Promise<ExpandedPictures> {
  if (paths.length === 0 && fromFile === undefined)
    throw new UsageError(`no ${sought.noun}s were given`, `name ${sought.noun}s or folders, or --from-file LIST`);
  if ([...paths, fromFile].filter((path) => path === "-").length > 1)
    throw new UsageError("standard input can be read only once");
  const listed = fromFile === undefined ? [] : await readPictureList(host.files, fromFile, terminal);
  if (paths.length === 0 && listed.length === 0) throw new UsageError(`${fromFile} lists no ${sought.noun}s`);
  const search = new PictureSearch(host, terminal, sought);
  for (const path of paths) await search.argument(path);
  for (const path of listed) await search.path(path);
  const { pictures, problems, leftOut } = search;
  if (pictures.length === 0) {
    for (const { error } of problems.slice(0, -1)) noteError(terminal, error);
    throw problems.at(-1)!.error;
  }
  const others = leftOut.describe();
  if (others !== "") terminal.note(`left out: ${others}`);
  return { pictures, problems };
}

class PictureSearch {
  readonly pictures: NamedPicture[] = [];
  readonly problems: PathProblem[] = [];
  readonly leftOut = new LeftOut();
  readonly #host: Host;
  readonly #terminal: Terminal;
  readonly #sought: SoughtFiles;

  constructor(host: Host, terminal: Terminal, sought: SoughtFiles) {
    this.#host = host;
    this.#terminal = terminal;
    this.#sought = sought;
  }

  /** A path, a glob, or - for standard input. */
  async argument(text: string): Promise<void> {
    if (text === "-") this.pictures.push({ name: "-", source: await this.#terminal.readInput() });
    else if (GLOB.test(text)) await this.#trying(text, () => this.#glob(text));
    else await this.path(text);
  }

  async path(path: string): Promise<void> {
    await this.#trying(path, async () => {
      const entry = await this.#host.files.stat(path);
      if (entry === undefined)
        throw new NotFoundError(this.#sought.noun, path, 'check the path; globs work too: "photos/*.jpg"');
      if (entry.isDirectory) return this.#folder(path);
      const refusal = this.#sought.refusal?.(path);
      if (refusal !== undefined) throw refusal;
      this.#add([path]);
    });
  }

  /** What goes wrong with a path stops no other. */
  async #trying(name: string, search: () => Promise<void>): Promise<void> {
    try {
      await search();
    } catch (error) {
      if (!(error instanceof SaccadeError)) throw error;
      this.problems.push({ name, error });
    }
  }

  async #glob(pattern: string): Promise<void> {
    // A name may look like a pattern.
    if ((await this.#host.files.stat(pattern)) !== undefined) return this.path(pattern);
    const found = (
      await glob(pattern, { onlyFiles: true, expandDirectories: false, absolute: isAbsolute(pattern) })
    ).sort();
    if (found.length === 0) throw new NotFoundError(this.#sought.noun, pattern, "the pattern matches nothing");
    this.#add(found);
  }

  async #folder(path: string): Promise<void> {
    const others = new LeftOut();
    const problems = this.problems.length;
    const found = await this.#below(path, others);
    // A folder that cannot be looked into is said already.
    if (found.length === 0 && this.problems.length === problems)
      throw new UsageError(`there are no ${this.#sought.noun}s in the folder ${path}${onlyHas(others)}`);
    this.leftOut.include(others);
    this.#add(found);
  }

  async #below(folder: string, leftOut: LeftOut): Promise<string[]> {
    const listed = await this.#host.files.list(folder);
    if (this.#sought.isFolder?.(listed) === true) return [folder];
    const entries = wantedAndFolders(listed, this.#sought.isName, leftOut);
    const nested = await Promise.all(
      entries.map(async ({ path, isDirectory }) => {
        if (!isDirectory) return [path];
        let below: string[] = [];
        await this.#trying(path, async () => {
          below = await this.#below(path, leftOut);
        });
        return below;
      }),
    );
    return nested.flat();
  }

  #add(paths: readonly string[]): void {
    for (const path of paths) this.pictures.push({ name: path, source: path });
  }
}

function onlyHas(leftOut: LeftOut): string {
  const others = leftOut.describe();
  return others === "" ? "" : `, only ${others}`;
}

/** For models that take sources without names: their answers under the names. */
export async function* underNames<A>(
  pictures: readonly NamedPicture[],
  answer: (sources: readonly NamedPicture["source"][]) => AsyncIterable<Answered<unknown, A>>,
): AsyncGenerator<Answered<NamedPicture, A>> {
  let next = 0;
  for await (const answered of answer(pictures.map(({ source }) => source)))
    yield { ...answered, source: pictures[next++]! };
}
