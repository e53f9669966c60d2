// The page's training run: one at a time, kept by the browser. It is started, paused, gone on with after a reload, and its model taken away.
import { computed, signal } from "@preact/signals";
import { type FitReport, files, isResumable, readMetrics, type TrainingPicture, train } from "../library.ts";
import { isAbort, ProblemError } from "../problems.ts";
import { device } from "../state/models.ts";
import { announce, report } from "../state/notices.ts";
import { classes, collection, picturesByClass } from "../teach/collection.ts";
import { type Choices, optionsOf } from "./choices.ts";

const RUNS = "runs";
/** Where the run is in the browser's storage, and beside it what it was begun with. */
export const RUN_FOLDER = `${RUNS}/page`;
const NOTE = `${RUNS}/page.json`;
/** The model that was best on pictures that were held back. */
export const BEST = `${RUN_FOLDER}/best`;

interface RunNote {
  readonly choices: Choices;
  /** What it trains on, in this order: a run cannot go on with other pictures. */
  readonly pictures: readonly { readonly hash: string; readonly label: string; readonly name: string }[];
}

export type RunState =
  | { readonly status: "opening" }
  | { readonly status: "none" }
  | { readonly status: "running"; readonly what: string }
  | { readonly status: "pausing" }
  /** It can be gone on with. */
  | { readonly status: "paused" }
  | { readonly status: "done"; readonly problems: number };

export const run = signal<RunState>({ status: "opening" });
export const progress = signal<FitReport | undefined>(undefined);
/** How right the best model is on pictures that were held back, 0 to 1, and on how many. */
export const best = signal<{ readonly top1: number; readonly pictures: number } | undefined>(undefined);
/** What the run said on its way. */
export const notices = signal<readonly string[]>([]);

/** A point of the curves. */
export interface CurvePoint {
  readonly step: number;
  readonly loss?: number | undefined;
  /** Share of held-back pictures that are right, 0 to 1. */
  readonly top1?: number | undefined;
}
export const curve = signal<readonly CurvePoint[]>([]);

/** Classes that can be trained on. */
export const trainable = computed(() =>
  classes.value
    .map(({ id, name }) => ({ name, pictures: picturesByClass.value.get(id) ?? [] }))
    .filter(({ pictures }) => pictures.length >= 2),
);

let opened: Promise<void> | undefined;
let stopping: AbortController | undefined;

/** Looks whether there is a run from before. */
export function openRun(): Promise<void> {
  opened ??= look().catch((error: unknown) => {
    opened = undefined;
    run.value = { status: "none" };
    report(error);
  });
  return opened;
}

async function look(): Promise<void> {
  await collection();
  if ((await readNote()) === undefined || !(await isResumable(RUN_FOLDER))) {
    run.value = { status: "none" };
    return;
  }
  await readCurve();
  run.value = { status: "paused" };
}

async function readNote(): Promise<RunNote | undefined> {
  if ((await files.stat(NOTE)) === undefined) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(await files.read(NOTE))) as RunNote;
  } catch {
    return undefined;
  }
}

async function readCurve(): Promise<void> {
  const records = await readMetrics(RUN_FOLDER).catch(() => []);
  curve.value = records.map(({ kind, step, loss, top1 }) =>
    kind === "eval" ? { step, top1: top1 ?? undefined } : { step, loss: loss ?? undefined },
  );
  const scores = curve.value.flatMap((point) => (point.top1 === undefined ? [] : [point.top1]));
  best.value = scores.length === 0 ? undefined : { top1: Math.max(...scores), pictures: 0 };
}

/** Begins a run on what was taught; one that is there is forgotten. */
export async function begin(choices: Choices): Promise<void> {
  if (run.value.status === "running" || run.value.status === "pausing") return;
  run.value = { status: "running", what: "Getting ready" };
  try {
    await using _held = await holdRun();
    const pictures = trainable.value.flatMap(({ name: label, pictures: own }) =>
      own.map(({ hash, name }) => ({ hash, label, name })),
    );
    await removeRun();
    const note: RunNote = { choices, pictures };
    await files.writeAtomic(NOTE, JSON.stringify(note));
    await work(note, false);
  } catch (error) {
    await ended(error);
  }
}

