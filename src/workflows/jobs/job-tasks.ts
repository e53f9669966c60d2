// What a plan can ask for: each task with its options and how a process that computes opens it. A new one is a file beside this one and a line here.
import type { z } from "zod";
import { UsageError } from "../../errors.ts";
import type { ManifestRow } from "../../jobs/manifest.ts";
import type { Plan } from "../../jobs/plan.ts";
import type { ShardTask } from "../../jobs/task.ts";
import { didYouMean } from "../../nearest-name.ts";
import type { ComputeOptions, JobsHost } from "../../platform/host.ts";
import { classifyJob } from "./classify-job.ts";
import { detectJob, segmentJob } from "./dense-jobs.ts";
import { embedJob } from "./embed-job.ts";
import { trainJob } from "./train-job.ts";

export interface OpenJob extends ComputeOptions {
  /** The plan's. */
  readonly folder: string;
  readonly onNotice: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface JobTask<O = Readonly<Record<string, unknown>>> {
  /** What decides the answers, besides the model; names are those of files. */
  readonly options: z.ZodType<O>;
  /** Rows of a shard, of a task that knows. Default: what takes about a minute. */
  readonly shardRows?: number;
  /** Of a task that writes more than parts, and so needs a folder on a disk: what it writes. */
  readonly writes?: string;
  /** What a plan keeps of the options, where these name what lies elsewhere and may change. */
  freeze?(host: JobsHost, options: O): Promise<O>;
  /** What its rows are, of a task that does not look at pictures one by one. */
  rows?(host: JobsHost, sources: readonly string[], options: O): AsyncIterable<readonly ManifestRow[]>;
  /** The model as it is now, frozen by its digest. undefined for a task without one. */
  identify(host: JobsHost, model: string | undefined, options: O): Promise<Plan["model"]>;
  /** Throws SaccadeError "plan_model" where the model is not what it was when the plan was made. */
  open(
    host: JobsHost,
    plan: Pick<Plan, "model" | "rows" | "sources">,
    options: O,
    compute: OpenJob,
  ): Promise<ShardTask>;
}

const TASKS = {
  classify: classifyJob,
  embed: embedJob,
  detect: detectJob,
  segment: segmentJob,
  train: trainJob,
} as const;

export type JobTasks = typeof TASKS;
export type JobTaskName = keyof JobTasks;
export const JOB_TASKS = Object.keys(TASKS) as JobTaskName[];

/** @throws UsageError */
export function jobTask(name: string): JobTask {
  if (Object.hasOwn(TASKS, name)) return TASKS[name as JobTaskName] as unknown as JobTask;
  throw new UsageError(`there is no task ${name} for plans`, `${didYouMean(name, JOB_TASKS)}${JOB_TASKS.join(", ")}`);
}
