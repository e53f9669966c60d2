// --from-file: paths of pictures out of a file or a pipe, for more of them than a command line takes.
import { createReadStream } from "node:fs";
import { readAtMost } from "../byte-sources.ts";
import { AbortedError, NotFoundError, SaccadeError, UsageError } from "../errors.ts";
import type { Files } from "../platform/host.ts";
import { decodeText } from "../text-file.ts";
import type { Terminal } from "./terminal.ts";

export const FROM_FILE_HELP = "more paths, one a line or NUL-separated (find -print0); - is standard input";

/** Some millions of paths. */
const MAX_LIST_BYTES = 2 ** 29;

/**
 * The paths in a list, as they are: a line each, or with a NUL after each (`find -print0`) when there is one anywhere. `-` is standard input; pipes
 * are read too, such as a shell's `<(find …)`.
 *
 * @throws FormatError for text that is not UTF-8, naming the line; NotFoundError, UsageError, LimitError
 */
export async function readPictureList(files: Files, source: string, terminal: Terminal): Promise<string[]> {
  return parsePictureList(
    source === "-" ? await terminal.readInput() : await readFile(files, source, terminal),
    source,
  );
}

async function readFile(files: Files, path: string, { signal }: Terminal): Promise<Uint8Array> {
  const entry = await files.stat(path);
  if (entry === undefined) throw new NotFoundError("list of pictures", path);
  if (entry.isDirectory)
    throw new UsageError(`${path} is a folder, not a list`, "give the folder itself as an argument");
  try {
    return await readAtMost(createReadStream(path, { signal }), MAX_LIST_BYTES, path);
  } catch (error) {
    if (signal.aborted) throw new AbortedError("reading the list", error);
    if (error instanceof SaccadeError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new SaccadeError("file", `cannot read ${path}: ${reason}`, { cause: error });
  }
}

/** Empty lines are no paths; a line may end as on Windows, and the text begin with a byte order mark. */
export function parsePictureList(bytes: Uint8Array, source: string): string[] {
  const isMarked = bytes[0] === 0xff || bytes[0] === 0xfe; // UTF-16, where many bytes are 0
  const paths = bytes.includes(0) && !isMarked ? splitAtNul(bytes, source) : decodeText(bytes, source).split(/\r?\n/);
  return paths.filter((path) => path !== "");
}

function splitAtNul(bytes: Uint8Array, source: string): string[] {
  const paths: string[] = [];
  for (let start = 0; start < bytes.length; ) {
    const nul = bytes.indexOf(0, start);
    const end = nul === -1 ? bytes.length : nul;
    paths.push(decodeText(bytes.subarray(start, end), `${source}, path ${paths.length + 1}`));
    start = end + 1;
  }
  return paths;
}
