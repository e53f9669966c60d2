// saccade train: a recogniser from a folder of pictures.
import { totalmem } from "node:os";
import { type Command, InvalidArgumentError } from "commander";
import { openDataset } from "../../data/open.ts";
import { findUnreadableClasses, requireReadableClasses } from "../../data/readable.ts";
import { AbortedError, FormatError, NotFoundError, UsageError } from "../../errors.ts";
import { loadModel, requireNative } from "../../model-folder/load.ts";
import type { NativeModel } from "../../model-folder/model.ts";
import { nodeDataFiles } from "../../platform/node/data-files.ts";
import { createDataWorkers } from "../../platform/node/data-workers.ts";
import { nodeHost } from "../../platform/node/host.ts";
import { anyRecipeNamed, recipeNamed, recipes, stagedRecipes } from "../../recipes/index.ts";
import { targetOf } from "../../runtime/target.ts";
import { decodeText } from "../../text-file.ts";
import { type TrainingData, trainingData } from "../../train/loaders.ts";
import { overrideRecipe, parseRecipe, type Recipe, type RecipeOverrides } from "../../train/recipe.ts";
import { listCheckpoints } from "../../train/run/checkpoint.ts";
import { openRun, type ResumedRun, runPaths } from "../../train/run/run-folder.ts";
import {
  defaultRunFolder,
  modelOfRun,
  type RunInputs,
  readRunInputs,
  requireSameData,
} from "../../train/run-inputs.ts";
import {
  abandonUnbegun,
  createStagedRun,
  isStaged,
  overrideStages,
  parseAnyRecipe,
  publishBest,
  type StagedRecipe,
  stagedRecipeOf,
  stageOf,
  stageStandings,
} from "../../train/staged-recipe.ts";
import { startingPoint } from "../../train/start.ts";
import { type TrainRunOptions, trainRun } from "../../train/train-run.ts";
import { addDeviceOptions, type DeviceOptions, integer, sessionOptions } from "../options.ts";
import { refuseInside } from "../outputs.ts";
import { compact, type Terminal } from "../terminal.ts";
import {
  choiceLines,
  epochLine,
  LiveLine,
  memoryLine,
  nextLines,
  problemLines,
  shellWord,
  stageLine,
  stepLine,
  taughtLine,
  teacherLine,
} from "../train-progress.ts";

