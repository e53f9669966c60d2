// The program of the process that computes shards (platform/node/shard-process.ts): opens a plan once, then does as it is told.
import { AbortedError, SaccadeError } from "../errors.ts";
import { isPassing, type OpenedPlan, runShard } from "../jobs/run-shard.ts";
import { nodeJobsHost } from "../platform/node/jobs-host.ts";
import type { ShardReply, ShardRequest } from "../platform/node/shard-process.ts";
import { openPlan } from "../workflows/jobs/plan-jobs.ts";

const PROGRESS_MS = 500;

const say = (reply: ShardReply) => process.send?.(reply);
let opened: OpenedPlan | undefined;
const stops = new Map<number, AbortController>();

process.on("message", (request: ShardRequest) => {
  if (request.type === "stop") stops.get(request.id)?.abort();
  else if (request.type === "open") void open(request);
  else void run(request);
});
// The worker is no more, or wants no more: nothing here is worth finishing, and threads in native code are not waited for.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));

async function open({ folder, options }: Extract<ShardRequest, { type: "open" }>): Promise<void> {
  try {
    opened = await openPlan(nodeJobsHost, folder, { ...options, onNotice: (line) => say({ type: "notice", line }) });
    say({ type: "opened", device: opened.task.device });
  } catch (error) {
    const { code, message, hint } =
      error instanceof SaccadeError ? error : { code: "unexpected", message: String(error), hint: undefined };
    say({ type: "refused", code, message, ...(hint === undefined ? {} : { hint }) });
  }
}

async function run({ id, order }: Extract<ShardRequest, { type: "run" }>): Promise<void> {
  const stopping = new AbortController();
  stops.set(id, stopping);
  let rows = 0;
  let toldAt = 0;
  const onProgress = () => {
    rows++;
    const now = performance.now();
    if (now - toldAt < PROGRESS_MS) return;
    toldAt = now;
    say({ type: "progress", id, rows });
  };
  try {
    const answer = await runShard(opened!, order, { signal: stopping.signal, onProgress });
    say({ type: "end", id, end: { kind: "done", rows: answer.rows, failed: answer.failed, seconds: answer.seconds } });
  } catch (error) {
    if (error instanceof AbortedError || stopping.signal.aborted) say({ type: "end", id, end: { kind: "stopped" } });
    else {
      const message = error instanceof Error ? error.message : String(error);
      say({ type: "end", id, end: { kind: "failed", message, isPassing: isPassing(error) } });
    }
  } finally {
    stops.delete(id);
  }
}
