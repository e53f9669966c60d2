// Leases in a folder that workers share: no infrastructure but a disk. A lease is a file that its worker rewrites with a new number before its time is
// over. Whoever wants the shard watches the number by a clock of their own, so machines need not agree on the time; a holder on this very machine that
// is no more is known at once.
import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { open, readdir, readFile, rename, unlink } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { SaccadeError, UsageError } from "../../../errors.ts";
import { isStoreAddress } from "../../../jobs/address.ts";
import type { Lease, QueueOptions, ShardQueue } from "../../../jobs/queue.ts";
import { makeDirectory } from "../make-directory.ts";

interface Holder {
  readonly token: string;
  readonly worker: string;
  readonly pid: number;
  /** Where its process number means something. */
  readonly place: string;
  /** Grows with every sign of life. */
  readonly beat: number;
}

const LEASE = /^(\d+)\.lease$/;
const DONE = /^(?:part-)?(\d+)\.json$/;

/** @throws UsageError for a plan in a store of objects: not all of them make an object only where there is none */
export async function openFolderQueue(options: QueueOptions): Promise<ShardQueue> {
  if (isStoreAddress(options.folder))
    throw new UsageError(
      "a plan in a store of objects has no folder for leases: who has which shard is said by a database, or by a scheduler",
      "--queue postgres://… or redis://… (or SACCADE_QUEUE), or --index N --count M",
    );
  const leases = join(options.folder, "leases");
  await makeDirectory(leases).catch((error: unknown) => {
    throw unusable(leases, error);
  });
  return new FolderQueue(leases, options);
}

class FolderQueue implements ShardQueue {
  readonly kind = "shared folder";
  readonly #leases: string;
  readonly #options: QueueOptions;
  /** What leases said when they were last seen to change, by this process's clock. */
  readonly #seen = new Map<number, { readonly text: string; readonly at: number }>();
  readonly #first: number;

  constructor(leases: string, options: QueueOptions) {
    this.#leases = leases;
    this.#options = options;
    // Workers begin at different places, so that they do not all want the same shard.
    this.#first = randomBytes(4).readUInt32LE() % Math.max(1, options.shards);
  }

  /** The plan's own folder says what is to be done. */
  async fill(): Promise<void> {}

