// A whole training run: epochs, evaluation, logs, checkpoints, resuming. What a run does is said by its recipe; where it is kept, by its folder.
import type { Batch } from "../data/loader.ts";
import { AbortedError } from "../errors.ts";
import { readModelFolder } from "../model-folder/load.ts";
import type { NativeModel } from "../model-folder/model.ts";
import { initialWeights } from "../models/graph.ts";
import type { Session } from "../runtime/session.ts";
import type { TensorData } from "../tensor.ts";
import { chooseEpoch, type EpochChoice, type OpenChoice } from "./epoch-choice.ts";
import type { Evaluation, FitOptions, FitReport, ScoredEvaluation } from "./fit-options.ts";
import { lowerReads, lowerStep } from "./host-work.ts";
import {
  chooseMeasured,
  type MeasuredChoice,
  measuredOfJson,
  measuredToJson,
  type PlaceScore,
} from "./measured-choice.ts";
import { optimizerOf } from "./recipe.ts";
import type { Recipe } from "./recipe-fields.ts";
import { scheduleOfRecipe, stepOfRecipe } from "./recipe-step.ts";
import { loadCheckpoint, saveCheckpoint } from "./run/checkpoint.ts";
import type { Progress } from "./run/checkpoint-progress.ts";
import { stateOfTensors, tensorsOfState } from "./run/checkpoint-tensors.ts";
import { type MetricRecord, MetricsLog } from "./run/metrics-log.ts";
import { writeRunModel } from "./run/run-folder.ts";
import { EventWriter } from "./run/tensorboard.ts";
import type { TrainStep } from "./step.ts";
import { stepMemory } from "./step-memory.ts";
import { Pace, StepWindow } from "./step-window.ts";
import { initialState, type StepReport, stateOf, Trainer } from "./trainer.ts";

/**
 * Trains until the recipe's last epoch, or goes on with a run that was stopped anywhere, to the same numbers as if it had not been. Returns the
 * model that was best in evaluation (the last one where there is none).
 *
 * @throws DivergedError for losses and gradients that stop being finite
 * @throws AbortedError, after writing a checkpoint, when the signal fires
 * @throws SaccadeError for a checkpoint that does not fit, a disk that refuses, data of which nothing can be read
 */
export async function trainModel(options: FitOptions): Promise<FitChoice & { model: NativeModel }> {
  const running = await RunningFit.start(options);
  let choices: FitChoice;
  try {
    choices = await running.epochs();
  } finally {
    await running.close();
  }
  return { model: await readModelFolder(options.files, options.run.paths.best), ...choices };
}

/** Which epoch is the best model, by what it says of whole pictures or of places; neither where it is the last. */
export interface FitChoice {
  readonly choice: EpochChoice | undefined;
  readonly measured: MeasuredChoice | undefined;
}

interface Machinery {
  readonly step: TrainStep;
  readonly session: Session;
  readonly trainer: Trainer;
  readonly log: MetricsLog;
  readonly progress: Progress | undefined;
  readonly choice: OpenChoice | undefined;
}

class RunningFit {
  readonly #options: FitOptions;
  readonly #step: TrainStep;
  readonly #session: Session;
  readonly #trainer: Trainer;
  readonly #log: MetricsLog;
  readonly #events: EventWriter;
  readonly #isResumed: boolean;
  #choice: OpenChoice | undefined;
  #measured: MeasuredChoice | undefined;
  #epoch: number;
  /** Batches done of the epoch. */
  #batch: number;
  #window: StepWindow;
  #lastStep: StepReport | undefined;
  readonly #pace = new Pace();
  #evaluationSeconds = 0;
  #checkpointAt = performance.now();
  /** When the step under way began to ask for its batch. */
  #askedAt = performance.now();

