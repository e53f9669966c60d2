// Where a path leads in the end, and writing into what is no regular file: devices, pipes, this process's own standard output. Those cannot be
// replaced by a rename, which would put an ordinary file in their place.
import { constants } from "node:fs";
import { lstat, open, readlink, realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute } from "node:path";

/** As many as Linux follows. */
const MAX_LINKS = 40;
/** What a process has open; to its reader the end of one of these is a path that no longer means anything. */
const DESCRIPTOR = /^\/(?:dev\/fd|proc\/(?:self|thread-self|\d+)\/fd)\/\d+$/;

/** What a write to a path writes to. */
export interface WriteTarget {
  /** Without links, unless it is written into. */
  readonly path: string;
  /** The mode of the file that is there. */
  readonly mode: number | undefined;
  /** Whether it is opened and written into; otherwise a new file takes its place. */
  readonly isWrittenInto: boolean;
}

/** Follows links, a last one to nowhere too. Throws system errors, EISDIR among them. */
export async function writeTarget(path: string): Promise<WriteTarget> {
  const target = await followLinks(path);
  const entry = await stat(target).catch(() => undefined);
  if (entry === undefined) return { path: target, mode: undefined, isWrittenInto: false };
  if (entry.isDirectory()) throw systemError("EISDIR", "it is a folder");
  return { path: target, mode: entry.mode & 0o777, isWrittenInto: !entry.isFile() || DESCRIPTOR.test(target) };
}

async function followLinks(path: string): Promise<string> {
  let at = path;
  for (let links = 0; links <= MAX_LINKS; links++) {
    if (DESCRIPTOR.test(at)) return at;
    const entry = await lstat(at).catch(() => undefined); // nothing is there, or whoever opens it is told why not
    if (entry?.isSymbolicLink() !== true) return at;
    const next = await readlink(at);
    at = isAbsolute(next) ? next : `${await realpath(dirname(at))}/${next}`;
  }
  throw systemError("ELOOP", "its links go in circles");
}

/** Throws system errors; ENXIO when it is a pipe that nobody reads. */
export async function writeInto(path: string, bytes: Uint8Array | string): Promise<void> {
  const { O_WRONLY, O_APPEND, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants;
  // Opening a pipe without O_NONBLOCK waits for its reader, forever perhaps; writing to one with it fails when the pipe is full. While the
  // first is open, the second opens at once, and the reader sees no end in between.
  const trial = await open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY);
  try {
    const file = await open(path, O_WRONLY | O_APPEND | O_NOCTTY);
    try {
      await file.writeFile(bytes);
    } finally {
      await file.close();
    }
  } finally {
    await trial.close();
  }
}

function systemError(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}
