// One run of one recipe: what is decided before the first picture is read, and the run itself.
import type { Dataset } from "../data/dataset.ts";
import type { OpenedData } from "../data/open.ts";
import { openDataset } from "../data/open.ts";
import { findUnreadableClasses, requireReadableClasses } from "../data/readable.ts";
import { openUnlabelled } from "../data/unlabelled.ts";
import { NotFoundError, UsageError } from "../errors.ts";
import { usualExtent } from "../model-folder/describe.ts";
import { loadModel, requireNative } from "../model-folder/load.ts";
import type { NativeModel } from "../model-folder/model.ts";
import { backboneModel } from "../model-folder/native.ts";
import { pictureInput, usualTransform } from "../models/picture-input.ts";
import type { TrainingHost } from "../platform/host.ts";
import { fineTuneOf } from "../recipes/fine-tune.ts";
import { recipeNamed } from "../recipes/index.ts";
import type { ActualDevice } from "../runtime/session.ts";
import { targetOf } from "../runtime/target.ts";
import { fitBatch, withFullBatches, withThings } from "../train/fit-to-data.ts";
import { overrideRecipe, parseRecipe } from "../train/recipe.ts";
import type { Recipe } from "../train/recipe-fields.ts";
import { openRun, type ResumedRun } from "../train/run/run-folder.ts";
import {
  defaultRunFolder,
  modelOfRun,
  type RunInputs,
  readRunInputs,
  requireSameData,
  writeRunInputs,
} from "../train/run-inputs.ts";
import { startingPoint } from "../train/start.ts";
import { usualDistillation } from "../train/teacher/usual-distillation.ts";
import { trainRun } from "../train/train-run.ts";
import { type TrainingData, trainingData } from "../train/training-data.ts";
import { measurePlaces } from "./measure-places.ts";
import { openProbe, openWithoutLabels } from "./pretraining-data.ts";
import { DEFAULT_RECIPE } from "./recipe-source.ts";
import { overridesOf, type TrainOptions, type TrainResult } from "./train-options.ts";

/** As `from`: no weights but fresh ones, whatever the recipe says. */
const SCRATCH = "scratch";

/** What is decided before the first picture is read. */
interface Plan {
  readonly recipe: Recipe;
  readonly folder: string;
  readonly dataPath: string;
  readonly data: OpenedData;
  readonly resumed?: ResumedRun;
  /** What a resumed run began with, if it says so. */
  readonly before?: RunInputs | undefined;
}

