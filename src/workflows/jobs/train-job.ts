// Training sweeps: a row is a training run, of one of the recipes, seeds and folds that a plan names, and a shard is a row. A run lies in the plan's folder;
// whoever takes it over goes on from its last checkpoint.
import { z } from "zod";
import { NotFoundError, SaccadeError, UsageError } from "../../errors.ts";
import { parseAddress, printAddress } from "../../jobs/address.ts";
import type { ManifestRow } from "../../jobs/manifest.ts";
import type { PartShape, PartValue } from "../../jobs/part.ts";
import { planPaths } from "../../jobs/plan.ts";
import type { RowOutcome, ShardPicture, ShardTask } from "../../jobs/task.ts";
import { lastingName } from "../../model-folder/lasting-name.ts";
import type { JobsHost } from "../../platform/host.ts";
import { parseAnyRecipe } from "../../train/staged-recipe.ts";
import { readRecipe } from "../recipe-source.ts";
import { isResumable, train } from "../train.ts";
import { foldList } from "./folds.ts";
import type { JobTask, OpenJob } from "./job-tasks.ts";

const options = z.strictObject({
  /** Names, files, or recipes as they are. */
  recipes: z
    .array(z.union([z.string(), z.record(z.string(), z.json())]))
    .min(1)
    .optional(),
  seeds: z.array(z.int().min(0)).min(1).default([0]),
  /** Cross-validation: each part of the data is held out once. Default: the data's own split, or the usual one. */
  folds: z.int().min(2).max(1000).optional(),
  from: z.string().optional(),
  epochs: z.int().min(1).optional(),
  train_batch: z.int().min(1).optional(),
  learning_rate: z.number().positive().optional(),
  /** Threads that decode and augment; their number is part of what a run computes. */
  workers: z.int().min(1).optional(),
});
type TrainJobOptions = z.infer<typeof options>;
type PlannedRecipe = NonNullable<TrainJobOptions["recipes"]>[number];

/** One run of a sweep. */
interface SweepRun {
  readonly name: string;
  readonly recipe: PlannedRecipe | undefined;
  readonly seed: number;
  readonly fold: number | undefined;
}

const SHAPE: PartShape = {
  columns: [
    { name: "recipe", kind: "text" },
    { name: "seed", kind: "integer" },
    { name: "fold", kind: "integer" },
    { name: "epoch", kind: "integer" },
    { name: "top1", kind: "float" },
    { name: "loss", kind: "float" },
    { name: "measure", kind: "text" },
    { name: "value", kind: "float" },
    { name: "model", kind: "text" },
  ],
  metadata: {},
};

export const trainJob: JobTask<TrainJobOptions> = {
  options: options as z.ZodType<TrainJobOptions>,
  shardRows: 1,
  writes: "training runs",
  async identify(_, model) {
    if (model === undefined) return undefined;
    throw new UsageError("a sweep begins with what its recipes say, or --from", "leave --model out");
  },
  async freeze(host, given) {
    const { recipes, from } = given;
    const frozen = {
      ...given,
      ...(recipes === undefined ? {} : { recipes: await Promise.all(recipes.map((one) => frozenRecipe(host, one))) }),
      ...(from === undefined || from === "scratch" ? {} : { from: await lastingName(host, from) }),
    };
    requireNames(runsOf(frozen));
    return frozen;
  },
  async *rows(host, sources, given) {
    const [data, ...others] = sources;
    if (data === undefined || others.length > 0)
      throw new UsageError("a sweep trains on one set of data", "saccade plan DATA --task train");
    const path = host.absolutePath(data);
    if ((await host.files.stat(path)) === undefined) throw new NotFoundError("data", data);
    yield runsOf(given).map(
      ({ name }): ManifestRow => ({ key: name, address: printAddress({ path }), size: -1, etag: "" }),
    );
  },
  async open(host, _, given, compute) {
    return sweepTask(host, runsOf(given), given, compute);
  },
};

/** A name of the catalogue as it is; a file as what is in it, because workers elsewhere have no such file, and it may change. */
async function frozenRecipe(host: JobsHost, recipe: PlannedRecipe): Promise<PlannedRecipe> {
  const isName = typeof recipe === "string" && !/\.json$/i.test(recipe);
  const read = typeof recipe === "string" ? await readRecipe(host.files, recipe) : parseAnyRecipe(recipe);
  return isName ? recipe : (JSON.parse(JSON.stringify(read)) as Exclude<PlannedRecipe, string>);
}