  async take(): Promise<Lease | undefined> {
    const { shards } = this.#options;
    const [done, held] = await Promise.all([this.#doneShards(), this.#heldShards()]);
    let inHands: number[] = [];
    for (let i = 0; i < shards; i++) {
      const shard = (this.#first + i) % shards;
      if (done.has(shard)) continue;
      if (held.has(shard)) {
        inHands = [...inHands, shard];
        continue;
      }
      const lease = await this.#create(shard);
      if (lease !== undefined) return lease;
    }
    for (const shard of inHands) {
      const lease = await this.#takeOver(shard);
      if (lease !== undefined) return lease;
    }
    return undefined;
  }

  async outstanding(): Promise<number> {
    return this.#options.shards - (await this.#doneShards()).size;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #doneShards(): Promise<Set<number>> {
    const { folder } = this.#options;
    const [parts, failed] = await Promise.all(
      ["parts", "failed"].map((name) => readdir(join(folder, name)).catch(() => [] as string[])),
    );
    return numbersIn([...parts!, ...failed!], DONE);
  }

  async #heldShards(): Promise<Set<number>> {
    const names = await readdir(this.#leases).catch((error: unknown) => {
      throw unusable(this.#leases, error);
    });
    return numbersIn(names, LEASE);
  }

  #path(shard: number): string {
    return join(this.#leases, `${String(shard).padStart(5, "0")}.lease`);
  }

  /** undefined when somebody else was faster. */
  async #create(shard: number): Promise<Lease | undefined> {
    const holder: Holder = {
      token: randomBytes(12).toString("hex"),
      worker: this.#options.worker,
      pid: process.pid,
      place: thisPlace(),
      beat: 0,
    };
    if (!(await createLease(this.#path(shard), holder))) return undefined;
    this.#seen.delete(shard);
    return new FolderLease(shard, this.#path(shard), holder);
  }

  /** A lease of somebody who has fallen silent. */
  async #takeOver(shard: number): Promise<Lease | undefined> {
    const path = this.#path(shard);
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text === undefined) return this.#create(shard);
    const now = performance.now();
    const seen = this.#seen.get(shard);
    if (seen?.text !== text) this.#seen.set(shard, { text, at: now });
    const isSilent = seen?.text === text && now - seen.at > this.#options.leaseMs;
    if (!isSilent && !isGone(parseHolder(text))) return undefined;
    // Only one of several can move it away.
    const aside = join(this.#leases, `${shard}.${randomBytes(6).toString("hex")}.over`);
    if (
      !(await rename(path, aside).then(
        () => true,
        () => false,
      ))
    )
      return undefined;
    const moved = await readFile(aside, "utf8").catch(() => undefined);
    await unlink(aside).catch(() => undefined);
    // Somebody had been faster, and this was the lease of theirs: they will notice, and put it back if the shard is still free.
    if (moved !== text) return undefined;
    return this.#create(shard);
  }
}

class FolderLease implements Lease {
  readonly #path: string;
  #holder: Holder;
  /** Given back: a sign of life that is under way must not take it once more. */
  #isOver = false;

  constructor(
    readonly shard: number,
    path: string,
    holder: Holder,
  ) {
    this.#path = path;
    this.#holder = holder;
  }

  async renew(): Promise<boolean> {
    const next = { ...this.#holder, beat: this.#holder.beat + 1 };
    const there = await readFile(this.#path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw unusable(this.#path, error);
    });
    if (there === undefined) {
      if (this.#isOver || !(await createLease(this.#path, next))) return false;
      if (this.#isOver) {
        await this.#remove();
        return false;
      }
    } else {
      if (parseHolder(there)?.token !== this.#holder.token) return false;
      const file = await open(this.#path, "r+").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return undefined;
        throw unusable(this.#path, error);
      });
      if (file === undefined) return this.renew(); // it was moved away since
      try {
        await file.write(print(next), 0); // of the same length: readers never see less
      } finally {
        await file.close();
      }
    }
    this.#holder = next;
    return true;
  }

  complete(): Promise<void> {
    return this.#remove();
  }

  release(): Promise<void> {
    return this.#remove();
  }

  async #remove(): Promise<void> {
    this.#isOver = true;
    const there = await readFile(this.#path, "utf8").catch(() => undefined);
    if (there !== undefined && parseHolder(there)?.token === this.#holder.token)
      await unlink(this.#path).catch(() => undefined);
  }
}

const print = (holder: Holder): string =>
  `${JSON.stringify({ ...holder, beat: String(holder.beat).padStart(10, "0") })}\n`;

function parseHolder(text: string): Pick<Holder, "token" | "pid" | "place"> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    const { token, pid, place } = value as Record<string, unknown>;
    return typeof token === "string" && typeof pid === "number" && typeof place === "string"
      ? { token, pid, place }
      : undefined;
  } catch {
    return undefined; // it is just being written
  }
}

/** Whether there was none. */
async function createLease(path: string, holder: Holder): Promise<boolean> {
  const file = await open(path, "wx").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") return undefined;
    throw unusable(path, error);
  });
  if (file === undefined) return false;
  try {
    await file.writeFile(print(holder));
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw unusable(path, error);
  } finally {
    await file.close();
  }
  return true;
}

/** Whether its process was on this machine and is no more. */
function isGone(holder: Pick<Holder, "pid" | "place"> | undefined): boolean {
  if (holder === undefined || holder.place !== thisPlace()) return false;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

let place: string | undefined;

/** This start of this machine, and of its containers this one. "" with something random where that cannot be told. */
function thisPlace(): string {
  if (place !== undefined) return place;
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    place = `${hostname()} ${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    place = `${hostname()} ${randomBytes(8).toString("hex")}`;
  }
  return place;
}

function numbersIn(names: readonly string[], pattern: RegExp): Set<number> {
  const found = new Set<number>();
  for (const name of names) {
    const [, number] = pattern.exec(name) ?? [];
    if (number !== undefined) found.add(Number(number));
  }
  return found;
}

function unusable(path: string, error: unknown): SaccadeError {
  if (error instanceof SaccadeError) return error;
  const { code = "", message = String(error) } = error as NodeJS.ErrnoException;
  const reason = code === "ENOSPC" ? "the disk is full" : message;
  return new SaccadeError(`file_${code.toLowerCase()}`, `cannot use ${path}: ${reason}`, { cause: error });
}