export async function trainOnce(
  host: TrainingHost,
  path: string | undefined,
  named: Recipe | undefined,
  options: TrainOptions,
): Promise<TrainResult> {
  const { files } = host;
  const { onNotice } = options;
  const plan = await (options.resume === true ? planToResume : planAnew)(host, path, named, options);
  const { recipe, folder, data, dataPath, resumed } = plan;
  requireUse(recipe, options);
  const { note, ...split } = trainingData(data, recipe, dataPath);
  if (note !== undefined) onNotice?.(note);
  await checkReadable(host, split, recipe, options);
  const inputs = inputsOf(host, plan, split.train.length, split.heldOut?.length ?? 0, options);
  const unlabelled = await openPool(host, inputs, onNotice);
  const probed = await openProbe(host, inputs, recipe, onNotice);
  const model = await modelOf(host, plan, inputs, options);
  const values = [...model.weights.values()].reduce((sum, { data: { length } }) => sum + length, 0);
  const { name } = model.definition.architecture;
  const epochs = recipe.epochs === 1 ? "1 epoch" : `${recipe.epochs} epochs`;
  onNotice?.(`${name}, ${millions(values)} parameters, ${epochs} of batches of ${recipe.batch}`);
  options.onPlan?.({ recipe, folder, labels: data.labels });
  const engine = { device: inputs.device ?? "auto", threads: inputs.threads };
  const { unlabelled: _, probe: __, ...hooks } = options;
  const { heldOut } = split;
  const measure =
    recipe.annotations === undefined || heldOut === undefined
      ? undefined
      : measurePlaces(host, { ...engine, recipe, model, heldOut, ...(onNotice === undefined ? {} : { onNotice }) });
  const { run, choice, measured, problems } = await trainRun({
    ...hooks,
    recipe,
    folder,
    model,
    inputs,
    ...split,
    ...(unlabelled === undefined ? {} : { unlabelled }),
    ...(probed === undefined ? {} : { probed }),
    ...(measure === undefined ? {} : { measure }),
    ...(resumed === undefined ? {} : { resumed }),
    files,
    target: targetOf(engine.device),
    createSession: (bytes, more) =>
      host.createSession(bytes, {
        device: engine.device,
        ...(engine.threads === undefined ? {} : { threads: engine.threads }),
        ...(onNotice === undefined ? {} : { onNotice }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        ...more,
      }),
    createWorkers: host.createDataWorkers,
    onDevice: (device) => rememberDevice(host, plan, inputs, device, options),
  });
  return {
    folder,
    model: run.paths.best,
    last: run.paths.last,
    recipe: recipe.name,
    labels: data.labels,
    data: dataPath,
    ...(choice === undefined ? {} : { choice }),
    ...(measured === undefined ? {} : { measured }),
    problems,
  };
}

/** @throws UsageError for what a run of such a recipe has no use for */
function requireUse({ name, pretext }: Recipe, { probe, teacher, unlabelled }: TrainOptions): void {
  if (pretext === undefined && probe !== undefined)
    throw new UsageError(
      `the recipe ${name} learns classes, and is measured by what it says of validation pictures`,
      "leave the probe out: it is for pre-training",
    );
  if (pretext !== undefined && (teacher ?? unlabelled) !== undefined)
    throw new UsageError(
      `the recipe ${name} learns from the pictures alone`,
      "leave out the teacher and its unlabelled pictures: the data itself may be without labels",
    );
}

/** Pictures of which only the teacher says what they are. */
async function openPool(
  { dataFiles }: TrainingHost,
  { unlabelled: path }: RunInputs,
  onNotice: TrainOptions["onNotice"],
): Promise<Dataset | undefined> {
  if (path === undefined) return undefined;
  const pictures = await openUnlabelled(dataFiles, path);
  onNotice?.(`without labels: ${pictures.length} pictures from ${path}`);
  return pictures;
}

/** A class that cannot be learned is an error before anything costs time; one that is not measured, a word. */
async function checkReadable(
  host: TrainingHost,
  split: TrainingData,
  { clip, pretext, annotations }: Recipe,
  options: TrainOptions,
): Promise<void> {
  const { dataFiles, decode } = host;
  // A video that cannot be opened is found by the loader: to open one a class costs more than that. Without labels there are no classes to be missed.
  if (clip !== undefined || pretext !== undefined || annotations !== undefined) return;
  await requireReadableClasses(split.train, dataFiles, decode, options.signal);
  if (split.heldOut === undefined) return;
  for (const { label, problems } of await findUnreadableClasses(split.heldOut, dataFiles, decode, options.signal))
    options.onNotice?.(
      `not one of the ${problems.length} validation pictures of the class "${label}" can be read: it is not measured`,
    );
}

async function planAnew(
  host: TrainingHost,
  dataPath: string | undefined,
  named: Recipe | undefined,
  options: TrainOptions,
): Promise<Plan> {
  const { files } = host;
  if (dataPath === undefined) throw new UsageError("no data was given", "saccade train DATA; see saccade train --help");
  const asked = overrideRecipe(named ?? (await usualRecipe(host, options)), overridesOf(options));
  const data = await open(host, dataPath, asked, options.validationFraction, options);
  const pictures = data.train?.length ?? 0;
  const isBatchOpen = options.batch === undefined && pictures > 0;
  const { recipe: fitted, reason } = isBatchOpen
    ? (named === undefined ? withFullBatches : fitBatch)(asked, pictures)
    : { recipe: asked, reason: undefined };
  if (named === undefined)
    options.onNotice?.(
      `no recipe was named, so ${fitted.name}: it ${fitted.summary}${reason === undefined ? "" : `; ${reason}`} (saccade recipes lists others)`,
    );
  else if (reason !== undefined) options.onNotice?.(reason);
  const told = withThings(fitted, data.train?.things, (options.from ?? fitted.from ?? SCRATCH) !== SCRATCH);
  if (told.reason !== undefined) options.onNotice?.(told.reason);
  const recipe = await withTeacher(host, told.recipe, options);
  const folder = options.folder ?? (await defaultRunFolder(files, recipe.name, false));
  return { recipe, folder, dataPath, data };
}

/** What trains when nobody names a recipe: one for the bundled model, or for the one to begin with. */
async function usualRecipe(host: TrainingHost, { from }: TrainOptions): Promise<Recipe> {
  const recipe = recipeNamed(DEFAULT_RECIPE);
  if (from === undefined || from === SCRATCH) return recipe;
  const model = requireNative(await loadModel(host, from, { seesPictures: false }));
  const { definition, card } = { ...model, ...backboneModel(model) };
  if (definition.architecture.name === recipe.architecture || pictureInput(definition).kind !== "image") return recipe;
  const transform = card.transform ?? usualTransform(definition);
  return parseRecipe(fineTuneOf(definition, usualExtent(definition, transform), transform));
}

async function planToResume(
  host: TrainingHost,
  path: string | undefined,
  named: Recipe | undefined,
  options: TrainOptions,
): Promise<Plan> {
  const { files } = host;
  const folder = options.folder ?? (await defaultRunFolder(files, named?.name ?? DEFAULT_RECIPE, true));
  const kept = parseRecipe((await openRun(files, folder)).recipe);
  const before = await readRunInputs(files, folder);
  const asked = named === undefined ? kept : asItBegan(named, kept, options);
  const resumed = await openRun(files, folder, { recipe: overrideRecipe(asked, overridesOf(options)) });
  requireSameModels(host, options, before, kept);
  const dataPath = path ?? before?.data;
  if (dataPath === undefined)
    throw new UsageError("no data was given", "the run does not know its own: saccade train DATA --resume");
  if (path === undefined && (await files.stat(dataPath)) === undefined)
    throw new NotFoundError("the run's data", dataPath, "say where it is now: saccade train DATA --resume");
  const data = await open(host, dataPath, kept, options.validationFraction ?? before?.validation_fraction, options);
  return { recipe: kept, folder, dataPath, data, resumed, before };
}

/** A named recipe with what the run made of it by itself: a batch for its data, a lesson for its teacher. */
function asItBegan(named: Recipe, kept: Recipe, { batch }: TrainOptions): Recipe {
  return {
    ...named,
    ...(batch === undefined && kept.batch < named.batch ? { batch: kept.batch } : {}),
    // Which classes are things follows from the data.
    ...(named.config.things === undefined && kept.config.things !== undefined
      ? { config: { ...named.config, things: kept.config.things }, grow: kept.grow }
      : {}),
    ...(named.distillation === undefined && kept.distillation !== undefined ? { distillation: kept.distillation } : {}),
  };
}

async function open(
  host: TrainingHost,
  path: string,
  { seed, clip, pretext }: Recipe,
  validationFraction: number | undefined,
  { onNotice }: TrainOptions,
): Promise<OpenedData> {
  const options = {
    seed,
    ...(clip === undefined ? {} : { kind: "clips" as const }),
    ...(validationFraction === undefined ? {} : { validationFraction }),
  };
  const data = await (pretext === undefined
    ? openDataset(host.dataFiles, path, options)
    : openWithoutLabels(host, path));
  for (const line of data.summary) onNotice?.(line);
  return data;
}

/** A recipe that says nothing of a teacher learns from one as is usual. */
async function withTeacher(host: TrainingHost, recipe: Recipe, { teacher, onNotice }: TrainOptions): Promise<Recipe> {
  const { distillation: own, looking, pretext } = recipe;
  if (teacher === undefined || (own ?? looking ?? pretext) !== undefined) return recipe;
  const { distillation, reason } = await usualDistillation(host.files, teacher, recipe);
  onNotice?.(`teacher: ${recipe.name} does not say how to learn from one: ${reason}`);
  return parseRecipe({ ...recipe, distillation });
}

/** What the run's folder remembers. */
function inputsOf(
  host: TrainingHost,
  { before, dataPath, recipe }: Plan,
  training: number,
  validation: number,
  options: TrainOptions,
): RunInputs {
  const { validationFraction = before?.validation_fraction } = options;
  const teacher = options.teacher === undefined ? before?.teacher : host.absolutePath(options.teacher);
  const unlabelled = options.unlabelled === undefined ? before?.unlabelled : host.absolutePath(options.unlabelled);
  const probe =
    options.probe === undefined ? before?.probe : { ...options.probe, data: host.absolutePath(options.probe.data) };
  const asked = options.device === undefined || options.device === "auto" ? before?.device : options.device;
  const threads = options.threads ?? before?.threads ?? host.machine.cores;
  if (before?.threads !== undefined && threads !== before.threads)
    options.onNotice?.(
      `the run began with --threads ${before.threads}: with ${threads}, sums are rounded otherwise, and it goes on to slightly other numbers`,
    );
  const from = options.from ?? recipe.from;
  return {
    // Absolute, so that the run can be gone on with from another folder.
    data: host.absolutePath(dataPath),
    training_pictures: training,
    validation_pictures: validation,
    ...(from === undefined || from === SCRATCH ? {} : { from }),
    ...(teacher === undefined ? {} : { teacher }),
    ...(unlabelled === undefined ? {} : { unlabelled }),
    ...(probe === undefined ? {} : { probe }),
    ...(validationFraction === undefined ? {} : { validation_fraction: validationFraction }),
    ...(asked === undefined ? {} : { device: asked }),
    threads,
  };
}

/** Keeps where a new run is computed; says when a resumed one is computed elsewhere. */
async function rememberDevice(
  { files }: TrainingHost,
  { before, folder, resumed }: Plan,
  inputs: RunInputs,
  device: ActualDevice,
  { onNotice }: TrainOptions,
): Promise<void> {
  if (resumed === undefined) await writeRunInputs(files, folder, { ...inputs, computed_on: device });
  else if (before?.computed_on !== undefined && before.computed_on !== device)
    onNotice?.(`the run was computed on ${before.computed_on} and goes on on ${device}, to slightly other numbers`);
}

/** What a run began with cannot be changed by going on with it, and to pass over the wish in silence would let people believe it was. */
function requireSameModels(
  host: TrainingHost,
  { from, teacher }: TrainOptions,
  before: RunInputs | undefined,
  recipe: Recipe,
): void {
  if (before === undefined) return;
  if (from !== undefined && from !== (before.from ?? SCRATCH))
    throw new UsageError(
      `the run began with ${before.from === undefined ? "fresh weights" : `the weights of ${before.from}`}, and goes on with its own`,
      "leave --from out, or begin a new run in another folder",
    );
  if (teacher === undefined || [teacher, host.absolutePath(teacher)].includes(before.teacher ?? "")) return;
  if (before.teacher === undefined) throw new UsageError("the run began without a teacher, and cannot go on with one");
  // A teacher of views works on, so its file may have moved; whether it is the same is seen by its bytes.
  if (recipe.distillation?.sees !== "view")
    throw new UsageError(
      `the run goes on with what its teacher, ${before.teacher}, said of each picture`,
      "leave --teacher out, or begin a new run in another folder",
    );
}

/** The model to train: a resumed run's own, else what the options or the recipe say. */
async function modelOf(
  host: TrainingHost,
  { recipe, resumed, before, data: { labels } }: Plan,
  inputs: RunInputs,
  { onNotice }: TrainOptions,
): Promise<NativeModel> {
  if (resumed !== undefined) {
    const model = await modelOfRun(host.files, resumed.paths);
    requireSameData(asCounted(before, inputs, recipe), inputs, model, labels);
    onNotice?.(`going on after step ${resumed.progress.step} of the run in ${resumed.paths.folder}`);
    return model;
  }
  const from =
    inputs.from === undefined ? undefined : requireNative(await loadModel(host, inputs.from, { seesPictures: false }));
  const { model, fresh } = startingPoint(recipe, labels, from);
  if (from !== undefined) onNotice?.(`weights of ${from.card.name}; fresh: ${fresh.join(", ") || "none"}`);
  return model;
}

/** Runs over annotated pictures did not count validation pictures before these were measured: such a run goes on, and is measured from now on. */
function asCounted(before: RunInputs | undefined, now: RunInputs, { annotations }: Recipe): RunInputs | undefined {
  if (before === undefined || annotations === undefined || before.validation_pictures > 0) return before;
  return { ...before, validation_pictures: now.validation_pictures };
}

const millions = (count: number) => (count < 1e6 ? `${count}` : `${(count / 1e6).toFixed(count < 1e7 ? 2 : 1)} M`);