interface TrainFlags extends DeviceOptions {
  recipe?: string;
  from?: string;
  teacher?: string;
  out?: string;
  resume?: boolean;
  stage?: number;
  /** The run of several stages that this one is a part of. */
  within?: string;
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
  $ saccade train --resume --out runs/mine

DATA is a folder with train/CLASS/*.jpg and val/CLASS/*.jpg, a folder of class
folders (a tenth is kept for validation), a CSV or JSON-lines list, Parquet, tar
shards, CIFAR or IDX files. The run's folder gets best/ and last/ (models for
saccade classify), metrics.jsonl, TensorBoard events and checkpoints. Ctrl-C or
SIGTERM stops with a checkpoint; --resume goes on to the same numbers.

Recipes of several stages run them one after another, each in a folder of its
own below the run's (stage-1, stage-2, …):
${[...stagedRecipes.keys()].map((name) => `  ${name}`).join("\n")}
`;

export function addTrain(program: Command, terminal: Terminal): void {
  const command = program
    .command("train")
    .description("train a recogniser on your own pictures")
    .argument("[data]", "folder, list or archive of labelled pictures; a resumed run knows its own")
    .option(
      "-r, --recipe <name>",
      `a recipe's name (${[...recipes.keys(), ...stagedRecipes.keys()].join(", ")}) or a JSON file (default: everyday)`,
    )
    .option("--from <model>", "begin with this model's weights, with a new last layer")
    .option(
      "--teacher <file>",
      "learn from this ONNX model's features too (needs an output named features), or from what it said in another run: its teacher.safetensors",
    )
    .option("-o, --out <folder>", "the run's folder (default: runs/RECIPE, or the next that is free)")
    .option("--resume", "go on with the run in the folder")
    .option("--stage <n>", "of a recipe of several stages, this one alone", integer(1))
    .option("--epochs <n>", "instead of the recipe's; the warm-up keeps its share", integer(1))
    .option("--batch <n>", "instead of the recipe's", integer(1))
    .option("--learning-rate <rate>", "instead of the recipe's", number)
    .option("--seed <n>", "instead of the recipe's", integer(0))
    .option("--workers <n>", "threads that decode and augment (default: one less than cores)", integer(1))
    .option("--validation-fraction <share>", "kept for validation when the data has no split of its own", number)
    .option("--json", "one JSON object a report, on standard output")
    .addHelpText("after", EXAMPLES);
  addDeviceOptions(command).action((data: string | undefined, flags: TrainFlags) => train(data, flags, terminal));
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("It must be a number.");
  return value;
}

const { files } = nodeHost;

async function train(path: string | undefined, flags: TrainFlags, terminal: Terminal): Promise<void> {
  const named = flags.recipe === undefined ? undefined : await readRecipe(flags.recipe);
  const read = [path, flags.from, flags.teacher].filter((input) => input !== undefined);
  if (flags.out !== undefined && flags.resume !== true) await refuseInside(flags.out, read);
  if (flags.stage !== undefined) return trainOnce(path, oneStage(named, flags.stage), flags, terminal);
  const staged = flags.resume === true ? await stagesToResume(named, flags.out) : named;
  if (staged !== undefined && isStaged(staged)) return trainStages(path, staged, flags, terminal);
  return trainOnce(path, staged, flags, terminal);
}

function oneStage(named: Recipe | StagedRecipe | undefined, number: number): Recipe {
  if (named !== undefined && isStaged(named)) return stageOf(named, number);
  throw new UsageError("--stage needs a recipe of several stages", `--recipe: ${[...stagedRecipes.keys()].join(", ")}`);
}

/** The stages that the run in a folder follows; `named` where it is an ordinary run. */
async function stagesToResume(
  named: Recipe | StagedRecipe | undefined,
  out: string | undefined,
): Promise<Recipe | StagedRecipe | undefined> {
  const folder = out ?? (await defaultRunFolder(files, named?.name ?? "everyday", true));
  const staged = await stagedRecipeOf(files, folder);
  if (staged !== undefined && named !== undefined && JSON.stringify(named) !== JSON.stringify(staged))
    throw new UsageError(`the run in ${folder} follows another recipe`, "it knows its own: leave --recipe out");
  if (staged === undefined && named !== undefined && isStaged(named))
    throw new NotFoundError("run", folder, `there is no run of ${named.name} to go on with`);
  return staged ?? named;
}

/** Runs what is left of the stages; each begins with the best model of the one before. */
async function trainStages(
  path: string | undefined,
  staged: StagedRecipe,
  flags: TrainFlags,
  terminal: Terminal,
): Promise<void> {
  const { recipe: _, from: first, ...others } = flags;
  const resumes = flags.resume === true;
  const folder = flags.out ?? (await defaultRunFolder(files, staged.name, resumes));
  const overrides = overridesOf(flags);
  if (resumes && Object.keys(overrides).length > 0)
    throw new UsageError(`the run in ${folder} goes on as it began`, `leave out ${Object.keys(overrides).join(", ")}`);
  const recipe = resumes ? staged : overrideStages(staged, overrides);
  if (!resumes) await createStagedRun(files, folder, recipe);
  const standings = await stageStandings(files, folder, recipe);
  await using _unbegun = { [Symbol.asyncDispose]: () => abandonUnbegun(files, folder) };
  for (const [i, stage] of standings.entries()) {
    terminal.note(`stage ${stage.number} of ${standings.length}: ${stage.recipe.summary} (${stage.state})`);
    if (stage.state === "finished") continue;
    const before = standings[i - 1];
    const from = before === undefined ? first : runPaths(files, before.folder).best;
    // A stage that goes on has its weights already.
    const begins = stage.state === "new" || before === undefined;
    const data = path ?? (before === undefined ? undefined : (await readRunInputs(files, before.folder))?.data);
    await trainOnce(
      data,
      stage.recipe,
      {
        ...others,
        ...(from === undefined || !begins ? {} : { from }),
        out: stage.folder,
        within: folder,
        resume: stage.state === "unfinished",
      },
      terminal,
    );
  }
  const best = await publishBest(files, folder, standings.at(-1)!);
  if (flags.json === true) terminal.out(`${JSON.stringify({ kind: "done", folder, model: best })}\n`);
  for (const line of nextLines(best, undefined)) terminal.note(line);
}

/** What is decided before the first picture is read. */
interface Plan {
  readonly recipe: Recipe;
  readonly folder: string;
  readonly resumed: ResumedRun | undefined;
  /** What the resumed run began with, if it says so. */
  readonly before: RunInputs | undefined;
}

async function trainOnce(
  path: string | undefined,
  named: Recipe | undefined,
  flags: TrainFlags,
  terminal: Terminal,
): Promise<void> {
  const plan = await planOf(named, flags);
  const { recipe, before } = plan;
  const dataPath = path ?? before?.data;
  if (dataPath === undefined) throw new UsageError("no data was given", "saccade train DATA; see saccade train --help");
  const fraction = flags.validationFraction ?? before?.validation_fraction;
  const data = await openDataset(nodeDataFiles, dataPath, {
    seed: recipe.seed,
    ...(fraction === undefined ? {} : { validationFraction: fraction }),
  });
  for (const line of data.summary) terminal.note(line);
  const split = trainingData(data, recipe, dataPath);
  await checkReadable(split, terminal);
  const teacher = flags.teacher ?? before?.teacher;
  const inputs: RunInputs = {
    data: dataPath,
    training_pictures: split.train.length,
    validation_pictures: split.heldOut?.length ?? 0,
    ...(flags.from === undefined ? {} : { from: flags.from }),
    ...(teacher === undefined ? {} : { teacher }),
    ...(fraction === undefined ? {} : { validation_fraction: fraction }),
  };
  const model = await modelOf(plan, flags, data.labels, inputs, terminal);
  const values = [...model.weights.values()].reduce((sum, { data: { length } }) => sum + length, 0);
  const { name } = model.definition.architecture;
  terminal.note(`${name}, ${compact(values)} parameters, ${recipe.epochs} epochs of batches of ${recipe.batch}`);
  const { resumed, folder } = plan;
  const options = { recipe, folder, model, inputs, ...split, ...(resumed === undefined ? {} : { resumed }) };
  await follow(options, flags, terminal);
}

/** A class that cannot be learned is an error before anything costs time; one that is not measured, a word. */
async function checkReadable({ train, heldOut }: TrainingData, terminal: Terminal): Promise<void> {
  await requireReadableClasses(train, nodeDataFiles, nodeHost.decode, terminal.signal);
  if (heldOut === undefined) return;
  const unmeasured = await findUnreadableClasses(heldOut, nodeDataFiles, nodeHost.decode, terminal.signal);
  for (const { label, problems } of unmeasured)
    terminal.note(
      `not one of the ${problems.length} validation pictures of the class "${label}" can be read: it is not measured`,
    );
}

function overridesOf({ epochs, batch, learningRate, seed }: TrainFlags): RecipeOverrides {
  return {
    ...(epochs === undefined ? {} : { epochs }),
    ...(batch === undefined ? {} : { batch }),
    ...(learningRate === undefined ? {} : { learning_rate: learningRate }),
    ...(seed === undefined ? {} : { seed }),
  };
}

async function planOf(named: Recipe | undefined, flags: TrainFlags): Promise<Plan> {
  const overrides = overridesOf(flags);
  if (flags.resume !== true) {
    const recipe = overrideRecipe(named ?? recipeNamed("everyday"), overrides);
    const folder = flags.out ?? (await defaultRunFolder(files, recipe.name, false));
    return { recipe, folder, resumed: undefined, before: undefined };
  }
  const folder = flags.out ?? (await defaultRunFolder(files, named?.name ?? "everyday", true));
  const kept = parseRecipe((await openRun(files, folder)).recipe);
  const resumed = await openRun(files, folder, { recipe: overrideRecipe(named ?? kept, overrides) });
  const before = await readRunInputs(files, folder);
  requireSameModels(flags, before, kept);
  return { recipe: kept, folder, resumed, before };
}

/** What a run began with cannot be changed by going on with it, and to pass over the wish in silence would let people believe it was. */
function requireSameModels({ from, teacher }: TrainFlags, before: RunInputs | undefined, recipe: Recipe): void {
  if (before === undefined) return;
  if (from !== undefined && from !== before.from)
    throw new UsageError(
      `the run began with ${before.from === undefined ? "fresh weights" : `the weights of ${before.from}`}, and goes on with its own`,
      "leave --from out, or begin a new run in another folder",
    );
  if (teacher === undefined || teacher === before.teacher) return;
  if (before.teacher === undefined) throw new UsageError("the run began without a teacher, and cannot go on with one");
  // A teacher of views works on, so its file may have moved; whether it is the same is seen by its bytes.
  if (recipe.distillation?.sees !== "view")
    throw new UsageError(
      `the run goes on with what its teacher, ${before.teacher}, said of each picture`,
      "leave --teacher out, or begin a new run in another folder",
    );
}

async function readRecipe(source: string): Promise<Recipe | StagedRecipe> {
  if (!/\.json$/i.test(source)) return anyRecipeNamed(source);
  const text = decodeText(await files.read(source, { maxBytes: 2 ** 20 }), source);
  try {
    return parseAnyRecipe(JSON.parse(text));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new FormatError(source, `this is not valid JSON: ${cause.message}`, { cause });
  }
}

/** The model to train: a resumed run's own, else what the recipe or --from says. */
async function modelOf(
  { recipe, resumed, before }: Plan,
  flags: TrainFlags,
  labels: readonly string[],
  inputs: RunInputs,
  terminal: Terminal,
): Promise<NativeModel> {
  if (resumed !== undefined) {
    const model = await modelOfRun(files, resumed.paths);
    requireSameData(before, inputs, model, labels);
    terminal.note(`going on after step ${resumed.progress.step} of the run in ${resumed.paths.folder}`);
    return model;
  }
  const from = flags.from === undefined ? undefined : requireNative(await loadModel(nodeHost, flags.from));
  const { model, fresh } = startingPoint(recipe, labels, from);
  if (from !== undefined) terminal.note(`weights of ${from.card.name}; fresh: ${fresh.join(", ") || "none"}`);
  return model;
}

/** Runs it and says how it goes. */
async function follow(
  options: Omit<TrainRunOptions, "files" | "createSession" | "createWorkers">,
  flags: TrainFlags,
  terminal: Terminal,
): Promise<void> {
  const { folder, recipe } = options;
  const live = new LiveLine(terminal);
  const started = performance.now();
  let isUnread = false;
  const print = (report: Record<string, unknown>) => {
    if (flags.json === true) terminal.out(`${JSON.stringify(report)}\n`);
    if (!terminal.outputClosed || isUnread) return;
    isUnread = true;
    terminal.note("standard output is closed; training goes on without it");
  };
  try {
    const { run, choice, problems } = await trainRun({
      ...options,
      files,
      target: targetOf(flags.device),
      createSession: (bytes, more) => nodeHost.createSession(bytes, { ...sessionOptions(flags, terminal), ...more }),
      createWorkers: createDataWorkers,
      ...(flags.workers === undefined ? {} : { workers: flags.workers }),
      signal: terminal.signal,
      onTeacher: (done, total) => live.show(teacherLine(done, total, (performance.now() - started) / 1000)),
      onTaught: (accuracy) => terminal.note(taughtLine(accuracy)),
      onStage: (stage) => live.show(stageLine(stage)),
      onMemory: (bytes) => terminal.note(memoryLine(bytes, totalmem())),
      onStep: (report) => live.show(stepLine(report, terminal.columns)),
      onReport: (report) => print({ kind: "train", ...report }),
      onEpoch(epoch, report, evaluation) {
        if (evaluation !== undefined) print({ kind: "eval", epoch, ...evaluation });
        terminal.note(
          epochLine(epoch, recipe.epochs, options.train.labels.length, report, evaluation, terminal.columns),
        );
      },
    });
    live.end();
    print({ kind: "done", folder, model: run.paths.best, ...(choice === undefined ? {} : choice) });
    const validation = options.heldOut === undefined ? undefined : options.inputs.data;
    const next = flags.within === undefined ? nextLines(run.paths.best, validation) : [];
    for (const line of [...problemLines(problems), ...choiceLines(choice), ...next]) terminal.note(line);
  } catch (error) {
    live.end();
    const checkpoints = await listCheckpoints(files, runPaths(files, folder).checkpoints);
    if (error instanceof AbortedError && checkpoints.length > 0)
      terminal.note(`saved; go on with: saccade train --resume --out ${shellWord(flags.within ?? folder)}`);
    throw error;
  }
}
