// What a plan can ask for: each task with its options and how a process that computes opens it. A new one is a file beside this one and a line here.
import type { z } from "zod";
import { UsageError } from "../../errors.ts";
import type { Plan } from "../../jobs/plan.ts";
import type { ShardTask } from "../../jobs/task.ts";
import { didYouMean } from "../../nearest-name.ts";
import type { ComputeOptions, JobsHost } from "../../platform/host.ts";
import { classifyJob } from "./classify-job.ts";
import { detectJob, segmentJob } from "./dense-jobs.ts";
import { embedJob } from "./embed-job.ts";

export interface OpenJob extends ComputeOptions {
  readonly onNotice: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface JobTask<O = Readonly<Record<string, unknown>>> {
  /** What decides the answers, besides the model; names are those of files. */
  readonly options: z.ZodType<O>;
  /** The model as it is now, frozen by its digest. undefined for a task without one. */
  identify(host: JobsHost, model: string | undefined, options: O): Promise<Plan["model"]>;
  /** Throws SaccadeError "plan_model" where the model is not what it was when the plan was made. */
  open(host: JobsHost, plan: Pick<Plan, "model" | "rows">, options: O, compute: OpenJob): Promise<ShardTask>;
}

const TASKS = { classify: classifyJob, embed: embedJob, detect: detectJob, segment: segmentJob } as const;

export type JobTaskName = keyof typeof TASKS;
export const JOB_TASKS = Object.keys(TASKS) as JobTaskName[];

/** @throws UsageError */
export function jobTask(name: string): JobTask {
  if (Object.hasOwn(TASKS, name)) return TASKS[name as JobTaskName] as unknown as JobTask;
  throw new UsageError(`there is no task ${name} for plans${didYouMean(name, JOB_TASKS)}`, JOB_TASKS.join(", "));
}
