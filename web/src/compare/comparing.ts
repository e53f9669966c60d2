// Models side by side: each looks at the same picture, and all are measured against each other at several resolutions.
import { computed, signal } from "@preact/signals";
import { type BenchProgress, type BenchReport, bench } from "../library.ts";
import { type Looked, Looker } from "../looker.ts";
import { isAbort, type Problem, problemOf } from "../problems.ts";
import { factsOf, models, type OpenModel } from "../state/models.ts";
import { announce, report as reportProblem } from "../state/notices.ts";
import { currentPicture, pixelsOf } from "../state/pictures.ts";

/** Models that are left out. */
const leftOut = signal<ReadonlySet<string>>(new Set());
export const compared = computed(() => models.value.filter(({ id }) => !leftOut.value.has(id)));

export function setCompared(id: string, isIn: boolean): void {
  const next = new Set(leftOut.value);
  if (isIn) next.delete(id);
  else next.add(id);
  leftOut.value = next;
}

export type Side =
  | { readonly status: "waiting" }
  | { readonly status: "done"; readonly looked: Looked; readonly ms: number }
  | { readonly status: "failed"; readonly problem: Problem };

/** What each model said, by its id, and of which picture. */
export const sides = signal<{ readonly picture: number; readonly of: ReadonlyMap<string, Side> } | undefined>(
  undefined,
);

/** What is under way: looking, or measuring and how far that is. */
export const working = signal<
  { readonly kind: "looking" } | { readonly kind: "measuring"; readonly progress: BenchProgress } | undefined
>(undefined);

let stopping: AbortController | undefined;

export function stop(): void {
  stopping?.abort();
}

/** Lets all models look at the current picture, one after another: together they would slow each other down. */
export function lookWithAll(): Promise<void> {
  return whileWorking({ kind: "looking" }, async (signal) => {
    const picture = currentPicture.peek();
    if (picture === undefined) return;
    const of = new Map<string, Side>(compared.peek().map(({ id }) => [id, { status: "waiting" }]));
    const show = () => {
      sides.value = { picture: picture.id, of: new Map(of) };
    };
    show();
    for (const model of compared.peek()) {
      of.set(model.id, await lookWith(model, signal));
      show();
    }
    announce("All models have looked.");
  });

  async function lookWith(model: OpenModel, signal: AbortSignal): Promise<Side> {
    try {
      await factsOf(model);
      const pixels = await pixelsOf(currentPicture.peek()!);
      const looker = await Looker.open(model, { signal });
      try {
        const looked = await looker.look(pixels, { size: pixels, signal });
        return { status: "done", looked, ms: await looker.medianMs(pixels, signal) };
      } finally {
        await looker.dispose();
      }
    } catch (error) {
      if (isAbort(error)) throw error;
      return { status: "failed", problem: problemOf(error) };
    }
  }
}

/** The last measurement. */
export const report = signal<BenchReport | undefined>(undefined);

export const RESOLUTIONS = [64, 112, 160, 224, 320, 448, 640, 896] as const;
export const chosenResolutions = signal<readonly number[]>([112, 224, 448]);
export const SECONDS = [4, 12, 40] as const;
export const chosenSeconds = signal<number>(4);

/** Measures all models, those of one size at that size alone. */
export function measureAll(): Promise<void> {
  const start: BenchProgress = { stage: "loading", done: 0, detail: "" };
  return whileWorking({ kind: "measuring", progress: start }, async (signal) => {
    const benched = await Promise.all(
      compared.peek().map(async ({ name, source, ...model }) => {
        const facts = await factsOf(models.peek().find(({ id }) => id === model.id)!);
        return { name, source, ...(facts.takesAnySize ? { resolutions: chosenResolutions.peek() } : {}) };
      }),
    );
    report.value = await bench(benched, {
      signal,
      seconds: chosenSeconds.peek(),
      onProgress: (progress) => {
        working.value = { kind: "measuring", progress };
      },
      onNotice: () => undefined, // said where models are opened
    });
    announce("Measured.");
  });
}

async function whileWorking(
  start: NonNullable<typeof working.value>,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  if (working.peek() !== undefined) return;
  stopping = new AbortController();
  working.value = start;
  try {
    await work(stopping.signal);
  } catch (error) {
    reportProblem(error);
  } finally {
    working.value = undefined;
  }
}
