// A whole training run: epochs, evaluation, logs, checkpoints, resuming. What a run does is said by its recipe; where it is kept, by its folder.
import type { Loader } from "../data/loader.ts";
import { AbortedError } from "../errors.ts";
import type { NativeModel } from "../model-folder/model.ts";
import { lower } from "../onnx/lower.ts";
import type { Files } from "../platform/host.ts";
import type { Session, SessionOptions } from "../runtime/session.ts";
import type { TensorData } from "../tensor.ts";
import { optimizerOf, type Recipe } from "./recipe.ts";
import { loadCheckpoint, saveCheckpoint } from "./run/checkpoint.ts";
import type { BestSoFar, Progress } from "./run/checkpoint-progress.ts";
import { stateOfTensors, tensorsOfState } from "./run/checkpoint-tensors.ts";
import { type MetricRecord, MetricsLog } from "./run/metrics-log.ts";
import { type ResumedRun, type Run, writeRunModel } from "./run/run-folder.ts";
import { EventWriter } from "./run/tensorboard.ts";
import { buildTrainStep, type TrainStep } from "./step.ts";
import { initialState, type StepReport, stateOf, Trainer } from "./trainer.ts";

/** What evaluation answers; fractions in 0..1. */
export interface Evaluation {
  readonly loss: number;
  readonly top1: number;
  readonly top5: number;
}

/** Where training stands, for a progress line. Averages are over the steps since the last report. */
export interface FitReport {
  readonly epoch: number;
  readonly epochs: number;
  readonly batch: number;
  readonly batchesPerEpoch: number;
  readonly step: number;
  readonly totalSteps: number;
  readonly batchSize: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly learningRate: number;
  readonly imagesPerSecond: number;
  /** Share of the time that steps waited for data, 0..1. */
  readonly waitShare: number;
}

export interface FitOptions {
  readonly recipe: Recipe;
  /** The model to begin with: its definition, card and first weights. */
  readonly model: NativeModel;
  readonly classes: number;
  readonly loader: Loader;
  readonly run: Run | ResumedRun;
  readonly files: Files;
  /** Opens the step's session; the options carry the state. */
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
  /** Scores parameters on held-out data; undefined when there is none. */
  readonly evaluate?: (weights: ReadonlyMap<string, TensorData>) => Promise<Evaluation>;
  readonly onReport?: (report: FitReport) => void;
  readonly onEpoch?: (epoch: number, report: FitReport, evaluation: Evaluation | undefined) => void;
  /** Default 120. */
  readonly checkpointSeconds?: number;
  /** Steps between lines of metrics. Default 50. */
  readonly logEvery?: number;
  /** Stops after the step under way, with a checkpoint. */
  readonly signal?: AbortSignal;
}

/** The compiled step of a recipe. */
export function stepOfRecipe(recipe: Recipe, model: NativeModel["definition"], classes: number): TrainStep {
  return buildTrainStep({
    model,
    batch: recipe.batch,
    height: recipe.height,
    width: recipe.width,
    classes,
    optimizer: optimizerOf(recipe),
    groups: {
      weightDecay: recipe.weight_decay,
      noDecay: recipe.no_decay,
      freeze: recipe.freeze,
      layerDecay: recipe.layer_decay,
    },
    loss: recipe.loss,
    ema: recipe.ema_decay > 0,
    accumulate: recipe.accumulate,
    ...(recipe.clip_norm === undefined ? {} : { clipNorm: recipe.clip_norm }),
  });
}

/**
 * Trains until the recipe's last epoch. Returns the model whose evaluation was best (or the last one without evaluation).
 * Throws DivergedError for losses that stop being finite, AbortedError (after writing a checkpoint) when the signal fires.
 */
export async function trainModel(options: FitOptions): Promise<{ model: NativeModel; best: BestSoFar | undefined }> {
  const running = await RunningFit.start(options);
  try {
    return await running.epochs();
  } finally {
    await running.close();
  }
}

class RunningFit {
  readonly #options: FitOptions;
  readonly #step: TrainStep;
  readonly #session: Session;
  readonly #trainer: Trainer;
  readonly #log: MetricsLog;
  readonly #events: EventWriter;
  #best: BestSoFar | undefined;
  #epoch: number;
  #batch: number;
  #checkpointAt = performance.now();
  #window: StepReport[] = [];
  #windowAt = performance.now();

