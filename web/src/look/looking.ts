// Looking at the current picture with the current model at the current dials: whenever one of them changes, it is looked at again.
import { computed, effect, signal, untracked } from "@preact/signals";
import { type Looked, Looker, type Setting } from "../looker.ts";
import { isAbort, type Problem, problemOf } from "../problems.ts";
import { currentModel, device, factsOf } from "../state/models.ts";
import { announce, report } from "../state/notices.ts";
import { currentPicture, type Picture, pixelsOf } from "../state/pictures.ts";

/** The dials that decide on a session. */
export const setting = signal<Setting>({});
/** How sure an answer must be to stop early; undefined takes all steps. */
export const threshold = signal<number | undefined>(undefined);

export type LookerState =
  | { readonly status: "opening"; readonly loaded: number; readonly total: number | undefined }
  | { readonly status: "ready"; readonly looker: Looker }
  | { readonly status: "failed"; readonly problem: Problem };

export const lookerState = signal<LookerState>({ status: "opening", loaded: 0, total: undefined });

export type AnswerState =
  | { readonly status: "none" }
  /** For the model. */
  | { readonly status: "waiting" }
  | { readonly status: "looking" }
  | { readonly status: "done"; readonly looked: Looked }
  /** `isPicture`: it is the picture's fault, and another attempt would end the same. */
  | { readonly status: "failed"; readonly problem: Problem; readonly isPicture: boolean };

export const answer = signal<AnswerState>({ status: "none" });

/** Counts up to open the model anew, after something happened to it. */
const attempt = signal(0);

export function openAgain(): void {
  attempt.value++;
}

/** The looker, when there is one. */
export const looker = computed(() => (lookerState.value.status === "ready" ? lookerState.value.looker : undefined));

// Another model has other dials.
let lastModel = currentModel.peek();
effect(() => {
  const model = currentModel.value;
  if (model === lastModel) return;
  lastModel = model;
  setting.value = {};
  threshold.value = undefined;
});

effect(() => {
  const options = { ...setting.value };
  const model = currentModel.value;
  attempt.value;
  device.value;
  const stopping = new AbortController();
  const before = untracked(() => lookerState.value);
  lookerState.value = { status: "opening", loaded: 0, total: undefined };
  const onProgress = (loaded: number, total: number | undefined) => {
    if (!stopping.signal.aborted) lookerState.value = { status: "opening", loaded, total };
  };
  Looker.open(model, { ...options, signal: stopping.signal, onProgress })
    .then((opened) => {
      if (stopping.signal.aborted) return opened.dispose();
      lookerState.value = { status: "ready", looker: opened };
      return currentPicture.value === undefined ? opened.warmUp() : undefined;
    })
    .catch((error: unknown) => {
      if (!stopping.signal.aborted) lookerState.value = { status: "failed", problem: problemOf(error) };
    });
  if (before.status === "ready") before.looker.dispose().catch(report);
  return () => stopping.abort();
});

effect(() => {
  const picture = currentPicture.value;
  const ready = looker.value;
  const sure = threshold.value;
  if (picture === undefined) {
    answer.value = { status: "none" };
    return;
  }
  if (ready === undefined) {
    answer.value = { status: "waiting" };
    return;
  }
  const stopping = new AbortController();
  answer.value = { status: "looking" };
  const { isCold } = ready;
  lookAt(picture, ready, sure, stopping.signal)
    .then(async (looked) => {
      if (stopping.signal.aborted) return;
      answer.value = { status: "done", looked };
      const [best] = looked.predictions;
      if (best !== undefined) announce(`${picture.name}: ${best.label}, ${Math.round(100 * best.score)} percent`);
      // The dials are told by what the model is; the first answer does not wait for it.
      factsOf(ready.model).catch(report);
      if (!isCold) return;
      const { ms } = await lookAt(picture, ready, sure, stopping.signal);
      if (!stopping.signal.aborted) answer.value = { status: "done", looked: { ...looked, ms } };
    })
    .catch((error: unknown) => {
      if (!stopping.signal.aborted && !isAbort(error))
        answer.value = { status: "failed", problem: problemOf(error), isPicture: isPictureProblem(error) };
    });
  return () => stopping.abort();
});

const PICTURE_PROBLEMS = /^(image|not_an_image|limit)/;
const isPictureProblem = (error: unknown) => PICTURE_PROBLEMS.test(String((error as { code?: unknown } | null)?.code));

async function lookAt(picture: Picture, ready: Looker, sure: number | undefined, signal: AbortSignal): Promise<Looked> {
  const pixels = await pixelsOf(picture);
  return ready.look(pixels, { threshold: sure, size: pixels, signal });
}