/** Goes on where the last checkpoint is, to the same numbers. */
export async function resume(): Promise<void> {
  if (run.value.status !== "paused") return;
  run.value = { status: "running", what: "Getting ready" };
  try {
    await using _held = await holdRun();
    const note = await readNote();
    if (note === undefined)
      throw new ProblemError("What the run was begun with is gone from the browser's storage.", "Begin a new run.");
    await readCurve();
    await work(note, true);
  } catch (error) {
    await ended(error);
  }
}

/** Stops after the step under way, with a checkpoint. */
export function pause(): void {
  if (run.value.status !== "running") return;
  run.value = { status: "pausing" };
  stopping?.abort();
}

/** Forgets the run and its model. */
export async function forget(): Promise<void> {
  if (run.value.status === "running" || run.value.status === "pausing") return;
  try {
    await using _held = await holdRun();
    await removeRun();
    run.value = { status: "none" };
  } catch (error) {
    report(error);
  }
}

/** Tabs share the run, and one at a time changes it: what another is training is not taken away under it. */
async function holdRun(): Promise<AsyncDisposable> {
  await files.makeDirectory(RUNS);
  try {
    return await files.lock(RUNS);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "in_use") throw error;
    throw new ProblemError(
      "Another tab of this page is training.",
      "Wait until it is done, or pause it there or close that tab.",
    );
  }
}

async function removeRun(): Promise<void> {
  await files.remove(NOTE);
  await files.remove(RUN_FOLDER);
  curve.value = [];
  progress.value = undefined;
  best.value = undefined;
  notices.value = [];
}

/** Less is lost than a person waits for when the browser throws the tab away. */
const CHECKPOINT_SECONDS = 60;
/** Steps of one point of the curve. */
const LOG_EVERY = 10;

async function work({ choices, pictures }: RunNote, resumes: boolean): Promise<void> {
  const store = await collection();
  const data = pictures.map(
    ({ hash, label, name }): TrainingPicture => ({
      label,
      name,
      picture: async () => (await store.file(hash)) ?? new Blob(),
    }),
  );
  stopping = new AbortController();
  await using _awake = await stayAwake();
  const say = (what: string) => {
    if (run.value.status === "running") run.value = { status: "running", what };
  };
  const result = await train(data, {
    ...optionsOf(choices),
    folder: RUN_FOLDER,
    resume: resumes,
    ...(device.value === "auto" ? {} : { device: device.value }),
    checkpointSeconds: CHECKPOINT_SECONDS,
    logEvery: LOG_EVERY,
    signal: stopping.signal,
    onNotice: (line) => {
      notices.value = [...notices.value, line].slice(-50);
    },
    onStage: (stage) => say(STAGES[stage]),
    onStep: (now) => {
      progress.value = now;
    },
    onReport: ({ step, loss }) => {
      curve.value = [...curve.value, { step, loss }];
    },
    onEpoch: (_, last, scores) => {
      const step = progress.value?.step ?? last?.step ?? 0;
      if (scores !== undefined) {
        curve.value = [...curve.value, { step, top1: scores.top1 }];
        if (scores.top1 >= (best.value?.top1 ?? 0)) best.value = { top1: scores.top1, pictures: scores.pictures };
      }
    },
  });
  if (result.choice !== undefined)
    best.value = { top1: result.choice.best.top1, pictures: result.choice.best.pictures };
  run.value = { status: "done", problems: result.problems.length };
  announce("Training is done.");
}

const STAGES = {
  compiling: "Compiling the step",
  training: "Training",
  evaluating: "Measuring",
  probing: "Trying its features",
} as const;

/** What was done is kept, however a run ends. */
async function ended(error: unknown): Promise<void> {
  if (!isAbort(error)) report(error);
  const canGoOn = await isResumable(RUN_FOLDER).catch(() => false);
  run.value = { status: canGoOn ? "paused" : "none" };
  if (canGoOn) announce("Training is paused.");
}

/** Keeps the machine from sleeping while a run is under way, where the browser lets a page ask for that. */
async function stayAwake(): Promise<AsyncDisposable> {
  const lock = await navigator.wakeLock?.request("screen").catch(() => undefined);
  return { [Symbol.asyncDispose]: async () => lock?.release() };
}
