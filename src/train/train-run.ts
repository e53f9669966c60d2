// A run from data to its best model: the run's folder, the teacher's lesson, loaders, training with validation. What `saccade train` does, for any
// platform that has files, sessions and workers.
import type { DataProblem, Dataset } from "../data/dataset.ts";
import type { BatchWorker } from "../data/loader.ts";
import { UsageError } from "../errors.ts";
import type { NativeModel } from "../model-folder/model.ts";
import type { Files } from "../platform/host.ts";
import type { Session, SessionOptions } from "../runtime/session.ts";
import type { TensorData } from "../tensor.ts";
import { validateLooks } from "./gfnet/validation.ts";
import { teacherLoader, trainingLoader, validationLoader } from "./loaders.ts";
import type { Recipe } from "./recipe.ts";
import type { BestSoFar } from "./run/checkpoint-progress.ts";
import { createRun, type ResumedRun, type Run } from "./run/run-folder.ts";
import { abandonRun, type RunInputs, writeRunInputs } from "./run-inputs.ts";
import { askTeacher, loadOpinions, openTeacher, saveOpinions, withTeacher } from "./teacher.ts";
import { type Evaluation, type FitOptions, trainModel } from "./train-model.ts";
import { type ValidationOptions, validate } from "./validation.ts";

type Hooks = Pick<FitOptions, "onStage" | "onMemory" | "onStep" | "onReport" | "onEpoch">;

export interface TrainRunOptions extends Hooks {
  readonly recipe: Recipe;
  /** Where the run is, or goes. */
  readonly folder: string;
  /** The run to go on with, from `openRun`. */
  readonly resumed?: ResumedRun;
  readonly model: NativeModel;
  readonly train: Dataset;
  readonly heldOut?: Dataset;
  /** Kept in the folder; `teacher` of it is read and asked. */
  readonly inputs: RunInputs;
  readonly files: Files;
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
  /** New workers for a loader; without a number, as many as training should have. */
  createWorkers(count?: number): readonly BatchWorker[];
  /** Number of workers for training pictures. */
  readonly workers?: number;
  readonly onTeacher?: (done: number, total: number) => void;
  /** How often a linear classifier over the teacher's features is right, 0..1. */
  readonly onTaught?: (accuracy: number) => void;
  readonly signal?: AbortSignal;
}

export interface TrainRunResult {
  readonly run: Run;
  readonly best: BestSoFar | undefined;
  /** Pictures that could not be read. */
  readonly problems: readonly DataProblem[];
}

/**
 * Begins a run, or goes on with one. A new run that fails before its first checkpoint leaves nothing behind.
 *
 * @throws UsageError when the folder is occupied, or the recipe cannot use a teacher; what `trainModel` throws
 */
export async function trainRun(options: TrainRunOptions): Promise<TrainRunResult> {
  const { recipe, folder, resumed, files, inputs } = options;
  if (inputs.teacher !== undefined && recipe.distillation === undefined)
    throw new UsageError(
      `the recipe ${recipe.name} says nothing about learning from a teacher`,
      "give it a distillation field, or leave --teacher out",
    );
  const opinionsPath = files.join(folder, "teacher.safetensors");
  const kept = await keptOpinions(options, opinionsPath);
  // Before the folder is made: a teacher that is none should leave nothing behind.
  await using teacher = await teacherOf(options, kept !== undefined);
  const run = resumed ?? (await createRun(files, folder, recipe));
  try {
    if (resumed === undefined) await writeRunInputs(files, folder, inputs);
    const asked = teacher.session === undefined ? undefined : await ask(teacher.session, options);
    if (asked !== undefined) await saveOpinions(files, opinionsPath, asked);
    else if (kept !== undefined && resumed === undefined) await saveOpinions(files, opinionsPath, kept);
    return await trainOn(options, run, asked ?? kept);
  } catch (error) {
    await abandonRun(files, run.paths);
    throw error;
  }
}

/** What a teacher said before: in the run that is resumed, or in the run whose opinions are given in the teacher's place. */
async function keptOpinions({ resumed, files, inputs, train }: TrainRunOptions, own: string) {
  if (resumed !== undefined) return loadOpinions(files, own, train);
  if (inputs.teacher === undefined || !inputs.teacher.endsWith(".safetensors")) return undefined;
  const kept = await loadOpinions(files, inputs.teacher, train);
  if (kept !== undefined) return kept;
  throw new UsageError(
    `${inputs.teacher} holds no opinions about these pictures and classes`,
    "give the teacher itself: an ONNX model with an output named features",
  );
}

async function teacherOf(options: TrainRunOptions, isAnswered: boolean) {
  const { inputs, files, createSession } = options;
  const session =
    inputs.teacher === undefined || isAnswered
      ? undefined
      : await openTeacher(await files.read(inputs.teacher), inputs.teacher, createSession);
  return { session, [Symbol.asyncDispose]: async () => session?.dispose() };
}

async function ask(teacher: Session, options: TrainRunOptions): Promise<TensorData<"float32">> {
  const { recipe, train, signal, createSession, onTeacher } = options;
  const loader = teacherLoader(train, recipe.distillation!.transform, options.createWorkers(1));
  try {
    const { logits, accuracy } = await askTeacher({
      teacher,
      dataset: train,
      loader,
      seed: recipe.seed,
      createSession,
      onProgress: (done) => onTeacher?.(done, train.length),
      ...(signal === undefined ? {} : { signal }),
    });
    options.onTaught?.(accuracy);
    return logits;
  } finally {
    await loader.dispose();
  }
}

/** A model that looks several times is scored after each look: in stage 1, which has no policy yet, at random places, always the same. */
function score({ looking }: Recipe, options: ValidationOptions): Promise<Evaluation> {
  if (looking === undefined) return validate(options);
  return validateLooks({ ...options, choice: looking.stage === 1 ? "random" : "policy", seed: 0 });
}

async function trainOn(
  options: TrainRunOptions,
  run: Run | ResumedRun,
  opinions: TensorData<"float32"> | undefined,
): Promise<TrainRunResult> {
  const { recipe, model, train, heldOut, createSession, createWorkers } = options;
  const { distillation } = recipe;
  const taught = opinions && distillation ? withTeacher(train, opinions, distillation) : train;
  const loader = trainingLoader(taught, recipe, createWorkers(options.workers));
  const held = heldOut === undefined ? undefined : validationLoader(heldOut, recipe, createWorkers(1));
  const { definition } = model;
  try {
    const { best } = await trainModel({
      ...options,
      classes: train.labels.length,
      loader,
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
                ...(signal === undefined ? {} : { signal }),
              }),
          }),
    });
    const problems = [...loader.problems, ...(held?.problems ?? [])];
    // Both parts of one set know what was left out of the whole.
    return { run, best, problems: [...new Map(problems.map((problem) => [problem.name, problem])).values()] };
  } finally {
    await loader.dispose();
    await held?.dispose();
  }
}
