// What a run learns from its teacher, and how: from one look at each picture, kept for all epochs, or from the teacher's opinion of each batch.
import type { Dataset } from "../../data/dataset.ts";
import type { BatchWorker, Loader } from "../../data/loader.ts";
import { UsageError } from "../../errors.ts";
import { wholeOnnx } from "../../model-folder/onnx-file.ts";
import type { Files } from "../../platform/host.ts";
import type { ActualDevice, Session } from "../../runtime/session.ts";
import { fittingLoader, teacherLoader, trainingLoader, unlabelledLoader } from "../loaders.ts";
import type { Recipe } from "../recipe-fields.ts";
import { unlabelledRows, withoutTargets, withUnlabelled } from "../unlabelled-rows.ts";
import { openTeacher } from "./open.ts";
import { askTeacher, loadOpinions, requireRoomForOpinions, saveOpinions, withTeacher } from "./opinions.ts";
import type { FittingOptions } from "./probe.ts";
import { planView } from "./view-graph.ts";
import {
  featuresOfViews,
  fitOnViews,
  loadProbe,
  saveProbe,
  type TeacherProbe,
  targetsOfViews,
  viewTeacher,
  withViewTeacher,
} from "./views.ts";

/** What a run's teacher has to say. */
export interface Lesson {
  /** Finds out what is not known yet, and keeps it in the run's folder, which is there by now. */
  learn(): Promise<void>;
  /** As `trainingLoader`, with the teacher's opinion in the targets. After `learn`; to be disposed of before the lesson. */
  loader(workers: readonly BatchWorker[]): Loader;
  /** Width of the teacher's features in the batches; undefined where they have none. After `learn`. */
  readonly featureWidth?: number | undefined;
  dispose(): Promise<void>;
}

export interface LessonOptions extends Omit<FittingOptions, "seed"> {
  readonly recipe: Recipe;
  readonly train: Dataset;
  /** Pictures without labels, of which the teacher alone says what they are. */
  readonly unlabelled?: Dataset;
  /** A model with an output named features, or opinions that another run kept. */
  readonly teacher: string | undefined;
  /** Where the run keeps what it learnt. */
  readonly path: string;
  /** Whether the run goes on, and may know all. */
  readonly isResumed: boolean;
  readonly files: Files;
  /** New workers for a loader; without a number, as many as training should have. */
  createWorkers(count?: number): readonly BatchWorker[];
  /** Number of workers for training pictures. */
  readonly workers?: number;
  readonly onTeacher?: (done: number, total: number) => void;
  /** How often a linear classifier over the teacher's features is right on pictures that it was not fitted to, 0..1. */
  readonly onTaught?: (accuracy: number) => void;
}

type Distillation = NonNullable<Recipe["distillation"]>;

/**
 * Opens what a run learns from; undefined without a teacher. Nothing is written yet, so a teacher that is none leaves nothing behind.
 *
 * @throws UsageError when the recipe cannot use a teacher, or not this one
 * @throws FormatError for a model that is no teacher
 */
export async function openLesson(options: LessonOptions): Promise<Lesson | undefined> {
  const { distillation, name } = options.recipe;
  if (options.unlabelled !== undefined && (options.teacher === undefined || distillation?.sees !== "view"))
    throw new UsageError(
      "pictures without labels are learnt from by what a teacher says of views",
      'give --teacher, and a recipe with "distillation": { "sees": "view", … }',
    );
  if (distillation !== undefined)
    return distillation.sees === "view" ? openViews(options, distillation) : openOpinions(options, distillation);
  if (options.teacher === undefined) return undefined;
  throw new UsageError(
    `the recipe ${name} says nothing about learning from a teacher`,
    "give it a distillation field, or leave --teacher out",
  );
}

async function openOpinions(options: LessonOptions, distillation: Distillation): Promise<Lesson | undefined> {
  const { recipe, train, teacher, path, isResumed, files, createSession } = options;
  let opinions = await keptOpinions(options);
  if (opinions === undefined && teacher === undefined) return undefined;
  requireRoomForOpinions(train);
  const session =
    opinions === undefined ? await openTeacher(await readTeacher(files, teacher!), teacher!, createSession) : undefined;
  return {
    async learn() {
      opinions ??= await ask(session!, options, distillation);
      if (session !== undefined || !isResumed) await saveOpinions(files, path, opinions, train);
    },
    loader: (workers) => trainingLoader(withTeacher(train, opinions!, distillation), recipe, workers),
    dispose: async () => session?.dispose(),
  };
}

