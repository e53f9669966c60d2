// One worker and one shard: tries, and where processes have ended over it, finds out which picture does that. Halves are tried alone, and halves of the
// half that dies; a picture that ends the process twice all by itself is put in quarantine, and the shard is computed without it.
import { historyOf, readAttempts, recordAttempt, type ShardHistory } from "./attempts.ts";
import { type PlanFolder, type RowRange, shardRange } from "./plan.ts";
import { giveUp } from "./progress.ts";
import type { ShardAnswer, ShardOrder } from "./run-shard.ts";

/** How an order to a computing process ended. */
export type RunEnd =
  | ({ readonly kind: "done" } & ShardAnswer)
  /** An error that is nobody's picture's. `isPassing`: of the surroundings, such as a full disk. */
  | { readonly kind: "failed"; readonly message: string; readonly isPassing: boolean }
  | { readonly kind: "died"; readonly reason: string }
  | { readonly kind: "stopped" };

export interface Running {
  readonly end: Promise<RunEnd>;
  stop(): void;
}

/** Computes shards in a process of its own, or as if. */
export interface ShardRunner extends AsyncDisposable {
  /** Settles when an order would be taken up at once. Until then no picture can be to blame for an end. */
  ready(): Promise<void>;
  run(order: ShardOrder, onProgress: (rows: number) => void): Running;
}

export interface AttemptContext {
  readonly opened: PlanFolder;
  readonly worker: string;
  /** Now, ISO 8601. */
  readonly date: () => string;
  /** Unlike any other. */
  readonly newId: () => string;
  readonly runner: ShardRunner;
  readonly onProgress: (rows: number) => void;
  /** Told of what runs, so that it can be stopped. */
  readonly onRunning: (running: Running | undefined) => void;
  readonly onNotice: (line: string) => void;
  /** No more is begun. */
  readonly isStopping: () => boolean;
}

export type ShardEnd =
  | ({ readonly kind: "done" } & ShardAnswer)
  | { readonly kind: "given-up"; readonly reason: string }
  | { readonly kind: "stopped" }
  /** The surroundings are at fault; the shard is as it was. */
  | { readonly kind: "passing"; readonly message: string };

/** So many deaths of a whole shard make it suspicious. */
const SUSPICIOUS_DEATHS = 2;
/** So many of a picture alone are enough; more where only the worker's own end tells of it, which may have come from outside. */
const DEADLY = { seen: 2, all: 6 };
const MOST_OF_ONE = { seen: 2, all: 50 };
/** With that many it is given up where no picture is to blame. */
const MOST_DEATHS = { seen: 5, all: 50 };
const MOST_FAILURES = 3;

export async function attemptShard(context: AttemptContext, shard: number): Promise<ShardEnd> {
  const { opened } = context;
  const whole = shardRange(opened.plan, shard);
  const attempts = new ShardAttempts(context, shard);
  for (;;) {
    const history = await attempts.history();
    const deaths = history.deaths(whole);
    if (history.failures >= MOST_FAILURES) return attempts.giveUp(history.lastReason ?? "it failed");
    // Of a single row, such as a training run, workers that end say little: machines are taken away, and the next goes on.
    const isSuspicious = whole.to - whole.from === 1 ? reaches(deaths, MOST_OF_ONE) : deaths.all >= SUSPICIOUS_DEATHS;
    if (isSuspicious) {
      const end = await attempts.search(whole);
      if (end !== undefined) return end;
      const { quarantined } = await attempts.history();
      if (quarantined.size === 0 && reaches(deaths, MOST_DEATHS))
        return attempts.giveUp(`${deaths.all} processes ended over it, though none of its pictures ends one alone`);
    }
    const end = await attempts.run(whole, false);
    if (end.kind === "done" || end.kind === "stopped" || end.kind === "passing") return end;
  }
}

type Deaths = ReturnType<ShardHistory["deaths"]>;
const reaches = (deaths: Deaths, limit: Deaths): boolean => deaths.seen >= limit.seen || deaths.all >= limit.all;

class ShardAttempts {
  readonly #context: AttemptContext;
  readonly #shard: number;

  constructor(context: AttemptContext, shard: number) {
    this.#context = context;
    this.#shard = shard;
  }

