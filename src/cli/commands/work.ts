// saccade work: a worker on a plan.
import type { Command } from "commander";
import { UsageError } from "../../errors.ts";
import type { Heartbeat } from "../../jobs/progress.ts";
import { nodeJobsHost } from "../../platform/node/jobs-host.ts";
import { workPlan } from "../../workflows/jobs/work-plan.ts";
import { addDeviceOptions, addSessionsOption, integer, number, type SessionsOptions } from "../options.ts";
import type { Terminal } from "../terminal.ts";

interface WorkFlags extends SessionsOptions {
  queue?: string;
  model?: string;
  index?: number;
  count?: number;
  lease: number;
  grace: number;
  patience: number;
  silence: number;
  wait: boolean;
  json?: boolean;
}

const QUEUE_VARIABLE = "SACCADE_QUEUE";

const EXAMPLES = `
Any number of workers, on any number of machines that reach the plan's folder,
do a plan together. Without --queue they agree by leases in that folder; a plan
in a store of objects needs a queue or --index. The address of a database, which
has a password in it, is better in the environment, as ${QUEUE_VARIABLE}.
With --index nobody is asked: that is for schedulers that number their tasks.
SIGTERM and Ctrl-C stop with nothing half done; a worker that is killed costs
the others a lease's time.

Examples:
  $ saccade work photos-plan
  $ saccade work photos-plan --queue postgres://jobs@db.example/jobs
  $ saccade work photos-plan --queue redis://cache.example:6379
  $ saccade work s3://answers/photos --queue redis://cache.example:6379
  $ saccade work photos-plan --index 17 --count 100
`;

export function addWork(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  const command = program
    .command("work")
    .description("work on a plan, together with others")
    .argument("<plan>", "the plan's folder, or s3://BUCKET/PREFIX")
    .option("--queue <address>", "who has which shard: folder, postgres://… or redis://… (default: folder)")
    .option("-m, --model <model>", "where the plan's model lies here (default: where it lay when the plan was made)")
    .option("--index <n>", "this task's number, from 0, of --count", numbered)
    .option("--count <n>", "tasks in all; every COUNT-th shard is a task's (default: as many as shards)", integer(1))
    .option("--lease <seconds>", "without a sign for so long, others take a worker's shard over", number, 60)
    .option("--grace <seconds>", "told to stop, finish a shard that will be done within so long", number, 20)
    .option("--patience <seconds>", "wait so long for a full disk or a database that does not answer", number, 600)
    .option("--silence <seconds>", "end a process that computes and says nothing for so long", number, 600)
    .option("--no-wait", "end when there is nothing to take, although others still work")
    .option("--json", "one JSON object at the end")
    .addHelpText("after", EXAMPLES);
  addSessionsOption(addDeviceOptions(command)).action((plan: string, flags: WorkFlags) =>
    work(plan, flags, terminal, finish),
  );
}

/** Schedulers hand numbers over as text, perhaps an empty one. */
function numbered(text: string): number {
  if (text.trim() === "") throw new UsageError("--index is empty: the scheduler did not number this task");
  return integer(0)(text);
}

async function work(
  plan: string,
  flags: WorkFlags,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): Promise<void> {
  const queue = flags.queue ?? (flags.index === undefined ? process.env[QUEUE_VARIABLE] : undefined);
  const result = await workPlan(nodeJobsHost, plan, {
    device: flags.device ?? "auto",
    ...(flags.threads === undefined ? {} : { threads: flags.threads }),
    ...(flags.sessions === undefined ? {} : { sessions: flags.sessions }),
    ...(queue === undefined || queue === "" ? {} : { queue }),
    ...(flags.model === undefined ? {} : { model: flags.model }),
    ...(flags.index === undefined ? {} : { index: flags.index }),
    ...(flags.count === undefined ? {} : { count: flags.count }),
    leaseMs: seconds(flags.lease, "--lease"),
    graceMs: seconds(flags.grace, "--grace"),
    patienceMs: seconds(flags.patience, "--patience"),
    silenceMs: seconds(flags.silence, "--silence"),
    waits: flags.wait,
    signal: terminal.signal,
    onNotice: (line) => terminal.note(line),
    onHeartbeat: (heartbeat) => terminal.status(liveLine(heartbeat)),
  });
  terminal.status("");
  const { rows, failed, shards, givenUp } = result;
  if (flags.json === true) terminal.out(`${JSON.stringify({ rows, failed, shards, given_up: givenUp })}\n`);
  else {
    const errors = failed === 0 ? "" : `, ${failed} of them with an error`;
    terminal.out(
      `${rows} pictures in ${shards} shards${errors}${givenUp === 0 ? "" : `; ${givenUp} shards given up`}\n`,
    );
  }
  if (terminal.signal.aborted) finish(130);
  else if (givenUp > 0) finish(1);
}

function seconds(value: number, flag: string): number {
  if (value >= 0) return 1000 * value;
  throw new UsageError(`${flag} is a number of seconds, got ${value}`);
}

function liveLine({ state, shard, shard_rows: part = 0, rows, seconds: elapsed }: Heartbeat): string {
  const rate = ((rows + part) / Math.max(1, elapsed)).toFixed(1);
  return `${shard === undefined ? state : `shard ${shard}`}, ${rows + part} pictures, ${rate} a second`;
}