/** What a teacher said before: in the run that is resumed, or in the run whose opinions are given in the teacher's place. */
async function keptOpinions({ isResumed, teacher, files, path, train }: LessonOptions) {
  if (isResumed) return loadOpinions(files, path, train);
  if (teacher === undefined || !isKeptOpinions(teacher)) return undefined;
  const kept = await loadOpinions(files, teacher, train);
  if (kept !== undefined) return kept;
  throw new UsageError(
    `${teacher} holds no opinions about these pictures and classes`,
    "give the teacher itself: an ONNX model with an output named features",
  );
}

async function readTeacher(files: Files, path: string): Promise<Uint8Array> {
  return (await wholeOnnx(files, path, await files.read(path))).bytes;
}

/** Whether a teacher is what one said in another run, and no model. */
export const isKeptOpinions = (teacher: string) => teacher.endsWith(".safetensors");

async function ask(teacher: Session, options: LessonOptions, { transform }: Distillation) {
  const { recipe, train, onTeacher } = options;
  const { logits, accuracy } = await askTeacher({
    ...options,
    teacher,
    dataset: train,
    openLoader: (pictures) => teacherLoader(pictures, transform, options.createWorkers(1)),
    seed: recipe.seed,
    onProgress: (done) => onTeacher?.(done, train.length),
  });
  if (accuracy !== undefined) options.onTaught?.(accuracy);
  return logits;
}

async function openViews(options: LessonOptions, distillation: Distillation): Promise<Lesson | undefined> {
  const { recipe, train, teacher: name, path, isResumed, files, createSession } = options;
  if (name === undefined) return undefined;
  if (isKeptOpinions(name))
    throw new UsageError(
      `the teacher of ${recipe.name} answers for each view, and ${name} is no model`,
      "give the teacher itself: an ONNX model with an output named features",
    );
  const plan = planView({ ...recipe, transform: distillation.transform });
  const teacher = viewTeacher(await readTeacher(files, name), name, plan, recipe.batch);
  const openTargets = (probe: TeacherProbe) => createSession(targetsOfViews(teacher, probe, distillation), {});
  let kept = isResumed ? await loadProbe(files, path, train.labels.length, teacher) : undefined;
  let session = await (kept === undefined ? createSession(featuresOfViews(teacher), {}) : openTargets(kept));
  return {
    async learn() {
      if (kept !== undefined) return;
      kept = await learnFromViews(session, options);
      await saveProbe(files, path, kept, teacher.bytes);
      await session.dispose();
      session = await openTargets(kept);
    },
    get featureWidth() {
      return distillation.features === undefined ? undefined : kept?.mean?.length;
    },
    loader: (workers) => withViewTeacher(viewLoader(options, workers), session, { ahead: worksBeside(session.device) }),
    dispose: () => session.dispose(),
  };
}

/** Views of the pictures with labels and, where there are any, of those without. */
function viewLoader({ recipe, train, unlabelled, createWorkers }: LessonOptions, workers: readonly BatchWorker[]) {
  if (unlabelled === undefined) return trainingLoader(train, recipe, workers);
  const rows = unlabelledRows(recipe.batch, train.length, unlabelled.length);
  const pictures = withoutTargets(unlabelled, train.labels);
  return withUnlabelled(
    trainingLoader(train, { ...recipe, batch: recipe.batch - rows }, workers),
    unlabelledLoader(pictures, recipe, rows, createWorkers(1)),
  );
}

/**
 * Whether a teacher's run and a train step go well together. On a CPU each wants all cores: side by side they took 1.05 to 1.2 times as long as in
 * turns (MobileNetV2 and a small SparseFormer on two cores).
 */
const worksBeside = (device: ActualDevice) => device === "cuda" || device === "webgpu";

async function learnFromViews(session: Session, options: LessonOptions): Promise<TeacherProbe> {
  const { recipe, train, onTeacher } = options;
  await using loader = fittingLoader(train, recipe, options.createWorkers(options.workers));
  const { probe, accuracy } = await fitOnViews({
    ...options,
    session,
    dataset: train,
    loader,
    seed: recipe.seed,
    ...(onTeacher === undefined ? {} : { onProgress: onTeacher }),
  });
  if (accuracy !== undefined) options.onTaught?.(accuracy);
  return probe;
}
