// Learning what was taught: features of all pictures, a head on them, and what contradicts its label. Live answers come from here too.
import { computed, signal } from "@preact/signals";
import { Recogniser, type Recognition } from "../library.ts";
import { ProblemError } from "../problems.ts";
import { announce, report } from "../state/notices.ts";
import { classes, collection, pictures, picturesByClass, revision } from "./collection.ts";
import { BACKBONE, featuresOfAll, openEmbedder } from "./features.ts";
import { examplesOf, type FromLearning, type LabelDoubt, type LearningTask } from "./learning-task.ts";

/** What was learnt, and how good it is. */
export interface Lesson {
  readonly recogniser: Recogniser;
  readonly labels: readonly string[];
  readonly pictures: number;
  /** Share of pictures that are named rightly by heads which had not seen them, with a 95 % interval. */
  readonly right: number;
  readonly interval: { readonly low: number; readonly high: number };
  /** Which classes are taken for which, most often first. */
  readonly confusions: readonly { readonly label: string; readonly takenFor: string; readonly count: number }[];
  readonly doubts: readonly LabelDoubt[];
  /** From the pictures' features to the head. */
  readonly seconds: number;
  /** Of the collection when it was learnt. */
  readonly revision: number;
}

export type LearningState =
  | { readonly status: "idle" }
  | { readonly status: "looking" }
  | { readonly status: "learning"; readonly done: number };

export const learning = signal<LearningState>({ status: "idle" });
export const lesson = signal<Lesson | undefined>(undefined);
/** Whether pictures that are none of the classes are to be answered with "none of these". */
export const tellsStrangers = signal(true);

export const isOutdated = computed(() => lesson.value !== undefined && lesson.value.revision !== revision.value);
/** What is in the way of learning, in words; undefined: nothing. */
export const obstacle = computed(() => {
  const counts = classes.value.map(({ id, name }) => ({ name, count: picturesByClass.value.get(id)?.length ?? 0 }));
  const taught = counts.filter(({ count }) => count >= 2);
  if (taught.length >= 2) return undefined;
  if (classes.value.length < 2) return "Name at least two classes, such as “mug” and “no mug”.";
  const few = counts.find(({ count }) => count < 2)!;
  return `Every class needs two pictures at least; “${few.name}” has ${few.count === 0 ? "none" : "one"}. Five to ten are a good beginning.`;
});
/** Doubted labels that nobody has looked at yet. */
export const openDoubts = computed(() => {
  const byHash = new Map(pictures.value.map((picture) => [picture.hash, picture]));
  const names = new Map(classes.value.map(({ id, name }) => [id, name]));
  return (lesson.value?.doubts ?? []).flatMap((doubt) => {
    const picture = byHash.get(doubt.hash);
    const label = picture && names.get(picture.classId);
    if (picture === undefined || label === undefined || picture.kept || label === doubt.suggested) return [];
    return [{ ...doubt, picture, label }];
  });
});

/** Share of pictures of the classes that may be called unknown. */
const UNKNOWN = 0.05;

/** Learns from all classes with two pictures or more. What goes wrong is reported; what was learnt before stays then. */
export async function learn(): Promise<void> {
  if (learning.value.status !== "idle") return;
  learning.value = { status: "looking" };
  try {
    await collection();
    const learnt = await learnNow();
    await lesson.value?.recogniser.dispose();
    lesson.value = learnt;
    announce(`Learnt ${learnt.labels.length} classes from ${learnt.pictures} pictures.`);
  } catch (error) {
    report(error);
  } finally {
    learning.value = { status: "idle" };
  }
}

async function learnNow(): Promise<Lesson> {
  const of = revision.value;
  const { space, vectors, failures } = await featuresOfAll();
  const started = performance.now();
  const taught = classes.value
    .map(({ id, name }) => ({
      name,
      pictures: (picturesByClass.value.get(id) ?? []).filter(({ hash }) => vectors.has(hash)),
    }))
    .filter((one) => one.pictures.length >= 2);
  if (failures.size > 0) report(unreadable(failures));
  if (taught.length < 2)
    throw new ProblemError(
      obstacle.value ?? "There are too few pictures to learn from.",
      "Add pictures, then learn again.",
    );
  const labels = taught.map(({ name }) => name);
  const rows = taught.flatMap(({ pictures: own }, target) => own.map((picture) => ({ picture, target })));
  const matrix = new Float32Array(rows.length * space.width);
  for (const [i, { picture }] of rows.entries()) matrix.set(vectors.get(picture.hash)!, i * space.width);
  const task: LearningTask = {
    space,
    labels,
    hashes: rows.map(({ picture }) => picture.hash),
    names: rows.map(({ picture }) => picture.name),
    targets: Int32Array.from(rows, ({ target }) => target),
    vectors: matrix,
    unknown: tellsStrangers.value ? UNKNOWN : undefined,
  };
  learning.value = { status: "learning", done: 0 };
  const { fit, doubts } = await fitInWorker(task);
  const recogniser = await Recogniser.fromExamples(BACKBONE, examplesOf(task), {
    fit,
    ...(task.unknown === undefined ? {} : { unknown: task.unknown }),
    // Answers are made of features that the page has: the model is opened only where somebody asks this one for more.
    cache: true,
  });
  const { top1, interval, confusions } = fit.measured;
  return {
    ...{ recogniser, labels, confusions, doubts, interval, right: top1, pictures: rows.length, revision: of },
    seconds: (performance.now() - started) / 1000,
  };
}

function unreadable(failures: ReadonlyMap<string, unknown>): ProblemError {
  const names = pictures.value.filter(({ hash }) => failures.has(hash)).map(({ name }) => name);
  return new ProblemError(
    `${names.length === 1 ? "One picture" : `${names.length} pictures`} could not be read and took no part: ${names.slice(0, 3).join(", ")}`,
    "Remove what cannot be read, and add it again.",
  );
}

function fitInWorker(task: LearningTask): Promise<Extract<FromLearning, { type: "learnt" }>> {
  const worker = new Worker(new URL("./learning-worker.ts", import.meta.url), { type: "module" });
  return new Promise<Extract<FromLearning, { type: "learnt" }>>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<FromLearning>) => {
      if (data.type === "progress") learning.value = { status: "learning", done: data.done };
      else if (data.type === "learnt") resolve(data);
      else reject(new ProblemError(data.message, data.hint));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      reject(
        new ProblemError(
          "Learning ended without a word: the browser may have run out of memory.",
          "Your pictures are kept. Close other tabs, then learn again.",
        ),
      );
    };
    worker.postMessage(task);
  }).finally(() => worker.terminate());
}

/** What the lesson says of a picture; undefined when nothing was learnt. */
export async function answer(picture: HTMLVideoElement | Blob): Promise<Recognition | undefined> {
  const now = lesson.value;
  if (now === undefined) return undefined;
  const vector = await (await openEmbedder()).embed(picture);
  return (await now.recogniser.answer([vector]))[0];
}