  async history(): Promise<ShardHistory> {
    const { files, folder } = this.#context.opened;
    return historyOf(await readAttempts(files, folder, this.#shard));
  }

  async run(
    range: RowRange,
    isProbe: boolean,
  ): Promise<Exclude<ShardEnd, { kind: "given-up" }> | { readonly kind: "again" }> {
    const { runner, worker, newId } = this.#context;
    if (this.#context.isStopping()) return { kind: "stopped" };
    await runner.ready();
    if (this.#context.isStopping()) return { kind: "stopped" };
    const { quarantined } = await this.history();
    const id = newId();
    await this.#record({ event: "begin", id, from: range.from, to: range.to });
    const order = { ...range, shard: this.#shard, isProbe, quarantined: [...quarantined], worker };
    const running = runner.run({ ...order, from: range.from, to: range.to }, this.#context.onProgress);
    this.#context.onRunning(running);
    const end = await running.end;
    this.#context.onRunning(undefined);
    const ended = (outcome: "done" | "stopped" | "failed" | "died", reason?: string) =>
      this.#record({ event: "end", id, outcome, ...(reason === undefined ? {} : { reason }) });
    if (end.kind === "done") {
      await ended("done");
      return end;
    }
    if (end.kind === "stopped" || (end.kind === "failed" && end.isPassing)) {
      // On a full disk this cannot be written either; then it counts as one death, which is not yet suspicious.
      await ended("stopped").catch(() => undefined);
      return end.kind === "stopped" ? end : { kind: "passing", message: end.message };
    }
    const reason = end.kind === "died" ? end.reason : end.message;
    this.#context.onNotice(`shard ${this.#shard}, rows ${range.from} to ${range.to - 1}: ${reason}`);
    await ended(end.kind, reason);
    return { kind: "again" };
  }

  /** Looks for what ends processes. undefined: it has looked everywhere. */
  async search(range: RowRange): Promise<ShardEnd | undefined> {
    if (range.to - range.from === 1) return this.#tryAlone(range);
    const middle = Math.floor((range.from + range.to) / 2);
    for (const half of [
      { from: range.from, to: middle },
      { from: middle, to: range.to },
    ]) {
      const history = await this.history();
      if (history.survived(half) || isAllQuarantined(half, history)) continue;
      let isDeadly = history.deaths(half).all > 0;
      if (!isDeadly && half.to - half.from > 1) {
        const end = await this.run(half, true);
        if (end.kind === "stopped" || end.kind === "passing") return end;
        isDeadly = end.kind === "again";
      }
      if (!isDeadly && half.to - half.from > 1) continue;
      const found = await this.search(half);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #tryAlone(range: RowRange): Promise<ShardEnd | undefined> {
    for (;;) {
      const history = await this.history();
      if (history.quarantined.has(range.from)) return undefined;
      if (reaches(history.deaths(range), DEADLY)) break;
      if (history.failures >= MOST_FAILURES) return undefined;
      const end = await this.run(range, true);
      if (end.kind === "done") return undefined;
      if (end.kind !== "again") return end;
    }
    await this.#record({ event: "quarantine", row: range.from });
    this.#context.onNotice(`row ${range.from} ends the process: it is put in quarantine`);
    return undefined;
  }

  async giveUp(reason: string): Promise<ShardEnd> {
    const { opened, date } = this.#context;
    await giveUp(opened.files, opened.folder, { shard: this.#shard, reason, at: date() });
    this.#context.onNotice(`shard ${this.#shard} is given up: ${reason}`);
    return { kind: "given-up", reason };
  }

  #record(what: Omit<AttemptLine, "worker" | "at">): Promise<void> {
    const { opened, worker, date } = this.#context;
    const line = { ...what, worker, at: date() } as AttemptLine;
    return recordAttempt(opened.files, opened.folder, this.#shard, line);
  }
}

type AttemptLine = Parameters<typeof recordAttempt>[3];

function isAllQuarantined({ from, to }: RowRange, { quarantined }: ShardHistory): boolean {
  for (let row = from; row < to; row++) if (!quarantined.has(row)) return false;
  return true;
}
