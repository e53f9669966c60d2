// A run from data to its best model: the run's folder, the teacher's lesson, loaders, training with validation. What `saccade train` does, for any
// platform that has files, sessions and workers.
import type { DataProblem, Dataset } from "../data/dataset.ts";
import type { NativeModel } from "../model-folder/model.ts";
import { samplingOf } from "./clips.ts";
import type { EpochChoice } from "./epoch-choice.ts";
import type { FitOptions, ScoredEvaluation } from "./fit-options.ts";
import { validateLooks } from "./gfnet/validation.ts";
import { trainingLoader, validationLoader } from "./loaders.ts";
import type { MeasuredChoice } from "./measured-choice.ts";
import { probeFeatures } from "./pretext/probe.ts";
import type { Recipe } from "./recipe-fields.ts";
import { cleanRun, createRun, type ResumedRun, type Run } from "./run/run-folder.ts";
import { abandonRun, type RunInputs, writeRunInputs } from "./run-inputs.ts";
import { type Lesson, type LessonOptions, openLesson } from "./teacher/lesson.ts";
import { trainModel } from "./train-model.ts";
import { type ValidationOptions, validate } from "./validation.ts";

/** Called while a run works. */
export type TrainHooks = Pick<FitOptions, "onStage" | "onMemory" | "onStep" | "onReport" | "onEpoch" | "onProbe"> &
  Pick<LessonOptions, "onTeacher" | "onTaught">;

/** Labelled pictures that features are tried on while a model learns without labels. */
export interface ProbeData {
  /** What a linear classifier is fitted to, and what it is tried on; both number the same labels alike. */
  readonly fitted: Dataset;
  readonly tried: Dataset;
  /** Epochs from one probe to the next. */
  readonly every: number;
  /** Whose values the features are. Default: "features". */
  readonly layer?: string;
}

export interface TrainRunOptions
  extends TrainHooks,
    Pick<FitOptions, "onDevice" | "measure">,
    Omit<LessonOptions, "teacher" | "path" | "isResumed"> {
  /** Where the run is, or goes. */
  readonly folder: string;
  /** The run to go on with, from `openRun`. */
  readonly resumed?: ResumedRun;
  readonly model: NativeModel;
  readonly heldOut?: Dataset;
  readonly probed?: ProbeData;
  /** Kept in the folder; `teacher` of it is read and asked. */
  readonly inputs: RunInputs;
}

export interface TrainRunResult {
  readonly run: Run;
  /** Which epoch is its best model; undefined without held-out pictures, where that is the last one. */
  readonly choice: EpochChoice | undefined;
  /** The same of a run over annotated pictures. */
  readonly measured: MeasuredChoice | undefined;
  /** Pictures that could not be read. */
  readonly problems: readonly DataProblem[];
}

/**
 * Begins a run, or goes on with one. A new run that fails before its first checkpoint leaves nothing behind.
 *
 * @throws SaccadeError "in_use" when another process trains there; UsageError when the folder is occupied, or the recipe cannot use a teacher; what
 * `trainModel` throws
 */
export async function trainRun(options: TrainRunOptions): Promise<TrainRunResult> {
  const { recipe, folder, resumed, files, inputs } = options;
  // Before the folder is made: a teacher that is none should leave nothing behind.
  const lesson = await openLesson({
    ...options,
    teacher: inputs.teacher,
    path: files.join(folder, "teacher.safetensors"),
    isResumed: resumed !== undefined,
  });
  try {
    const run = resumed ?? (await createRun(files, folder, recipe));
    await using _held = await files.lock(folder);
    if (resumed !== undefined) await cleanRun(files, run.paths);
    return await learnAndTrain(options, run, lesson);
  } finally {
    await lesson?.dispose();
  }
}

async function learnAndTrain(
  options: TrainRunOptions,
  run: Run | ResumedRun,
  lesson: Lesson | undefined,
): Promise<TrainRunResult> {
  const { folder, resumed, files, inputs } = options;
  try {
    if (resumed === undefined) await writeRunInputs(files, folder, inputs);
    await lesson?.learn();
    return await trainOn(options, run, lesson);
  } catch (error) {
    // What ended the run matters more than a folder that cannot be cleaned.
    await abandonRun(files, run.paths).catch(() => undefined);
    throw error;
  }
}

/** A model that looks several times is scored after each look: in stage 1, which has no policy yet, at random places, always the same. */
function score({ looking }: Recipe, options: ValidationOptions): Promise<ScoredEvaluation> {
  if (looking === undefined) return validate(options);
  return validateLooks({ ...options, choice: looking.stage === 1 ? "random" : "policy", seed: 0 });
}

async function trainOn(
  options: TrainRunOptions,
  run: Run | ResumedRun,
  lesson: Lesson | undefined,
): Promise<TrainRunResult> {
  const { recipe, model, train, target, createSession, createWorkers } = options;
  // Annotated pictures are measured by what finds places, which reads them itself.
  const heldOut = recipe.annotations === undefined ? options.heldOut : undefined;
  const workers = createWorkers(options.workers);
  await using loader =
    lesson?.loader(workers) ?? trainingLoader(train, recipe, workers, samplingOf(recipe, "random", model.definition));
  const { definition } = model;
  const heldClip = samplingOf(recipe, "regular", definition);
  await using held = heldOut === undefined ? undefined : validationLoader(heldOut, recipe, createWorkers(1), heldClip);
  await using probe = options.probed && openProbeLoaders(options.probed, options);
  const { choice, measured } = await trainModel({
    ...options,
    ...(probe === undefined ? {} : { probe }),
    classes: train.labels.length,
    loader,
    ...(lesson?.featureWidth === undefined ? {} : { teacherWidth: lesson.featureWidth }),
    run,
    ...(held === undefined
      ? {}
      : {
          evaluate: (weights, signal) =>
            score(recipe, {
              definition,
              weights,
              loader: held,
              createSession,
              ...(target === undefined ? {} : { target }),
              ...(signal === undefined ? {} : { signal }),
            }),
        }),
  });
  const problems = [...loader.problems, ...(held?.problems ?? [])];
  // Both parts of one set know what was left out of the whole.
  return { run, choice, measured, problems: [...new Map(problems.map((problem) => [problem.name, problem])).values()] };
}

/** How features are probed; the loaders belong to the result. */
function openProbeLoaders(
  { fitted, tried, every, layer }: ProbeData,
  { recipe, model: { definition }, target, createSession, createWorkers }: TrainRunOptions,
): NonNullable<FitOptions["probe"]> & AsyncDisposable {
  const [known, asked] = [fitted, tried].map((pictures) => validationLoader(pictures, recipe, createWorkers(1)));
  const pictures = { fitted: known!, tried: asked!, classes: fitted.labels.length };
  return {
    every,
    score: (weights, signal) =>
      probeFeatures({
        definition,
        weights,
        pictures,
        seed: recipe.seed,
        createSession,
        ...(layer === undefined ? {} : { layer }),
        ...(target === undefined ? {} : { target }),
        ...(signal === undefined ? {} : { signal }),
      }),
    async [Symbol.asyncDispose]() {
      await Promise.all([known!.dispose(), asked!.dispose()]);
    },
  };
}
