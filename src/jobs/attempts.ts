// What has been tried with a shard: a line when somebody begins, one when that ends. A beginning without an end is a death: of the process, of the
// machine, or a worker that was cut off. Lines are added, never changed, and a torn one is no line.
import { z } from "zod";
import { planPaths, type RowRange, shardName } from "./plan.ts";
import type { PlanFiles } from "./plan-files.ts";

const base = { at: z.string(), worker: z.string() };
const attemptSchema = z.discriminatedUnion("event", [
  /** Rows [from, to) of the manifest. */
  z.looseObject({ event: z.literal("begin"), id: z.string(), from: z.int(), to: z.int(), ...base }),
  z.looseObject({
    event: z.literal("end"),
    id: z.string(),
    outcome: z.enum(["done", "stopped", "failed", "died"]),
    reason: z.string().optional(),
    ...base,
  }),
  /** A picture that ended the process twice, all by itself. */
  z.looseObject({ event: z.literal("quarantine"), row: z.int(), ...base }),
  /** What was before does not count any more. */
  z.looseObject({ event: z.literal("reset"), quarantined: z.boolean().optional(), ...base }),
]);
export type Attempt = z.infer<typeof attemptSchema>;

/** The error of a picture that ended processes. */
export const QUARANTINED = "quarantined";

/** What a shard's attempts come to. */
export interface ShardHistory {
  /** Rows that are not tried again. */
  readonly quarantined: ReadonlySet<number>;
  /** How often exactly these rows were under way when a process ended: as its worker saw it, and with workers that were seen no more. */
  deaths(range: RowRange): { readonly seen: number; readonly all: number };
  /** Whether exactly these rows once went through. */
  survived(range: RowRange): boolean;
  /** Attempts that ended with an error of this program or of the engine. */
  readonly failures: number;
  readonly lastReason: string | undefined;
}

export const attemptsPath = (files: PlanFiles, folder: string, shard: number): string =>
  files.join(folder, planPaths.attempts, `${shardName(shard)}.jsonl`);

export function recordAttempt(files: PlanFiles, folder: string, shard: number, attempt: Attempt): Promise<void> {
  return files.addLine(attemptsPath(files, folder, shard), JSON.stringify(attempt));
}

export async function readAttempts(files: PlanFiles, folder: string, shard: number): Promise<Attempt[]> {
  return (await files.readLines(attemptsPath(files, folder, shard))).flatMap((line) => {
    if (line === "") return [];
    try {
      return [attemptSchema.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}

export function historyOf(attempts: readonly Attempt[]): ShardHistory {
  const quarantined = new Set<number>();
  const open = new Map<string, RowRange>();
  const deaths: RowRange[] = [];
  const survivors: RowRange[] = [];
  let failures = 0;
  let lastReason: string | undefined;
  for (const attempt of attempts) {
    if (attempt.event === "begin") open.set(attempt.id, attempt);
    else if (attempt.event === "quarantine") quarantined.add(attempt.row);
    else if (attempt.event === "reset") {
      open.clear();
      deaths.length = 0;
      survivors.length = 0;
      failures = 0;
      if (attempt.quarantined === true) quarantined.clear();
    } else {
      const begun = open.get(attempt.id);
      open.delete(attempt.id);
      if (attempt.outcome === "failed") failures++;
      if (attempt.outcome === "done" && begun !== undefined) survivors.push(begun);
      if (attempt.outcome === "died" && begun !== undefined) deaths.push(begun);
      lastReason = attempt.reason ?? lastReason;
    }
  }
  const count = (ranges: readonly RowRange[], { from, to }: RowRange) =>
    ranges.filter((range) => range.from === from && range.to === to).length;
  return {
    quarantined,
    failures,
    lastReason,
    deaths(range) {
      const seen = count(deaths, range);
      return { seen, all: seen + count([...open.values()], range) };
    },
    survived: (range) => count(survivors, range) > 0,
  };
}
