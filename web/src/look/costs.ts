// What each position of a dial costs here, in milliseconds, measured on the picture that is on the screen.
import { batch, signal } from "@preact/signals";
import { Looker, type Setting } from "../looker.ts";
import type { OpenModel } from "../state/models.ts";
import { announce, report } from "../state/notices.ts";
import { currentPicture, pixelsOf } from "../state/pictures.ts";
import { looker } from "./looking.ts";

/** Milliseconds by model, device and setting. */
const measured = signal<ReadonlyMap<string, number>>(new Map());
/** What is being measured. */
export const measuring = signal<string | undefined>(undefined);

/** Time until each step's answer for the current picture, and how sure it is. */
export interface StepCost {
  readonly ms: number;
  readonly confidence: number;
}
export const stepCosts = signal<{ readonly key: string; readonly steps: readonly StepCost[] } | undefined>(undefined);

const keyOf = (model: OpenModel, device: string, { resolution, tokens }: Setting) =>
  [model.id, device, resolution ?? "own", tokens ?? "own"].join(" ");

export function costOf(model: OpenModel, device: string, setting: Setting): number | undefined {
  return measured.value.get(keyOf(model, device, setting));
}

function remember(model: OpenModel, device: string, setting: Setting, ms: number): void {
  measured.value = new Map(measured.value).set(keyOf(model, device, setting), ms);
}

let stopping: AbortController | undefined;

export function stopMeasuring(): void {
  stopping?.abort();
}

/** Measures a dial's positions one after another; each is shown as soon as it is known. */
export async function measureSettings(dial: string, settings: readonly Setting[]): Promise<void> {
  await whileMeasuring(dial, async (open, signal) => {
    const picture = currentPicture.peek();
    if (picture === undefined) return;
    const pixels = await pixelsOf(picture);
    for (const setting of settings) {
      if (signal.aborted) return;
      if (costOf(open.model, open.device, setting) !== undefined) continue;
      const own = await Looker.open(open.model, { ...setting, signal });
      try {
        remember(open.model, open.device, setting, await own.medianMs(pixels, signal));
      } finally {
        await own.dispose();
      }
    }
  });
}

/** Measures where the current picture would stop, and what that saves. */
export async function measureSteps(dial: string): Promise<void> {
  await whileMeasuring(dial, async (open, signal) => {
    const picture = currentPicture.peek();
    if (picture === undefined) return;
    const steps = await open.stepTimes(await pixelsOf(picture), signal);
    stepCosts.value = { key: stepKey(open, picture.id), steps };
  });
}

/** Steps are of one picture with one looker. */
export const stepKey = ({ model, device, setting }: Looker, picture: number) =>
  `${keyOf(model, device, setting)} ${picture}`;

async function whileMeasuring(dial: string, work: (open: Looker, signal: AbortSignal) => Promise<void>): Promise<void> {
  const open = looker.peek();
  if (open === undefined || measuring.peek() !== undefined) return;
  stopping = new AbortController();
  measuring.value = dial;
  try {
    await work(open, stopping.signal);
    announce("Measured.");
  } catch (error) {
    report(error);
  } finally {
    batch(() => {
      measuring.value = undefined;
    });
  }
}
