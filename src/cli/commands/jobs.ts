// saccade jobs: how a plan stands, and what is done with it beside working on it.
import type { Command } from "commander";
import { UsageError } from "../../errors.ts";
import type { JobsStatus, WorkerStatus } from "../../jobs/status.ts";
import { nodeJobsHost } from "../../platform/node/jobs-host.ts";
import { mergePlan, retryPlan, statusOfPlan, verifyPlan } from "../../workflows/jobs/after-work.ts";
import { nameList } from "../options.ts";
import { duration, Progress } from "../progress.ts";
import { printable, type Terminal, table } from "../terminal.ts";

interface JobsFlags {
  output?: string;
  partial?: boolean;
  codes?: string[];
  quarantined?: boolean;
  repair?: boolean;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  $ saccade jobs status photos-plan
  $ saccade jobs retry-failed photos-plan --codes network,not_found
  $ saccade jobs verify photos-plan
  $ saccade jobs merge photos-plan --output answers.parquet
`;

export const JOB_ACTIONS = ["status", "retry-failed", "verify", "merge"] as const;
type Action = (typeof JOB_ACTIONS)[number];
type Act = (plan: string, flags: JobsFlags, terminal: Terminal, finish: (exitCode: number) => void) => Promise<void>;

export function addJobs(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  program
    .command("jobs")
    .description("see how a plan stands; retry what failed, verify and merge what is done")
    .argument("<action>", JOB_ACTIONS.join(", "))
    .argument("<plan>", "the plan's folder, or s3://BUCKET/PREFIX")
    .option("--output <file>", "merge: the file to write, .parquet or .jsonl")
    .option("--partial", "merge: although shards are missing")
    .option("--codes <names>", "retry-failed: only errors with these codes", nameList)
    .option("--quarantined", "retry-failed: also pictures that ended the process")
    .option("--repair", "verify: take away what is wrong, so that it is computed again")
    .option("--json", "one JSON object")
    .addHelpText("after", EXAMPLES)
    .action((action: string, plan: string, flags: JobsFlags) => {
      if (!Object.hasOwn(ACTIONS, action))
        throw new UsageError(`there is no action ${action} for plans`, JOB_ACTIONS.join(", "));
      return ACTIONS[action as Action](plan, flags, terminal, finish);
    });
}

const ACTIONS: { readonly [A in Action]: Act } = {
  async status(plan, { json }, terminal) {
    const status = await statusOfPlan(nodeJobsHost, plan);
    terminal.out(json === true ? `${JSON.stringify(statusJson(status))}\n` : statusText(status, terminal));
  },

  async "retry-failed"(plan, { codes, quarantined, json }, terminal) {
    const retried = await retryPlan(nodeJobsHost, plan, {
      ...(codes === undefined ? {} : { codes }),
      ...(quarantined === undefined ? {} : { quarantined }),
    });
    if (json === true) terminal.out(`${JSON.stringify(retried)}\n`);
    else if (retried.shards === 0) terminal.out("nothing failed that would be tried again\n");
    else terminal.out(`${retried.rows} pictures in ${retried.shards} shards: saccade work does them again\n`);
  },

  async verify(plan, { repair, json }, terminal, finish) {
    const progress = new Progress(terminal, "shards", undefined);
    const found = await verifyPlan(nodeJobsHost, plan, {
      ...(repair === undefined ? {} : { repairs: repair }),
      signal: terminal.signal,
      onProgress: (shards) => progress.reach(shards),
    });
    progress.finish();
    const { shards, rows, failedRows, missing, faults } = found;
    if (json === true) terminal.out(`${JSON.stringify({ shards, rows, failed_rows: failedRows, missing, faults })}\n`);
    else {
      for (const { shard, problem } of faults) terminal.out(`${shard < 0 ? "plan" : `shard ${shard}`}: ${problem}\n`);
      const errors = failedRows === 0 ? "" : `, ${failedRows} of them with an error`;
      const lacking = missing.length === 0 ? "" : `; ${missing.length} of ${shards} shards are missing`;
      terminal.out(`${rows} pictures are answered${errors}${lacking}; ${faults.length} faults\n`);
    }
    if (faults.length > 0 || missing.length > 0) finish(1);
  },

  async merge(plan, { output, partial, json }, terminal) {
    if (output === undefined) throw new UsageError("no file was named to merge into", "--output answers.parquet");
    const progress = new Progress(terminal, "shards", undefined);
    const merged = await mergePlan(nodeJobsHost, plan, output, {
      ...(partial === undefined ? {} : { isPartial: partial }),
      signal: terminal.signal,
      onProgress: (shards) => progress.reach(shards),
    });
    progress.finish();
    if (json === true) terminal.out(`${JSON.stringify({ output, ...merged })}\n`);
    else terminal.out(`${output}: ${merged.rows} pictures, sha256 ${merged.sha256}\n`);
  },
};

function statusJson({ rate, secondsLeft, ...status }: JobsStatus) {
  return {
    rows: status.rows,
    done_rows: status.doneRows,
    failed_rows: status.failedRows,
    shards: status.shards,
    done_shards: status.doneShards,
    given_up: status.givenUp,
    rate,
    seconds_left: secondsLeft,
    workers: status.workers.map(({ lives, isLate, ...worker }) => ({ ...worker, lives, is_late: isLate })),
  };
}

function shardCell({ shard, shard_rows: part = 0, shard_seconds: since = 0, isLate, is_second }: WorkerStatus): string {
  if (shard === undefined) return "";
  const remarks = [...(isLate ? [", takes long"] : []), ...(is_second === true ? [", begun once more"] : [])];
  return `${shard} (${part} in ${duration(since)}${remarks.join("")})`;
}

function statusText(status: JobsStatus, terminal: Terminal): string {
  const { rows, doneRows, failedRows, shards, doneShards, givenUp, workers, rate, secondsLeft } = status;
  const share = Math.floor((100 * doneRows) / Math.max(1, rows));
  const speed = rate === undefined ? "" : `, ${rate.toFixed(1)} pictures/s, ${duration(secondsLeft ?? 0)} left`;
  const lines = [`${doneRows} of ${rows} pictures (${share} %), ${doneShards} of ${shards} shards${speed}`];
  if (failedRows > 0) lines.push(`${failedRows} with an error (saccade jobs retry-failed)`);
  for (const { shard, reason } of givenUp) lines.push(`shard ${shard} was given up: ${printable(reason)}`);
  const living = workers.filter(({ lives }) => lives);
  if (living.length === 0) return `${lines.join("\n")}\n${doneShards < shards ? "nobody works on it\n" : ""}`;
  const cells = living.map((worker) => [
    printable(worker.host),
    String(worker.pid),
    printable(worker.queue),
    String(worker.rows),
    shardCell(worker),
  ]);
  const workersTable = table(["machine", "process", "queue", "pictures", "shard"], cells, {
    right: [1, 3],
    columns: terminal.columns,
  });
  return `${lines.join("\n")}\n\n${workersTable}`;
}
