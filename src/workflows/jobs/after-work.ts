// What is done with a plan beside working on it: looking at it, trying failed rows again, checking and merging what is there.
import { UsageError } from "../../errors.ts";
import { extensionOf } from "../../image/picture-files.ts";
import { type Merged, type MergeOptions, mergeJobs } from "../../jobs/merge.ts";
import { partShapeOf } from "../../jobs/part.ts";
import { readPlan } from "../../jobs/plan.ts";
import { type Retried, type RetryOptions, retryFailed } from "../../jobs/retries.ts";
import { type JobsStatus, jobsStatus } from "../../jobs/status.ts";
import { type Verification, type VerifyOptions, verifyJobs } from "../../jobs/verify.ts";
import type { JobsHost } from "../../platform/host.ts";
import { readManifest } from "./plan-jobs.ts";

/** How far a plan is. Throws NotFoundError, FormatError. */
export async function statusOfPlan(host: JobsHost, folder: string): Promise<JobsStatus> {
  return jobsStatus(await readPlan(host, folder), Date.parse(host.date()));
}

export type RetryPlanOptions = Omit<RetryOptions, "worker" | "at">;
export type MergePlanOptions = Omit<MergeOptions, "format">;

/** Puts rows with an error and shards that were given up back; workers do them as all others. */
export async function retryPlan(host: JobsHost, folder: string, options: RetryPlanOptions = {}): Promise<Retried> {
  const { host: name, pid } = host.self;
  return retryFailed(await readPlan(host, folder), {
    ...options,
    worker: `${name}-${pid}`,
    at: host.date(),
  });
}

/** Checks every part against its marker and the manifest. */
export async function verifyPlan(host: JobsHost, folder: string, options: VerifyOptions = {}): Promise<Verification> {
  return verifyJobs(host, await readPlan(host, folder), await readManifest(host, folder), options);
}

/**
 * All answers as one file, by its name's end .parquet or .jsonl.
 *
 * @throws UsageError for another name, SaccadeError "unfinished"
 */
export async function mergePlan(
  host: JobsHost,
  folder: string,
  output: string,
  options: MergePlanOptions = {},
): Promise<Merged> {
  const format = extensionOf(output);
  if (format !== "parquet" && format !== "jsonl")
    throw new UsageError(`${output} is neither Parquet nor JSON lines by its name`, "end it in .parquet or .jsonl");
  const opened = await readPlan(host, folder);
  const shape = await partShapeOf(opened);
  const file = await host.createFile(output);
  try {
    return await mergeJobs(opened, shape, file, { ...options, format });
  } finally {
    await file.discard();
  }
}