/** Two runs of one name would be one run. */
function requireNames(runs: readonly SweepRun[]): void {
  const seen = new Set<string>();
  for (const { name } of runs) {
    if (seen.has(name))
      throw new UsageError(
        `two runs of the sweep are called ${name}`,
        "name each seed once, and give recipes names of their own",
      );
    seen.add(name);
  }
}

function nameOf(recipe: PlannedRecipe | undefined): string {
  const name = typeof recipe === "object" ? String(recipe.name) : (recipe ?? "usual");
  return name.replace(/[^\w.-]/g, "-");
}

/** In the order of the manifest's rows. */
function runsOf({ recipes = [], seeds, folds }: TrainJobOptions): SweepRun[] {
  const named = recipes.length === 0 ? [undefined] : recipes;
  const parts = folds === undefined ? [undefined] : Array.from({ length: folds }, (_, fold) => fold);
  return named.flatMap((recipe) =>
    seeds.flatMap((seed) =>
      parts.map((fold) => {
        const ofFold = fold === undefined ? "" : `-fold-${fold}`;
        return { name: `${nameOf(recipe)}-seed-${seed}${ofFold}`, recipe, seed, fold };
      }),
    ),
  );
}

function sweepTask(host: JobsHost, runs: readonly SweepRun[], given: TrainJobOptions, compute: OpenJob): ShardTask {
  return {
    shape: SHAPE,
    device: compute.device,
    async *run(rows: readonly ShardPicture[], { signal, onProgress }): AsyncGenerator<RowOutcome> {
      for (const { row } of rows) {
        const run = runs[row.row]!;
        const { path: data } = parseAddress(row.address);
        try {
          yield {
            values: await trainOne(
              host,
              { ...run, data },
              given,
              { ...compute, ...(signal && { signal }) },
              onProgress,
            ),
          };
        } catch (error) {
          if (!(error instanceof SaccadeError) || error.code === "aborted" || signal?.aborted === true) throw error;
          yield { error };
        }
      }
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function trainOne(
  host: JobsHost,
  { name, data, recipe, seed, fold }: SweepRun & { readonly data: string },
  { folds, from, epochs, train_batch: batch, learning_rate: learningRate, workers }: TrainJobOptions,
  { folder, device, threads, signal, onNotice }: OpenJob,
  onProgress: () => void,
): Promise<Record<string, PartValue>> {
  const { files } = host;
  const runs = files.join(folder, planPaths.runs);
  await files.makeDirectory(runs);
  const place = files.join(runs, name);
  const resumes = await isResumable(files, place);
  const split = fold === undefined || folds === undefined ? data : await foldList(host, data, folds, fold, runs);
  const hooks = {
    onNotice: (line: string) => onNotice(`${name}: ${line}`),
    onReport: onProgress,
    onStep: onProgress,
    ...(signal === undefined ? {} : { signal }),
  };
  const machine = {
    device,
    ...(threads === undefined ? {} : { threads }),
    ...(workers === undefined ? {} : { workers }),
  };
  const asked = {
    seed,
    ...(recipe === undefined ? {} : { recipe: typeof recipe === "string" ? recipe : parseAnyRecipe(recipe) }),
    ...(from === undefined ? {} : { from }),
    ...(epochs === undefined ? {} : { epochs }),
    ...(batch === undefined ? {} : { batch }),
    ...(learningRate === undefined ? {} : { learningRate }),
  };
  const begun = resumes ? { resume: true } : asked;
  // A run that was stopped before its first checkpoint left nothing to go on with.
  if (!resumes) await files.remove(place);
  const {
    choice,
    measured,
    recipe: named,
  } = await train(host, split, { ...machine, ...begun, ...hooks, folder: place });
  return {
    recipe: named,
    seed,
    fold: fold ?? null,
    epoch: choice?.best.epoch ?? measured?.best.epoch ?? null,
    top1: choice?.best.top1 ?? null,
    loss: choice?.best.loss ?? null,
    measure: measured?.best.measure ?? null,
    value: measured?.best.value ?? null,
    model: `${planPaths.runs}/${name}/best`,
  };
}
