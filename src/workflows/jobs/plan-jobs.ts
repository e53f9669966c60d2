// Making plans, and opening them to be computed.
import { checkAborted } from "../../data/files.ts";
import { FormatError, SaccadeError, UsageError } from "../../errors.ts";
import { isStoreAddress } from "../../jobs/address.ts";
import { ManifestReader, type ManifestRow, ManifestWriter } from "../../jobs/manifest.ts";
import { PlannedPictures } from "../../jobs/pictures.ts";
import {
  hashedPlan,
  type Plan,
  type PlanFolder,
  planPaths,
  readPlan,
  requireVersion,
  writePlan,
} from "../../jobs/plan.ts";
import type { PlanFiles } from "../../jobs/plan-files.ts";
import type { OpenedPlan } from "../../jobs/run-shard.ts";
import { requireRows, sourceRows } from "../../jobs/sources.ts";
import type { JobsHost } from "../../platform/host.ts";
import type { Device } from "../../runtime/session.ts";
import { version } from "../../version.ts";
import { type JobOptions, plannedSpelling } from "./job-options.ts";
import { type JobTask, type JobTaskName, jobTask, type OpenJob } from "./job-tasks.ts";
import { usualShardRows } from "./shard-size.ts";

export interface PlanOptions<T extends JobTaskName = JobTaskName> {
  /** The plan's folder, or s3://BUCKET/PREFIX: one that is not there, or is empty. */
  readonly folder: string;
  readonly task: T;
  /** Registered or bundled name, model folder, checkpoint or ONNX file. */
  readonly model?: string;
  /** Of the task: all that decides what it answers. */
  readonly options?: JobOptions<T>;
  /** Rows of a shard. Default: what takes this machine about a minute, found out by a trial. */
  readonly shardRows?: number;
  /** For the trial. */
  readonly device?: Device;
  readonly signal?: AbortSignal;
  readonly onNotice?: (line: string) => void;
  /** Rows so far. */
  readonly onProgress?: (rows: number) => void;
}

/**
 * Freezes what is to be recognised and with what.
 *
 * @param sources folders, lists, tar or Parquet files, pictures; of the disk, or s3://BUCKET/PREFIX
 * @throws UsageError, NotFoundError, FormatError; SaccadeError "data" where there is no picture
 */
export async function planJobs<T extends JobTaskName>(
  host: JobsHost,
  sources: readonly string[],
  options: PlanOptions<T>,
): Promise<PlanFolder> {
  const { folder, onNotice = () => undefined } = options;
  const task = jobTask(options.task);
  const asked = parseOptions(task, options.task, plannedSpelling(options.options ?? {}));
  if (options.shardRows !== undefined && !(Number.isSafeInteger(options.shardRows) && options.shardRows >= 1))
    throw new UsageError(`a shard has a whole number of rows, at least 1, got ${options.shardRows}`);
  if (sources.length === 0) throw new UsageError("no sources were given", "name folders, lists, tar or Parquet files");
  if (task.writes !== undefined && isStoreAddress(folder))
    throw new UsageError(
      `${task.writes} are files in the plan's folder, and ${folder} is in a store of objects`,
      "name a folder that all workers reach",
    );
  const files = host.planFilesOf(folder);
  await requireNew(files, folder);
  const given = task.freeze === undefined ? asked : await task.freeze(host, asked);
  const model = await task.identify(host, options.model, given);
  await files.makeDirectory(folder);
  const { rows, sha256 } = await writeManifest(
    host,
    task.rows?.(host, sources, given) ?? picturesOf(host, sources, options),
    sources,
    options,
  );
  const stopping = options.signal === undefined ? {} : { signal: options.signal };
  const frozen = { version, task: options.task, ...(model === undefined ? {} : { model }), options: asJson(given) };
  const shardRows =
    options.shardRows ??
    task.shardRows ??
    (await usualShardRows(
      await readManifest(host, folder),
      new PlannedPictures(host.storageOf),
      () =>
        task.open(host, { ...frozen, rows, sources: [...sources] }, given, {
          folder,
          device: options.device ?? "auto",
          onNotice,
          ...stopping,
        }),
      stopping,
    ));
  const plan = await hashedPlan(
    host,
    { ...frozen, sources: [...sources], rows, manifest_sha256: sha256, shard_rows: shardRows },
    host.date(),
  );
  const made = { files, folder, plan };
  await writePlan(made);
  return made;
}

