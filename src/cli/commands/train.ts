// saccade train: a recogniser from a folder of pictures.
import type { Command } from "commander";
import type { Dataset } from "../../data/dataset.ts";
import { createLoader, type Loader } from "../../data/loader.ts";
import { openDataset } from "../../data/open.ts";
import { createSampler } from "../../data/sampler.ts";
import { FormatError, NotFoundError, UsageError } from "../../errors.ts";
import { loadModel, requireNative } from "../../model-folder/load.ts";
import { nodeDataFiles } from "../../platform/node/data-files.ts";
import { createDataWorkers } from "../../platform/node/data-workers.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { recipes } from "../../recipes/index.ts";
import type { SessionOptions } from "../../runtime/session.ts";
import { parseRecipe, type Recipe } from "../../train/recipe.ts";
import { createRun, openRun, type ResumedRun, type Run } from "../../train/run/run-folder.ts";
import { startingPoint } from "../../train/start.ts";
import { teachWith } from "../../train/teacher.ts";
import { type Evaluation, type FitReport, trainModel } from "../../train/train-model.ts";
import { validate } from "../../train/validation.ts";
import { addDeviceOptions, type DeviceOptions, integer, sessionOptions } from "../options.ts";
import { duration } from "../progress.ts";
import { compact, type Terminal } from "../terminal.ts";

