// One process at a time in a folder: `.lock` in it names the process that is there. What a killed process left is seen by its number, which nobody
// has any more, or, when it was another machine's or the number is taken again, by a file that nobody has touched for long.
import { randomBytes } from "node:crypto";
import { open, readFile, stat, unlink, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { SaccadeError } from "../../errors.ts";

const NAME = ".lock";
const TOUCH_EVERY_MS = 10_000;
/** A process that did not touch its lock for so long is no more. */
const ABANDONED_MS = 120_000;
/** Two processes that find the same abandoned lock may both replace it; after so long the first knows that it lost. */
const SETTLE_MS = 200;

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
  /** Tells apart locks of one process. */
  readonly token: string;
}

/** Tokens of this process's own locks. */
const own = new Set<string>();

/**
 * Takes a folder, which must be there, until what is returned is disposed.
 *
 * @throws SaccadeError "in_use" when another process, or another part of this one, has it; system errors
 */
export async function lockFolder(folder: string): Promise<AsyncDisposable> {
  const path = join(resolve(folder), NAME);
  const mine: Holder = {
    pid: process.pid,
    host: hostname(),
    since: new Date().toISOString(),
    token: randomBytes(8).toString("hex"),
  };
  if (!(await create(path, mine))) {
    const other = await readHolder(path);
    if (other !== undefined && !(await isAbandoned(path, other))) throw inUse(folder, path, other);
    const still = await readHolder(path);
    if (still !== undefined && still.token !== other?.token) throw inUse(folder, path, still);
    await unlink(path).catch(() => undefined);
    const made = await create(path, mine);
    await pause(SETTLE_MS);
    const winner = await readHolder(path);
    if (!made || winner?.token !== mine.token) throw inUse(folder, path, winner);
  }
  own.add(mine.token);
  const touch = setInterval(() => utimes(path, new Date(), new Date()).catch(() => undefined), TOUCH_EVERY_MS);
  touch.unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(touch);
      own.delete(mine.token);
      if ((await readHolder(path))?.token === mine.token) await unlink(path).catch(() => undefined);
    },
  };
}

/** Whether the lock was free. */
async function create(path: string, holder: Holder): Promise<boolean> {
  const file = await open(path, "wx").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") return undefined;
    throw error;
  });
  if (file === undefined) return false;
  try {
    await file.writeFile(`${JSON.stringify(holder)}\n`);
  } finally {
    await file.close();
  }
  return true;
}

/** undefined when there is no lock. One that says nothing sensible, because it is just being written, has a holder without a name. */
async function readHolder(path: string): Promise<Partial<Holder> | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

async function isAbandoned(path: string, { pid, host, token }: Partial<Holder>): Promise<boolean> {
  if (host === hostname() && typeof pid === "number") {
    // In a container, the process that goes on may have the number of the one before.
    if (pid === process.pid ? !own.has(token ?? "") : !isAlive(pid)) return true;
  }
  const touched = await stat(path).catch(() => undefined);
  return touched === undefined || Date.now() - touched.mtimeMs > ABANDONED_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // it is another user's
  }
}

function inUse(folder: string, path: string, { pid, host, since }: Partial<Holder> = {}): SaccadeError {
  const who = pid === undefined ? "another process" : `process ${pid} on ${host}, since ${since}`;
  return new SaccadeError("in_use", `${folder} is in use: ${who}`, {
    hint: `wait for it or stop it; if it is no more, wait two minutes or delete ${path}`,
    data: { folder, pid, host, since },
  });
}
