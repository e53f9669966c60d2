// A model with its dials at one setting, ready to look at pictures.

import { type Frame, frameOfView, type Look, looksOfGaze, looksOfSteps } from "./gaze/looks.ts";
import {
  AdaptiveClassifier,
  type AdaptiveStep,
  type ClassificationResult,
  Classifier,
  type PictureSource,
  type Prediction,
  type StopReason,
  type StreamAnswer,
  StreamClassifier,
} from "./library.ts";
import type { OpenModel } from "./state/models.ts";

/** What decides which session a model runs in. Left out: the model's own. */
export interface Setting {
  /** Pixels of the shorter side. */
  readonly resolution?: number | undefined;
  /** Latent tokens. */
  readonly tokens?: number | undefined;
}

export interface OpenLookerOptions extends Setting {
  readonly signal?: AbortSignal;
  /** Bytes of the model that have come, of how many; unknown where the server does not say. */
  readonly onProgress?: (loaded: number, total: number | undefined) => void;
}

export interface LookOptions {
  /** Stop at the step after which the answer is this sure, 0 to 1. Default: take all steps. */
  readonly threshold?: number | undefined;
  /** The picture's size, where the model's looks are boxes in pixels. */
  readonly size?: { readonly width: number; readonly height: number };
  readonly signal?: AbortSignal;
}

export interface Looked {
  readonly predictions: readonly Prediction[];
  readonly looks: readonly Look[];
  /** What the model saw, when that is not all of the picture. */
  readonly frame: Frame | undefined;
  /** Part of the picture that the model saw, 0 to 1. */
  readonly seen: number;
  /** None of the classes; where the model can tell. */
  readonly unknown?: boolean;
  /** Of a model in steps: those that were taken. */
  readonly steps?: readonly AdaptiveStep[];
  readonly stopped?: StopReason;
  /** From the picture to the answer. */
  readonly ms: number;
}

/** Most answers that are shown. */
const TOP_K = 5;

export class Looker {
  readonly model: OpenModel;
  readonly setting: Setting;
  readonly #whole: Classifier;
  /** Whether nothing has run yet: the first run takes longer than any other. */
  isCold = true;
  /** The same model in steps, opened when it is first asked to stop early. */
  #staged: Promise<AdaptiveClassifier> | undefined;
  /** The same model as it follows a camera, and what stops its looks early. */
  #following: { readonly threshold: number | undefined; readonly stream: Promise<StreamClassifier> } | undefined;

  private constructor(model: OpenModel, setting: Setting, whole: Classifier) {
    this.model = model;
    this.setting = setting;
    this.#whole = whole;
  }

  /** Throws the library's errors, in words. */
  static async open(model: OpenModel, options: OpenLookerOptions = {}): Promise<Looker> {
    const { resolution, tokens, signal, onProgress } = options;
    const whole = await Classifier.load(model.source, {
      ...loadOptions(model, { resolution, tokens }),
      ...(signal && { signal }),
      ...(onProgress && { onProgress: ({ received, total }) => onProgress(received, total) }),
    });
    return new Looker(model, { resolution, tokens }, whole);
  }

  get device(): string {
    return this.#whole.device;
  }

  /** Whether it says where it looked. */
  get looks(): boolean {
    return this.#whole.looks;
  }

  get labels(): readonly string[] | undefined {
    return this.#whole.labels;
  }

  async look(picture: PictureSource, { threshold, size, signal }: LookOptions = {}): Promise<Looked> {
    this.isCold = false;
    const options = { topK: TOP_K, explain: true, ...(signal && { signal }) };
    if (threshold === undefined && !this.model.looksInSteps) {
      const started = performance.now();
      const result = await this.#whole.classify(picture, options);
      return looked(result, performance.now() - started, size);
    }
    const staged = await this.#inSteps();
    const started = performance.now();
    const result = await staged.classify(picture, { ...options, ...(threshold === undefined ? {} : { threshold }) });
    return {
      ...looked(result, performance.now() - started, size, result.steps),
      steps: result.steps,
      stopped: result.stopped,
    };
  }

  /** Whether it can follow a camera: a model whose looks are steps tells of them only when it takes them. */
  get follows(): boolean {
    return !this.model.looksInSteps;
  }