/** Opens a plan to compute its shards. Throws SaccadeError "plan_version", "plan_model"; what opening a model throws. */
export async function openPlan(
  host: JobsHost,
  folder: string,
  options: Omit<OpenJob, "folder">,
): Promise<OpenedPlan & AsyncDisposable> {
  const opened = await readPlan(host, folder);
  requireVersion(opened, version);
  const { plan } = opened;
  const compute = { ...options, folder };
  const task = jobTask(plan.task);
  const manifest = await readManifest(host, folder);
  if (manifest.rows !== plan.rows)
    throw new FormatError("manifest", `${folder} has a manifest of ${manifest.rows} rows, and a plan of ${plan.rows}`);
  const shardTask = await task.open(host, plan, parseOptions(task, plan.task, plan.options), compute);
  return {
    ...opened,
    host,
    manifest,
    pictures: new PlannedPictures(host.storageOf),
    task: shardTask,
    [Symbol.asyncDispose]: () => shardTask[Symbol.asyncDispose](),
  };
}

/** Answers are written beside each other in one folder; what lies there already could be taken for some. */
async function requireNew(files: PlanFiles, folder: string): Promise<void> {
  const entry = await files.stat(folder);
  if (entry === undefined) return;
  if (!entry.isDirectory) throw new UsageError(`${folder} is a file`, "name a folder for the plan");
  const inside = await files.list(folder);
  const isPlan = inside.some(({ path }) => path.endsWith(planPaths.plan));
  // What a plan that was stopped left of its manifest does not count.
  if (inside.every(({ path }) => /(^|[/\\])(\.manifest[^/\\]*\.tmp|manifest\.parquet)$/.test(path))) return;
  throw new UsageError(
    isPlan ? `there is a plan in ${folder} already, and plans are frozen` : `${folder} is not empty`,
    isPlan ? "work on it (saccade work), or plan into another folder" : "name a folder that is not there",
  );
}

async function* picturesOf(
  { storageOf, absolutePath }: JobsHost,
  sources: readonly string[],
  { onNotice }: PlanOptions,
): AsyncGenerator<readonly ManifestRow[]> {
  const onProblem = (name: string, reason: string) => onNotice?.(`${name}: ${reason}`);
  for (const source of sources) yield* sourceRows(source, { storageOf, absolutePath, onProblem });
}

async function writeManifest(
  host: JobsHost,
  found: AsyncIterable<readonly ManifestRow[]>,
  sources: readonly string[],
  { folder, signal, onProgress }: PlanOptions,
): Promise<{ readonly rows: number; readonly sha256: string }> {
  const file = await host.createFile(host.planFilesOf(folder).join(folder, planPaths.manifest));
  try {
    const manifest = new ManifestWriter(file);
    for await (const rows of found) {
      checkAborted(signal, "planning");
      for (const row of rows) {
        const full = manifest.add(row);
        if (full !== undefined) await full;
      }
      onProgress?.(manifest.rows);
    }
    requireRows(manifest.rows, sources);
    await manifest.finish();
    const { sha256 } = await file.finish();
    return { rows: manifest.rows, sha256 };
  } finally {
    await file.discard();
  }
}

/** Which pictures a plan is of. */
export async function readManifest(host: JobsHost, folder: string): Promise<ManifestReader> {
  const files = host.planFilesOf(folder);
  const path = files.join(folder, planPaths.manifest);
  const entry = await files.stat(path);
  if (entry === undefined) throw new SaccadeError("plan", `${folder} has no manifest`, { hint: "plan again" });
  const slice = async (start: number, end = entry.size): Promise<ArrayBuffer> => {
    const bytes = await host.readRange(path, start, end - start);
    return bytes.slice().buffer as ArrayBuffer;
  };
  return ManifestReader.open({ byteLength: entry.size, slice }, path);
}

function parseOptions(task: JobTask, name: string, given: Readonly<Record<string, unknown>>) {
  const parsed = task.options.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join(".") ?? "";
  throw new UsageError(`options of ${name}: ${field === "" ? "" : `${field}: `}${issue?.message ?? "not understood"}`);
}

/** As plan.json has them. */
const asJson = (given: Readonly<Record<string, unknown>>): Plan["options"] =>
  JSON.parse(JSON.stringify(given)) as Plan["options"];