  private constructor(
    options: FitOptions,
    step: TrainStep,
    session: Session,
    trainer: Trainer,
    log: MetricsLog,
    from?: Progress,
  ) {
    this.#options = options;
    this.#step = step;
    this.#session = session;
    this.#trainer = trainer;
    this.#log = log;
    this.#events = new EventWriter(
      options.files,
      options.run.paths.folder,
      from === undefined ? {} : { resumedStep: from.step },
    );
    this.#best = from?.best;
    this.#epoch = from?.epoch ?? 0;
    this.#batch = from?.batchesDone ?? 0;
  }

  static async start(options: FitOptions): Promise<RunningFit> {
    const { recipe, model, run, files, loader } = options;
    const step = stepOfRecipe(recipe, model.definition, options.classes);
    const resumed =
      "progress" in run ? await loadCheckpoint(files, run.paths.checkpoints, { state: step.state }) : undefined;
    const weights = resumed?.model.weights ?? model.weights;
    const state =
      resumed === undefined
        ? initialState(step, weights)
        : new Map(Object.entries(stateOfTensors(resumed, step.state, resumed.path)));
    const log = await MetricsLog.open(files, run.paths.metrics, resumed?.progress.step);
    const session = await options.createSession(lower(step.graph, { parametersAs: "inputs", target: "onnxruntime" }), {
      state: stateOf(step),
    });
    const updates = (epochs: number) => Math.round((epochs * loader.batchesPerEpoch) / recipe.accumulate);
    const trainer = new Trainer(
      {
        step,
        session,
        optimizer: optimizerOf(recipe),
        schedule: {
          baseRate: recipe.learning_rate,
          warmupRate: recipe.warmup_rate,
          minimumRate: recipe.minimum_rate,
          warmupSteps: updates(recipe.warmup_epochs),
          totalSteps: updates(recipe.epochs),
        },
        emaDecay: recipe.ema_decay,
        accumulate: recipe.accumulate,
        seed: recipe.seed,
      },
      weights,
      state,
      resumed?.progress.step ?? 0,
    );
    return new RunningFit(options, step, session, trainer, log, resumed?.progress);
  }

  async epochs(): Promise<{ model: NativeModel; best: BestSoFar | undefined }> {
    const { recipe, loader, signal } = this.#options;
    const perEpoch = loader.batchesPerEpoch;
    const from = { epoch: this.#epoch, index: this.#batch };
    let model = this.#options.model;
    for await (const batch of loader.batches({ from, untilEpoch: recipe.epochs })) {
      this.#window.push(await this.#trainer.run(batch));
      this.#batch = batch.index + 1;
      const ended = this.#batch === perEpoch;
      if (this.#window.length >= (this.#options.logEvery ?? 50) || ended) await this.#report();
      if (ended) model = await this.#endEpoch();
      else if (signal?.aborted === true || this.#checkpointDue()) await this.#checkpoint();
      if (signal?.aborted === true) throw new AbortedError("training");
    }
    return { model, best: this.#best };
  }

  async close(): Promise<void> {
    await this.#events.flush();
    await this.#session.dispose();
  }

  #lastReport: FitReport | undefined;

  async #report(): Promise<void> {
    const { recipe, loader, onReport } = this.#options;
    const mean = (value: (report: StepReport) => number) =>
      this.#window.reduce((sum, r) => sum + value(r), 0) / this.#window.length;
    const seconds = (performance.now() - this.#windowAt) / 1000;
    const { waitShare } = loader.takeStatistics();
    const report: FitReport = {
      epoch: this.#epoch,
      epochs: recipe.epochs,
      batch: this.#batch,
      batchesPerEpoch: loader.batchesPerEpoch,
      step: this.#trainer.step,
      totalSteps: recipe.epochs * loader.batchesPerEpoch,
      batchSize: recipe.batch,
      loss: mean((r) => r.loss),
      accuracy: mean((r) => r.accuracy),
      learningRate: this.#window.at(-1)!.learningRate,
      imagesPerSecond: (this.#window.length * recipe.batch) / seconds,
      waitShare,
    };
    await this.#write({
      kind: "train",
      step: report.step,
      epoch: report.epoch,
      loss: report.loss,
      accuracy: report.accuracy,
      learning_rate: report.learningRate,
      images_per_second: report.imagesPerSecond,
      gradient_norm: mean((r) => r.gradientNorm),
      waited_share: report.waitShare,
    });
    this.#window = [];
    this.#windowAt = performance.now();
    this.#lastReport = report;
    onReport?.(report);
  }

  async #write(record: MetricRecord): Promise<void> {
    await this.#log.append(record);
    await this.#events.record(record);
  }

  /** Evaluates the moving average, keeps it as `last` and perhaps as `best`, and writes a checkpoint. */
  async #endEpoch(): Promise<NativeModel> {
    const { evaluate, onEpoch, files, run } = this.#options;
    const state = await this.#trainer.state();
    const weights = this.#trainer.parametersOf(state, "average");
    const model: NativeModel = { ...this.#options.model, weights };
    const evaluation = await evaluate?.(weights);
    const epoch = this.#epoch;
    if (evaluation !== undefined) await this.#write({ kind: "eval", step: this.#trainer.step, epoch, ...evaluation });
    await writeRunModel(files, run, "last", model);
    if (evaluation === undefined || this.#best === undefined || evaluation.top1 > this.#best.value) {
      if (evaluation !== undefined)
        this.#best = { metric: "top1", value: evaluation.top1, step: this.#trainer.step, epoch };
      await writeRunModel(files, run, "best", model);
    }
    this.#epoch += 1;
    this.#batch = 0;
    await this.#checkpoint(state);
    onEpoch?.(epoch, this.#lastReport!, evaluation);
    this.#windowAt = performance.now();
    return model;
  }

  #checkpointDue(): boolean {
    return performance.now() - this.#checkpointAt > 1000 * (this.#options.checkpointSeconds ?? 120);
  }

  async #checkpoint(known?: ReadonlyMap<string, TensorData>): Promise<void> {
    const { files, run, model, recipe } = this.#options;
    const state = known ?? (await this.#trainer.state());
    await this.#events.flush();
    await saveCheckpoint(files, run.paths.checkpoints, {
      ...tensorsOfState(model, this.#step.state, Object.fromEntries(state)),
      progress: {
        step: this.#trainer.step,
        epoch: this.#epoch,
        batchesDone: this.#batch,
        seeds: { recipe: recipe.seed },
        recipeFingerprint: run.recipeFingerprint,
        ...(this.#best === undefined ? {} : { best: this.#best }),
      },
    });
    this.#checkpointAt = performance.now();
  }
}