  /** For frames of a camera as they come: looks where they changed, and answers what it said before where they did not. */
  async follow({ threshold }: Pick<LookOptions, "threshold"> = {}): Promise<StreamClassifier> {
    this.isCold = false;
    const before = this.#following;
    if (before !== undefined && before.threshold === threshold) return before.stream;
    const stream = StreamClassifier.load(this.model.source, {
      ...loadOptions(this.model, this.setting),
      topK: TOP_K,
      explain: true,
      ...(threshold === undefined ? {} : { threshold }),
    });
    this.#following = { threshold, stream };
    stream.catch(() => {
      if (this.#following?.stream === stream) this.#following = undefined;
    });
    await before?.stream.then((old) => old.dispose()).catch(() => undefined);
    return stream;
  }

  /** Milliseconds until each step's answer, and how sure it is, for one picture. */
  async stepTimes(
    picture: PictureSource,
    signal?: AbortSignal,
  ): Promise<{ readonly ms: number; readonly confidence: number }[]> {
    const staged = await this.#inSteps();
    const stop = signal && { signal };
    const { steps } = await staged.classify(picture, { ...stop });
    const times: { ms: number; confidence: number }[] = [];
    for (const [i, { confidence }] of steps.entries()) {
      // Stops right after step i, whatever the answer is.
      const thresholds = steps.map((_, step) => (step < i ? Number.POSITIVE_INFINITY : 0));
      times.push({ ms: await medianMs(() => staged.classify(picture, { thresholds, ...stop })), confidence });
    }
    return times;
  }

  /** The first run makes the engine ready; nobody need wait for it. */
  async warmUp(): Promise<void> {
    this.isCold = false;
    await this.#whole.classify({ width: 64, height: 64, data: new Uint8Array(3 * 64 * 64) });
  }

  /** The median of a few runs, without the first, which warms up. */
  medianMs(picture: PictureSource, signal?: AbortSignal): Promise<number> {
    return medianMs(() => this.#whole.classify(picture, { ...(signal && { signal }) }));
  }

  async dispose(): Promise<void> {
    await this.#whole.dispose();
    await this.#staged?.then((staged) => staged.dispose()).catch(() => undefined);
    await this.#following?.stream.then((stream) => stream.dispose()).catch(() => undefined);
  }

  #inSteps(): Promise<AdaptiveClassifier> {
    this.#staged ??= AdaptiveClassifier.load(this.model.source, loadOptions(this.model, this.setting));
    this.#staged.catch(() => {
      this.#staged = undefined;
    });
    return this.#staged;
  }
}

function loadOptions(model: OpenModel, { resolution, tokens }: Setting) {
  return {
    ...model.engine(),
    ...(resolution === undefined ? {} : { resolution }),
    ...(tokens === undefined ? {} : { config: { num_latent_tokens: tokens } }),
  };
}

function looked(
  { predictions, seen, unknown, gaze }: ClassificationResult,
  ms: number,
  size: LookOptions["size"],
  steps: readonly AdaptiveStep[] = [],
): Looked {
  const boxes =
    size === undefined
      ? []
      : looksOfSteps(
          steps.filter(({ box }) => box !== undefined),
          size,
        );
  return {
    predictions,
    seen,
    ms,
    looks: gaze === undefined ? boxes : looksOfGaze(gaze),
    frame: gaze === undefined ? undefined : frameOfView(gaze),
    ...(unknown === undefined ? {} : { unknown }),
  };
}

/** What a stream answered, as a look. */
export function followed({ predictions, seen, unknown, gaze, latencyMs }: StreamAnswer): Looked {
  return looked(
    { predictions, seen, ...(unknown === undefined ? {} : { unknown }), ...(gaze && { gaze }) },
    latencyMs,
    undefined,
  );
}

const RUNS = 5;
const ENOUGH_MS = 1200;

async function medianMs(run: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  const begun = performance.now();
  for (let i = 0; i <= RUNS && (i < 2 || performance.now() - begun < ENOUGH_MS); i++) {
    const started = performance.now();
    await run();
    if (i > 0) times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)]!;
}
