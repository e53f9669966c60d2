// saccade plan: freezes what is to be recognised and with what, cut into shards for any number of workers.
import { type Command, InvalidArgumentError } from "commander";
import { shardCount } from "../../jobs/plan.ts";
import { nodeJobsHost } from "../../platform/node/jobs-host.ts";
import { DEFAULT_DECODING } from "../../tasks/engine/engine.ts";
import type { JobOptions } from "../../workflows/jobs/job-options.ts";
import { JOB_TASKS, type JobTaskName } from "../../workflows/jobs/job-tasks.ts";
import { planJobs } from "../../workflows/jobs/plan-jobs.ts";
import { DEFAULT_MODEL } from "../default-model.ts";
import { addExitOptions, type ExitFlags, exitOptions } from "../exit-options.ts";
import {
  addDecodeOption,
  addDeviceOptions,
  addFeatureOptions,
  addModelOptions,
  addPrecisionOption,
  addResolutionOption,
  type DecodeFlags,
  type DeviceOptions,
  type FeatureFlags,
  integer,
  type ModelOptions,
  nameList,
  type PrecisionOptions,
  type ResolutionOptions,
} from "../options.ts";
import { Progress } from "../progress.ts";
import type { Terminal } from "../terminal.ts";

interface PlanFlags
  extends ModelOptions,
    DeviceOptions,
    PrecisionOptions,
    ResolutionOptions,
    FeatureFlags,
    DecodeFlags,
    ExitFlags {
  task: string;
  out: string;
  shard?: number;
  topK?: number;
  batch?: number;
  transform?: string;
  normalize: boolean;
  recipe?: string[];
  seeds?: number[];
  folds?: number;
  from?: string;
  epochs?: number;
  json?: boolean;
}

const EXAMPLES = `
SOURCE is a folder (pictures, and tar and Parquet files with pictures), a list
(.txt with a path a line, .csv, .tsv, .jsonl), a tar or Parquet file, a picture,
or s3://BUCKET/PREFIX. The plan is a folder: its manifest says which pictures,
where and in which state; its hash, whether two plans are the same. Answers are
Parquet files beside it, one a shard.

Examples:
  $ saccade plan photos/ --out photos-plan
  $ saccade plan shards/ more.csv --task embed --model my-clip --out plan
  $ saccade plan s3://archive/2026/ --model my-model --threshold 0.9 --out plan
  $ saccade plan s3://archive/2026/ --out s3://answers/2026
  $ saccade plan flowers/ --task train --recipe everyday --seeds 0-4 --out sweep
  $ saccade work photos-plan
  $ saccade jobs status photos-plan
  $ saccade jobs merge photos-plan --output answers.parquet
`;

export function addPlan(program: Command, terminal: Terminal): void {
  const command = program
    .command("plan")
    .description("freeze a batch job: which pictures, what model, which shards; saccade work does it")
    .argument("<source...>", "folders, lists, tar or Parquet files, pictures, s3://BUCKET/PREFIX")
    .requiredOption("--out <folder>", "the plan's folder, which all workers must reach, or s3://BUCKET/PREFIX")
    .option("--task <name>", `what to do: ${JOB_TASKS.join(", ")}`, "classify")
    .option("-m, --model <model>", `registered name, model folder, checkpoint or ONNX file (default: ${DEFAULT_MODEL})`)
    .option("--shard <rows>", "pictures of a shard (default: what takes this machine about a minute)", integer(1))
    .option("--top-k <n>", "predictions of a picture (default: 5)", integer(1))
    .option("--batch <n>", "pictures run together (default: 8)", integer(1))
    .option("--transform <text>", "preprocessing instead of the model's own")
    .option("--no-normalize", "leave vectors as long as the model makes them")
    .option("--recipe <names>", "train: recipes' names or files, with commas between", nameList)
    .option("--seeds <seeds>", "train: a run for each, such as 0,1,2 or 0-9", seeds)
    .option("--folds <n>", "train: hold out each of so many parts of the data once", integer(2))
    .option("--from <model>", "train: begin with this model's weights")
    .option("--epochs <n>", "train: instead of the recipe's", integer(1))
    .option("--json", "one JSON object")
    .addHelpText("after", EXAMPLES);
  addExitOptions(
    addFeatureOptions(addResolutionOption(addPrecisionOption(addDeviceOptions(addModelOptions(command))))),
  );
  addDecodeOption(command, DEFAULT_DECODING).action((sources: string[], flags: PlanFlags) =>
    plan(sources, flags, terminal),
  );
}

async function plan(sources: readonly string[], flags: PlanFlags, terminal: Terminal): Promise<void> {
  const progress = new Progress(terminal, "pictures", undefined);
  const { plan: made } = await planJobs(nodeJobsHost, sources, {
    folder: flags.out,
    // Of what the user typed: another one is refused.
    task: flags.task as JobTaskName,
    ...modelOf(flags),
    options: optionsOf(flags),
    ...(flags.shard === undefined ? {} : { shardRows: flags.shard }),
    ...(flags.device === undefined ? {} : { device: flags.device }),
    signal: terminal.signal,
    onNotice: (line) => terminal.note(line),
    onProgress: (rows) => progress.reach(rows),
  });
  progress.finish();
  const { rows, shard_rows, hash, task, model } = made;
  const facts = { folder: flags.out, task, model: model?.name, rows, shards: shardCount(made), shard_rows, hash };
  if (flags.json === true) terminal.out(`${JSON.stringify(facts)}\n`);
  else
    terminal.out(
      `${flags.out}: ${rows} ${task === "train" ? "runs" : "pictures"} in ${facts.shards} shards of ${shard_rows}, to ${task}${model === undefined ? "" : ` with ${model.name}`}\n` +
        `plan ${hash.slice(0, 16)}\n`,
    );
}

/** A sweep begins with what its recipes say. */
function modelOf({ task, model }: PlanFlags): { readonly model?: string } {
  if (model === undefined && task === "train") return {};
  return { model: model ?? DEFAULT_MODEL };
}

/** "0,1,5-9" */
function seeds(text: string): number[] {
  return text.split(",").flatMap((part) => {
    const [, first, last] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part.trim()) ?? [];
    const from = Number(first);
    const count = (last === undefined ? from : Number(last)) - from + 1;
    if (first === undefined || count < 1 || count > 10_000)
      throw new InvalidArgumentError("It must be numbers and ranges, such as 0,1,2 or 0-9.");
    return Array.from({ length: count }, (_, i) => from + i);
  });
}

/** What a task does not know is refused by it. */
function optionsOf(flags: PlanFlags): JobOptions<JobTaskName> {
  const { threshold, minimumValue, budgetMs, budgetMacs, averageMacs } = exitOptions(flags);
  const { batch, architecture, config, tokens, transform, resolution, precision, decode, views, layer, pool } = flags;
  const given = {
    ...{ batch, architecture, config, tokens, transform, resolution, decode, views, layer, pool, threshold },
    ...{ recipes: flags.recipe, seeds: flags.seeds, folds: flags.folds, from: flags.from, epochs: flags.epochs },
    top_k: flags.topK,
    precision: precision === "float32" ? undefined : precision,
    power: flags.power,
    normalize: flags.normalize ? undefined : false,
    minimum_value: minimumValue,
    budget_ms: budgetMs,
    budget_macs: budgetMacs,
    average_macs: averageMacs,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