  private constructor(options: FitOptions, { step, session, trainer, log, progress, choice }: Machinery) {
    this.#options = options;
    this.#step = step;
    this.#session = session;
    this.#trainer = trainer;
    this.#log = log;
    this.#isResumed = progress !== undefined;
    this.#events = new EventWriter(
      options.files,
      options.run.paths.folder,
      progress === undefined ? {} : { resumedStep: progress.step },
    );
    this.#choice = choice;
    this.#measured = measuredOfJson(progress?.extra?.measured);
    this.#epoch = progress?.epoch ?? 0;
    this.#batch = progress?.batchesDone ?? 0;
    this.#window = StepWindow.restore(progress?.extra?.window);
  }

  static async start(options: FitOptions): Promise<RunningFit> {
    const { recipe, model, run, files, loader } = options;
    options.onStage?.("compiling");
    const step = stepOfRecipe(recipe, model.definition, options.classes, options.teacherWidth);
    options.onMemory?.(stepMemory(step));
    const resumed =
      "progress" in run ? await loadCheckpoint(files, run.paths.checkpoints, { state: step.state }) : undefined;
    const weights = resumed?.model.weights ?? model.weights;
    const state =
      resumed === undefined
        ? initialState(step, withAuxiliary(step, weights, recipe.seed))
        : new Map(Object.entries(stateOfTensors(resumed, step.state, resumed.path)));
    const log = await MetricsLog.open(files, run.paths.metrics, resumed?.progress.step);
    const { target = "onnxruntime" } = options;
    const session = await options.createSession(lowerStep(step, target), { state: stateOf(step) });
    const reads = lowerReads(step, target);
    const reader = reads === undefined ? undefined : await session.openReader?.(reads);
    const trainer = new Trainer(
      {
        step,
        session,
        ...(reader === undefined ? {} : { reader }),
        optimizer: optimizerOf(recipe),
        schedule: scheduleOfRecipe(recipe, loader.batchesPerEpoch),
        emaDecay: recipe.ema_decay,
        accumulate: recipe.accumulate,
        seed: recipe.seed,
      },
      weights,
      state,
      resumed?.progress.step ?? 0,
    );
    return new RunningFit(options, {
      step,
      session,
      trainer,
      log,
      progress: resumed?.progress,
      choice: resumed?.choice,
    });
  }

  async epochs(): Promise<FitChoice> {
    const { recipe, loader } = this.#options;
    await this.#options.onDevice?.(this.#session.device);
    // A run has a checkpoint from its first moment, so that it can be resumed whatever happens to it.
    if (!this.#isResumed) await this.#checkpoint();
    // It was stopped after the last step of an epoch, while that was evaluated.
    if (this.#batch === loader.batchesPerEpoch) await this.#endEpoch();
    // What training adds is seen against what the features are worth before it.
    if (this.#trainer.step === 0) await this.#probe(await this.#trainer.state(), 0);
    await this.#stopIfAsked();
    this.#options.onStage?.("training");
    const from = { epoch: this.#epoch, index: this.#batch };
    this.#askedAt = performance.now();
    for await (const batch of loader.batches({ from, untilEpoch: recipe.epochs })) await this.#take(batch);
    return { choice: this.#choice?.choice, measured: this.#measured };
  }

  async close(): Promise<void> {
    // What ended the run matters more than curves that cannot be written.
    await this.#events.flush().catch(() => undefined);
    await this.#session.dispose();
  }

  async #take(batch: Batch): Promise<void> {
    const { onStep, logEvery = 50, loader, recipe } = this.#options;
    const waitSeconds = secondsSince(this.#askedAt);
    this.#lastStep = await this.#trainer.run(batch);
    this.#batch = batch.index + 1;
    const seconds = secondsSince(this.#askedAt);
    this.#window.add(this.#lastStep, seconds, waitSeconds);
    this.#pace.add(seconds);
    onStep?.(this.#report());
    const ended = this.#batch === loader.batchesPerEpoch;
    if (this.#window.steps >= logEvery || ended) await this.#logWindow();
    if (ended) await this.#endEpoch();
    else if (this.#checkpointDue()) await this.#checkpoint();
    if (this.#epoch < recipe.epochs) await this.#stopIfAsked();
    this.#askedAt = performance.now();
  }

  async #stopIfAsked(): Promise<void> {
    if (this.#options.signal?.aborted !== true) return;
    await this.#checkpoint();
    throw new AbortedError("training");
  }

  #report(): FitReport {
    const { recipe, loader } = this.#options;
    const { loss, accuracy, stepsPerSecond, waitShare } = this.#window.means();
    const totalSteps = recipe.epochs * loader.batchesPerEpoch;
    const step = this.#trainer.step;
    return {
      epoch: this.#epoch,
      epochs: recipe.epochs,
      batch: this.#batch,
      batchesPerEpoch: loader.batchesPerEpoch,
      step,
      totalSteps,
      batchSize: recipe.batch,
      loss,
      accuracy,
      learningRate: this.#lastStep?.learningRate ?? 0,
      imagesPerSecond: stepsPerSecond * recipe.batch,
      waitShare,
      secondsLeft:
        (totalSteps - step) * this.#pace.secondsPerStep + (recipe.epochs - this.#epoch) * this.#evaluationSeconds,
    };
  }

  #lastLogged: FitReport | undefined;

  async #logWindow(): Promise<void> {
    const report = this.#report();
    await this.#write({
      kind: "train",
      step: report.step,
      epoch: report.epoch,
      loss: report.loss,
      ...(report.accuracy === undefined ? {} : { accuracy: report.accuracy }),
      learning_rate: report.learningRate,
      images_per_second: report.imagesPerSecond,
      gradient_norm: this.#window.means().gradientNorm,
      waited_share: report.waitShare,
    });
    this.#window = new StepWindow();
    this.#lastLogged = report;
    this.#options.onReport?.(report);
  }

  async #write(record: MetricRecord): Promise<void> {
    await this.#log.append(record);
    await this.#events.record(record);
  }

  /** Evaluates the moving average, keeps it as `last` and perhaps as `best`, and writes a checkpoint. */
  async #endEpoch(): Promise<void> {
    const { onEpoch, onStage, files, run } = this.#options;
    const state = await this.#trainer.state();
    const weights = this.#trainer.parametersOf(state, "average");
    const model: NativeModel = { ...this.#options.model, weights };
    const scored = await this.#evaluate(weights);
    const evaluation = scored?.evaluation;
    const epoch = this.#epoch;
    if (evaluation !== undefined) await this.#write(evaluationRecord(this.#trainer.step, epoch, evaluation));
    const places = await this.#measure(weights);
    await this.#probe(state, epoch + 1);
    await writeRunModel(files, run, "last", model);
    if (scored !== undefined && choosesByScore(this.#options.recipe)) this.#choose(scored);
    const best = (this.#choice?.choice ?? this.#measured)?.best.epoch ?? epoch;
    if (best === epoch) await writeRunModel(files, run, "best", model);
    const report = this.#lastLogged;
    this.#epoch += 1;
    this.#batch = 0;
    await this.#checkpoint(state);
    onEpoch?.(epoch, report, evaluation, places);
    onStage?.("training");
  }

  #choose({ evaluation: { top1, loss, pictures }, scores }: ScoredEvaluation): void {
    const summary = { epoch: this.#epoch, step: this.#trainer.step, top1, loss, pictures };
    this.#choice = chooseEpoch(this.#choice, summary, scores);
  }

  async #evaluate(weights: ReadonlyMap<string, TensorData>): Promise<ScoredEvaluation | undefined> {
    const { evaluate, onStage, signal } = this.#options;
    if (evaluate === undefined) return undefined;
    const started = performance.now();
    onStage?.("evaluating");
    const scored = await this.#interruptible(evaluate(weights, signal));
    this.#evaluationSeconds = secondsSince(started);
    return scored;
  }

  async #measure(weights: ReadonlyMap<string, TensorData>): Promise<PlaceScore | undefined> {
    const { measure, onStage, signal, recipe } = this.#options;
    const epochs = this.#epoch + 1;
    if (measure === undefined || !isDue(measure.every, epochs, recipe)) return undefined;
    const started = performance.now();
    onStage?.("evaluating");
    const score = await this.#interruptible(measure.score(weights, signal));
    this.#evaluationSeconds = secondsSince(started) / measure.every;
    if (score === undefined) return undefined;
    const at = { step: this.#trainer.step, epoch: this.#epoch };
    await this.#write({ kind: "eval", ...at, ...score.numbers });
    if (choosesByScore(recipe)) this.#measured = chooseMeasured(this.#measured, at, score);
    return score;
  }

  /** @param epochs that `state` has learnt */
  async #probe(state: ReadonlyMap<string, TensorData>, epochs: number): Promise<void> {
    const { probe, onProbe, onStage, signal, recipe } = this.#options;
    if (probe === undefined || !isDue(probe.every, epochs, recipe)) return;
    const started = performance.now();
    onStage?.("probing");
    const score = await this.#interruptible(probe.score(this.#trainer.parametersOf(state, "average"), signal));
    this.#evaluationSeconds = secondsSince(started) / probe.every;
    await this.#write({
      kind: "eval",
      step: this.#trainer.step,
      epoch: Math.max(0, epochs - 1),
      probe_top1: score.top1,
      probe_top5: score.top5,
    });
    onProbe?.(epochs, score);
  }

  /** The steps of an epoch are done when it is evaluated: a run that is stopped then goes on with its evaluation. */
  async #interruptible<T>(evaluation: Promise<T>): Promise<T> {
    try {
      return await evaluation;
    } catch (error) {
      if (error instanceof AbortedError) await this.#checkpoint();
      throw error;
    }
  }

  #checkpointDue(): boolean {
    return secondsSince(this.#checkpointAt) > (this.#options.checkpointSeconds ?? 120);
  }

  async #checkpoint(known?: ReadonlyMap<string, TensorData>): Promise<void> {
    const { files, run, model, recipe } = this.#options;
    const state = known ?? (await this.#trainer.state());
    await this.#events.flush();
    await saveCheckpoint(files, run.paths.checkpoints, {
      ...tensorsOfState(model, this.#step.state, Object.fromEntries(state)),
      ...(this.#choice === undefined ? {} : { choice: this.#choice }),
      progress: {
        step: this.#trainer.step,
        epoch: this.#epoch,
        batchesDone: this.#batch,
        seeds: { recipe: recipe.seed },
        recipeFingerprint: run.recipeFingerprint,
        extra: {
          window: this.#window.toJson(),
          ...(this.#measured === undefined ? {} : { measured: measuredToJson(this.#measured) }),
        },
      },
    });
    this.#checkpointAt = performance.now();
  }
}

/** Whether something is measured after so many epochs. */
const isDue = (every: number, epochs: number, recipe: Recipe) => epochs % every === 0 || epochs === recipe.epochs;

/** What an interpreter of IA-RED2 or a gate wins in cost it may lose in accuracy: its last epoch is what it came to. */
const choosesByScore = ({ reducing, gating }: Recipe) => reducing?.group === undefined && gating === undefined;

/** The model's weights and first values of what only the loss has. */
function withAuxiliary(step: TrainStep, weights: ReadonlyMap<string, TensorData>, seed: number) {
  const auxiliary = step.state.filter(({ role }) => role === "auxiliary").map(({ parameter }) => parameter);
  const fresh = initialWeights(step.graph, seed, auxiliary);
  return new Map([...weights, ...fresh]);
}

function evaluationRecord(
  step: number,
  epoch: number,
  { looks = [], left = [], pictures: _, ...scores }: Evaluation,
): MetricRecord {
  const byLook = Object.fromEntries(looks.map((top1, look) => [`top1_look_${look + 1}`, top1]));
  const byPlace = Object.fromEntries(left.map((share, place) => [`tokens_left_${place + 1}`, share]));
  return { kind: "eval", step, epoch, ...scores, ...byLook, ...byPlace };
}

function secondsSince(moment: number): number {
  return (performance.now() - moment) / 1000;
}