interface TrainFlags extends DeviceOptions {
  recipe: string;
  from?: string;
  teacher?: string;
  out?: string;
  resume?: boolean;
  epochs?: number;
  batch?: number;
  learningRate?: number;
  seed?: number;
  workers?: number;
  validationFraction?: number;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  $ saccade train flowers/ --from saccade/everyday --recipe clothing
  $ saccade train pictures/ --recipe everyday --epochs 24 --out runs/mine
  $ saccade train pictures/ --out runs/mine --resume

DATA is a folder with train/CLASS/*.jpg and val/CLASS/*.jpg, a folder of class folders (a tenth is kept for validation), a CSV or JSON-lines list,
Parquet, tar shards, CIFAR or IDX files. The run's folder gets best/ and last/ (models for saccade classify), metrics.jsonl, TensorBoard events
and checkpoints. Ctrl-C stops with a checkpoint; --resume goes on to the same numbers.
`;

export function addTrain(program: Command, terminal: Terminal): void {
  const command = program
    .command("train")
    .description("train a recogniser on your own pictures")
    .argument("<data>", "folder, list or archive of labelled pictures")
    .option("-r, --recipe <name>", `a recipe's name (${[...recipes.keys()].join(", ")}) or a JSON file`, "everyday")
    .option("--from <model>", "begin with this model's weights, with a new last layer")
    .option("--teacher <model.onnx>", "learn from this model's features too (needs an output named features)")
    .option("-o, --out <folder>", "the run's folder (default: runs/RECIPE)")
    .option("--resume", "go on with the run in the folder")
    .option("--epochs <n>", "instead of the recipe's", integer(1))
    .option("--batch <n>", "instead of the recipe's", integer(1))
    .option("--learning-rate <rate>", "instead of the recipe's", Number)
    .option("--seed <n>", "instead of the recipe's", integer(0))
    .option("--workers <n>", "threads that decode and augment", integer(1))
    .option("--validation-fraction <share>", "kept for validation when the data has no split of its own", Number)
    .option("--json", "one JSON object a report, on standard output")
    .addHelpText("after", EXAMPLES);
  addDeviceOptions(command).action((data: string, flags: TrainFlags) => train(data, flags, terminal));
}

async function train(path: string, flags: TrainFlags, terminal: Terminal): Promise<void> {
  const recipe = await recipeOf(flags);
  const data = await openDataset(nodeDataFiles, path, {
    seed: recipe.seed,
    ...(flags.validationFraction === undefined ? {} : { validationFraction: flags.validationFraction }),
  });
  for (const line of data.summary) terminal.note(line);
  if (data.train === undefined)
    throw new FormatError(path, "there are no training pictures", { hint: "saccade train --help shows the layouts" });
  const from = flags.from === undefined ? undefined : requireNative(await loadModel(nodeHost, flags.from));
  const { model, fresh } = startingPoint(recipe, data.labels, from);
  if (from !== undefined) terminal.note(`weights of ${from.card.name}; fresh: ${fresh.join(", ") || "none"}`);
  const values = [...model.weights.values()].reduce((sum, { data: { length } }) => sum + length, 0);
  terminal.note(
    `${model.definition.architecture.name}, ${compact(values)} parameters, ${recipe.epochs} epochs of batches of ${recipe.batch}`,
  );

  const run = await openOrCreate(flags, recipe);
  const engine = sessionOptions(flags, terminal);
  const createSession = (bytes: Uint8Array, options: SessionOptions) =>
    nodeHost.createSession(bytes, {
      ...options,
      device: engine.device,
      ...(flags.threads === undefined ? {} : { threads: flags.threads }),
    });
  const taught =
    flags.teacher === undefined ? data.train : await teach(flags.teacher, data.train, recipe, createSession, terminal);
  const loader = trainingLoader(taught, recipe, flags.workers);
  const heldOut = data.validation ?? data.test;
  const validation = heldOut === undefined ? undefined : validationLoader(heldOut, recipe);
  try {
    const { best } = await trainModel({
      recipe,
      model,
      classes: data.labels.length,
      loader,
      run,
      files: nodeHost.files,
      createSession,
      signal: terminal.signal,
      onReport: (report) => showReport(report, flags, terminal),
      onEpoch: (epoch, report, evaluation) => showEpoch(epoch, report, evaluation, flags, terminal),
      ...(validation === undefined
        ? {}
        : {
            evaluate: (weights) =>
              validate({ definition: model.definition, weights, loader: validation, createSession }),
          }),
    });
    for (const { name, reason } of loader.problems.slice(0, 20)) terminal.note(`left out: ${name}: ${reason}`);
    if (best !== undefined)
      terminal.note(`best: top-1 ${(100 * best.value).toFixed(1)} % after epoch ${best.epoch + 1}`);
    terminal.note(`try it: saccade classify PICTURE --model ${run.paths.best}`);
  } finally {
    terminal.status("");
    await loader.dispose();
    await validation?.dispose();
  }
}

async function recipeOf(flags: TrainFlags): Promise<Recipe> {
  const named = recipes.get(flags.recipe);
  if (named === undefined && !/\.json$/.test(flags.recipe))
    throw new NotFoundError("recipe", flags.recipe, `known: ${[...recipes.keys()].join(", ")}; or a .json file`);
  const base =
    named ?? JSON.parse(new TextDecoder().decode(await nodeHost.files.read(flags.recipe, { maxBytes: 2 ** 20 })));
  for (const rate of [flags.learningRate, flags.validationFraction])
    if (rate !== undefined && !Number.isFinite(rate))
      throw new UsageError("--learning-rate and --validation-fraction take numbers");
  return parseRecipe({
    ...base,
    ...(flags.epochs === undefined ? {} : { epochs: flags.epochs }),
    ...(flags.batch === undefined ? {} : { batch: flags.batch }),
    ...(flags.learningRate === undefined ? {} : { learning_rate: flags.learningRate }),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
  });
}

function openOrCreate(flags: TrainFlags, recipe: Recipe): Promise<Run | ResumedRun> {
  const folder = flags.out ?? `runs/${recipe.name}`;
  return flags.resume === true
    ? openRun(nodeHost.files, folder, { recipe })
    : createRun(nodeHost.files, folder, recipe);
}

async function teach(
  path: string,
  dataset: Dataset,
  recipe: Recipe,
  createSession: (bytes: Uint8Array, options: SessionOptions) => ReturnType<typeof nodeHost.createSession>,
  terminal: Terminal,
): Promise<Dataset> {
  if (recipe.distillation === undefined)
    throw new UsageError(`the recipe ${recipe.name} says nothing about learning from a teacher`);
  const loader = createLoader({
    dataset,
    sampler: createSampler(dataset, { batchSize: 32, seed: 0, shuffle: false, last: "keep" }),
    augmentation: recipe.distillation.transform,
    workers: createDataWorkers(1),
    unreadable: "blank",
    cacheBytes: 0,
  });
  const started = performance.now();
  try {
    const { dataset: taught, accuracy } = await teachWith({
      teacher: await nodeHost.files.read(path),
      dataset,
      loader,
      distillation: recipe.distillation,
      seed: recipe.seed,
      createSession,
      onProgress: (done) => {
        const rate = done / ((performance.now() - started) / 1000);
        terminal.status(
          `teacher: ${done} of ${dataset.length} pictures, ${rate.toFixed(0)}/s, ${duration((dataset.length - done) / rate)} left`,
        );
      },
    });
    terminal.note(
      `teacher: a linear classifier over its features is right on ${(100 * accuracy).toFixed(1)} % of the training pictures`,
    );
    return taught;
  } finally {
    await loader.dispose();
  }
}

function trainingLoader(dataset: Dataset, recipe: Recipe, workers: number | undefined): Loader {
  const mixes = recipe.mixup > 0 || recipe.cutmix > 0;
  return createLoader({
    dataset,
    sampler: createSampler(dataset, {
      batchSize: recipe.batch,
      seed: recipe.seed,
      repeats: recipe.repeats,
      ...(mixes
        ? {
            mix: {
              mixupAlpha: recipe.mixup,
              cutmixAlpha: recipe.cutmix,
              probability: recipe.mix_probability,
              switchProbability: recipe.mix_switch_probability,
            },
          }
        : {}),
    }),
    augmentation: recipe.augmentation,
    smoothing: recipe.label_smoothing,
    workers: createDataWorkers(workers),
  });
}

function validationLoader(dataset: Dataset, recipe: Recipe): Loader {
  return createLoader({
    dataset,
    sampler: createSampler(dataset, { batchSize: recipe.batch, seed: 0, shuffle: false, last: "keep" }),
    augmentation: recipe.transform,
    workers: createDataWorkers(1),
    unreadable: "blank",
  });
}

function showReport(report: FitReport, flags: TrainFlags, terminal: Terminal): void {
  if (flags.json) terminal.out(`${JSON.stringify({ kind: "train", ...report })}\n`);
  const left = ((report.totalSteps - report.step) * report.batchSize) / report.imagesPerSecond;
  terminal.status(
    `epoch ${report.epoch + 1}/${report.epochs} ${report.batch}/${report.batchesPerEpoch} loss ${report.loss.toFixed(3)} acc ${(100 * report.accuracy).toFixed(1)} % ${report.imagesPerSecond.toFixed(0)} images/s, ${duration(left)} left`,
  );
}

function showEpoch(
  epoch: number,
  report: FitReport,
  evaluation: Evaluation | undefined,
  flags: TrainFlags,
  terminal: Terminal,
): void {
  if (flags.json && evaluation !== undefined)
    terminal.out(`${JSON.stringify({ kind: "eval", epoch, ...evaluation })}\n`);
  const scores =
    evaluation === undefined
      ? ""
      : `  validation top-1 ${(100 * evaluation.top1).toFixed(1)} %, top-5 ${(100 * evaluation.top5).toFixed(1)} %, loss ${evaluation.loss.toFixed(3)}`;
  terminal.note(
    `epoch ${epoch + 1}/${report.epochs}  loss ${report.loss.toFixed(3)}${scores}  (${report.imagesPerSecond.toFixed(0)} images/s, waited ${(100 * report.waitShare).toFixed(0)} %)`,
  );
}
