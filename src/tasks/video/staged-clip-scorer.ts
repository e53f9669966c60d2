// A model of videos that can answer before it has done everything (Uni-AdaFocus, GFNet over TSM, GFV): clips go through it step by step, and who is sure, or
// has spent what it may, stops.
import { type SaccadeError, UsageError } from "../../errors.ts";
import { parseTransform, type Transform } from "../../image/transform.ts";
import { type CompiledStages, exportStages } from "../../model-folder/compile.ts";
import { kernelsFor } from "../../model-folder/device-kernels.ts";
import type { NativeModel } from "../../model-folder/model.ts";
import { pictureInput, usualTransform } from "../../models/picture-input.ts";
import type { Host } from "../../platform/host.ts";
import { SequentialSession, type StepResult } from "../../runtime/sequential-session.ts";
import type { SessionLayout } from "../../runtime/session-layout.ts";
import { elementCount, tensor } from "../../tensor.ts";
import { doubtOf, problemOf } from "../classify/class-scores.ts";
import { exitRule, type StepCosts } from "../classify/exit-rule.ts";
import { StepTimes } from "../classify/step-times.ts";
import { takeSteps } from "../classify/take-steps.ts";
import { type CroppedClip, clipValues, scoreCrops } from "./clip-batches.ts";
import { clipGaze, keptStages } from "./clip-gaze.ts";
import type { ClipScorer, ClipScores, ScoreClipsOptions } from "./clip-scorer.ts";
import type { ViewedClip } from "./clip-views.ts";
import type { VideoClassifierOptions } from "./video-options.ts";

/** Runs before the first deadline, the first of which pays for warming up. */
const CALIBRATION_RUNS = 3;

export class StagedClips implements ClipScorer {
  readonly kind = "clips";
  readonly #model: NativeModel;
  readonly #session: SequentialSession;
  readonly #stages: Pick<CompiledStages, "macs" | "glimpses">;
  readonly #times: StepTimes;
  readonly transform: Transform;
  readonly labels: readonly string[] | undefined;
  /** All stages share one worker. */
  readonly layout: SessionLayout;

  private constructor(
    model: NativeModel,
    session: SequentialSession,
    stages: Pick<CompiledStages, "macs" | "glimpses">,
    transform: Transform,
    labels: readonly string[] | undefined,
    threads: number,
  ) {
    this.#model = model;
    this.#session = session;
    this.#stages = stages;
    this.#times = new StepTimes(session.steps.length);
    this.transform = transform;
    this.labels = labels;
    this.layout = { sessions: 1, threads };
  }

  /** @throws UsageError for options that a model in steps does not have; what creating a session throws */
  static async open(host: Host, model: NativeModel, options: VideoClassifierOptions): Promise<StagedClips> {
    const { card, definition } = model;
    if (options.resolution !== undefined)
      throw new UsageError(`${card.name} takes frames of its own size only`, "leave the resolution out");
    if ((options.scores ?? "logits") !== "logits")
      throw new UsageError(`${card.name} runs in steps, and its scores are logits`, "leave the scores out");
    const transform = parseTransform(options.transform ?? card.transform ?? usualTransform(definition));
    const stages = exportStages(model, {
      ...(await kernelsFor(host, model, options)),
      ...(options.precision === undefined ? {} : { precision: options.precision }),
    });
    const staged = await host.createStagedSession(stages.files, options);
    try {
      const session = new SequentialSession(stages.steps, staged);
      const { labels = card.labels, threads = host.machine.cores } = options;
      return new StagedClips(model, session, stages, transform, labels, threads);
    } catch (error) {
      await staged.dispose();
      throw error;
    }
  }

  get card() {
    return this.#model.card;
  }

  get device() {
    return this.#session.device;
  }

  get steps(): readonly string[] {
    return this.#session.steps;
  }

  get looks(): boolean {
    return this.#stages.glimpses > 0;
  }

  get unknownBelow(): number | undefined {
    return this.card.unknownBelow;
  }

  get frames(): ClipScorer["frames"] {
    const { frames, usual } = pictureInput(this.#model.definition);
    return { usual: frames ?? usual.frames ?? 1, isFixed: frames !== undefined };
  }

  /** All steps together. */
  macs(): number {
    return this.#macsOf(this.steps.length);
  }

  async score(clips: readonly ViewedClip[], options: ScoreClipsOptions): Promise<(ClipScores | SaccadeError)[]> {
    if (options.exit?.budgetMs !== undefined && !this.#times.isComplete) await this.#calibrate();
    return scoreCrops(clips, (batch) => this.#run(batch, options), options.batchSize, this.unknownBelow);
  }

  async #run(batch: readonly CroppedClip[], { looks, exit = {}, signal }: ScoreClipsOptions) {
    const taken = await takeSteps(this.#session, clipValues(batch, this.transform), {
      rule: exitRule(exit, this.#costs()),
      times: this.#times,
      glimpses: looks === "none" ? 0 : this.#stages.glimpses,
      signal,
    });
    return taken.map(({ logits, gaze, stopped }, i): ClipScores | SaccadeError => {
      const row = { scores: logits.at(-1)!, kind: "logits" as const };
      const problem = problemOf(row, this.card.name) ?? this.#labelProblem(row.scores.length);
      if (problem !== undefined) return problem;
      const { clip, crop } = batch[i]!;
      const { unknownBelow } = this;
      const kept = looks === "none" ? [] : keptStages(gaze, looks);
      return {
        ...row,
        ...(unknownBelow === undefined ? {} : { strangeness: doubtOf(row, unknownBelow) }),
        ...(kept.length === 0 ? {} : { gaze: [clipGaze(kept, clip, crop, this.transform)] }),
        efforts: [{ steps: logits.length, macs: this.#macsOf(logits.length), stopped }],
      };
    });
  }

  /** Of the first so many steps. */
  #macsOf(steps: number): number {
    return this.#stages.macs.slice(0, steps).reduce((sum, macs) => sum + macs, 0);
  }

  #costs(): StepCosts {
    const { card, definition } = this.#model;
    const { architecture, config } = definition;
    const stored = card.earlyExit?.points ?? architecture.stages?.solvedThresholds?.(config) ?? [];
    const { macs } = this.#stages;
    return {
      macs,
      times: this.#times,
      solved: stored.filter(({ thresholds }) => thresholds.length === macs.length),
      valuesSteps: architecture.stages?.valuesSteps === true,
    };
  }

  #labelProblem(classes: number): UsageError | undefined {
    if (this.labels === undefined || this.labels.length === classes) return undefined;
    return new UsageError(`${this.card.name} scores ${classes} classes, but there are ${this.labels.length} labels`);
  }

  /** Measures every step on an empty clip, so that the first deadline is kept too. */
  async #calibrate(): Promise<void> {
    const { usual } = pictureInput(this.#model.definition);
    const shape = [1, 3, this.frames.usual, usual.height, usual.width];
    for (let run = 0; run < CALIBRATION_RUNS; run++) {
      const measure = ({ step, milliseconds }: StepResult) => {
        if (run > 0) this.#times.add(step, 1, milliseconds);
        return [0];
      };
      const empty = tensor("float32", shape, new Float32Array(elementCount(shape)));
      await this.#session.run(empty, measure, { outputs: ["logits"], transferInputs: true });
    }
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}
