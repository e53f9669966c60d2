// A model of videos with a session: clips go in as float32 (N, 3, frames, height, width), scores of classes come out.
import { SaccadeError, UsageError } from "../../errors.ts";
import { atResolution } from "../../image/resolution.ts";
import { checkViewSize, fixedOutputSize, parseTransform, type Transform } from "../../image/transform.ts";
import { type CompiledModel, compileClips } from "../../model-folder/compile.ts";
import { kernelsFor } from "../../model-folder/device-kernels.ts";
import type { LoadedModel } from "../../model-folder/model.ts";
import { modelCost } from "../../models/cost.ts";
import type { ModelDefinition } from "../../models/registry.ts";
import type { Host } from "../../platform/host.ts";
import type { Session } from "../../runtime/session.ts";
import { toFloat32 } from "../../tensor.ts";
import { ownClasses, type Scoring } from "../classify/classifier.ts";
import { gazeOutputs, gazeStages } from "../classify/gaze-outputs.ts";
import { requireOutput } from "../engine/engine.ts";
import { EngineSessions } from "../engine/engine-sessions.ts";
import { type CroppedClip, clipValues, scoreCrops } from "./clip-batches.ts";
import { clipGaze, keptStages } from "./clip-gaze.ts";
import type { ClipScorer, ClipScores, ScoreClipsOptions } from "./clip-scorer.ts";
import type { ViewedClip } from "./clip-views.ts";
import type { VideoClassifierOptions } from "./video-options.ts";

/** What the engine remembers of a compiled model: that holds on to its weights. */
type ClipModel = Pick<
  CompiledModel,
  "card" | "inputName" | "logitsName" | "scores" | "scoresSteps" | "unknownName" | "glimpses"
>;

export class ClipEngine implements ClipScorer {
  readonly kind = "clips";
  readonly #macs = new Map<number, number>();

  private constructor(
    readonly model: ClipModel,
    readonly transform: Transform,
    readonly labels: readonly string[] | undefined,
    readonly frames: ClipScorer["frames"],
    private readonly session: Session,
    private readonly sessions: EngineSessions,
    private readonly scoring: Scoring,
    private readonly definition: ModelDefinition | undefined,
  ) {}

  /**
   * @throws UsageError for a model that gives embeddings, and for preprocessing that makes another size than the model takes; what creating a session
   * throws
   */
  static async open(host: Host, loaded: LoadedModel, options: VideoClassifierOptions): Promise<ClipEngine> {
    const { precision, scores, resolution } = options;
    const compiled = compileClips(loaded, {
      ...(await kernelsFor(host, loaded, options)),
      ...(precision === undefined ? {} : { precision }),
      ...(scores === undefined ? {} : { scores }),
    });
    const { card, answers } = compiled;
    if (answers === "embedding")
      throw new UsageError(`${card.name} gives embeddings of clips, not classes`, "saccade run gives its outputs");
    const usual = parseTransform(options.transform ?? card.transform ?? compiled.usualTransform);
    const transform = resolution === undefined ? usual : atResolution(usual, resolution);
    const sessions = new EngineSessions(host, options);
    const session = await sessions.open(compiled.bytes);
    const refusal = sizeRefusal(card.name, session, transform);
    if (refusal !== undefined) {
      await session.dispose();
      throw refusal;
    }
    const { inputName, logitsName, scoresSteps, unknownName, glimpses, frames } = compiled;
    const model = { card, inputName, logitsName, scores: compiled.scores, scoresSteps, unknownName, glimpses };
    const labels = options.labels ?? card.labels;
    const definition = loaded.kind === "native" ? loaded.definition : undefined;
    const scoring = ownClasses({ model, labels });
    return new ClipEngine(model, transform, labels, frames!, session, sessions, scoring, definition);
  }

  get card() {
    return this.model.card;
  }

  get device() {
    return this.session.device;
  }

  get layout() {
    return this.sessions.layout!;
  }

  get looks(): boolean {
    return this.model.glimpses > 0;
  }

  get unknownBelow(): number | undefined {
    return this.scoring.unknownName === undefined ? this.scoring.unknownBelow : undefined;
  }

  macs(frames: number): number | undefined {
    const size = fixedOutputSize(this.transform);
    if (this.definition === undefined || size === undefined) return undefined;
    const known = this.#macs.get(frames) ?? modelCost(this.definition, { ...size, frames }).macs;
    this.#macs.set(frames, known);
    return known;
  }

  async score(clips: readonly ViewedClip[], options: ScoreClipsOptions): Promise<(ClipScores | SaccadeError)[]> {
    return scoreCrops(clips, (batch) => this.#run(batch, options), options.batchSize, this.unknownBelow);
  }

  async #run(batch: readonly CroppedClip[], { looks, signal }: ScoreClipsOptions) {
    const { inputName, glimpses } = this.model;
    const { output, unknownName } = this.scoring;
    const shown = looks === "none" ? 0 : glimpses;
    const names = [output, ...(unknownName === undefined ? [] : [unknownName]), ...gazeOutputs(shown)];
    const options = { outputs: names, transferInputs: true, ...(signal === undefined ? {} : { signal }) };
    const outputs = await this.session.run({ [inputName]: clipValues(batch, this.transform) }, options);
    const strange = unknownName === undefined ? undefined : toFloat32(requireOutput(outputs, unknownName));
    const rows = this.scoring.rows(requireOutput(outputs, output), batch.length);
    return rows.map((row, i): ClipScores | SaccadeError => {
      if (row instanceof SaccadeError) return row;
      const { clip, crop } = batch[i]!;
      const gaze = () =>
        clipGaze(
          keptStages(gazeStages(outputs, i, shown), looks === "all" ? "all" : "last"),
          clip,
          crop,
          this.transform,
        );
      return {
        ...row,
        ...(strange === undefined ? {} : { strangeness: strange[i]! }),
        ...(shown === 0 ? {} : { gaze: [gaze()] }),
      };
    });
  }

  dispose(): Promise<void> {
    return this.session.dispose();
  }
}

/** The error to throw when the model takes one size only and the transform makes others. */
function sizeRefusal(name: string, session: Session, transform: Transform): UsageError | undefined {
  const made = fixedOutputSize(transform);
  if (made !== undefined) checkViewSize(made);
  const [, , , height, width] = session.inputs[0]?.shape ?? [];
  if (typeof height !== "number" || typeof width !== "number") return undefined;
  if (made !== undefined && made.height === height && made.width === width) return undefined;
  return new UsageError(
    `${name} takes frames of ${width} x ${height} only, and its preprocessing makes ${made === undefined ? "others" : `${made.width} x ${made.height}`}`,
    "leave the resolution out, or say how frames are prepared with --transform (the option transform)",
  );
}
