// A SparseFormer that follows moving pictures: full looks, and steps that start from the tokens and regions of the last one and see the picture in
// half the size. What a look leaves for steps stays in the engine's thread.
import { UsageError } from "../../errors.ts";
import { countMacs } from "../../graph/macs.ts";
import type { RawImage } from "../../image/raw-image.ts";
import { resample } from "../../image/resample.ts";
import { atResolution } from "../../image/resolution.ts";
import { parseTransform, pixelNormalization, type Transform, viewToPicture } from "../../image/transform.ts";
import { type PictureView, pictureView } from "../../image/view.ts";
import { exportStages } from "../../model-folder/compile.ts";
import { usualExtent } from "../../model-folder/describe.ts";
import { kernelsFor } from "../../model-folder/device-kernels.ts";
import type { LoadedModel, NativeModel } from "../../model-folder/model.ts";
import { runsInSteps, stageGraphs } from "../../models/graph.ts";
import { usualTransform } from "../../models/picture-input.ts";
import type { Host } from "../../platform/host.ts";
import type { StagedRun, StagedSession } from "../../runtime/staged-session.ts";
import { toFloat32 } from "../../tensor.ts";
import { doubtOf, problemOf } from "../classify/class-scores.ts";
import { gazeOutputs, gazeStages } from "../classify/gaze-outputs.ts";
import type { ClassScores } from "../classify/results.ts";
import { type EngineOptions, requireOutput } from "../engine/engine.ts";
import { viewPixels, viewValues } from "../engine/picture-sessions.ts";
import type { Looker, LookerOptions } from "./looker.ts";

const FULL = "look";
const STEP = "step";
/** What later steps read: a look gives them as `next.NAME`. */
const KEPT = { "next.tokens": "state.tokens", "next.regions": "state.regions" } as const;
const READ = Object.values(KEPT);

/** Steps see a picture this many times smaller: most of a small SparseFormer's work is its stem, which grows with the picture. */
const SHRINKING = 2;

/** @throws UsageError for a model that cannot start from what it found in the last picture, and for options that steps do not know */
export async function openFollowing(host: Host, model: LoadedModel, options: EngineOptions): Promise<Looker> {
  if (model.kind !== "native" || !runsInSteps(model.definition, "following"))
    throw new UsageError(
      `${model.card.name} cannot start from what it found in the last frame`,
      "SparseFormers with more than one unit that looks can; leave the steps out",
    );
  const native: NativeModel = model;
  const { card, definition } = native;
  if ((options.views ?? "center") !== "center" || (options.scores ?? "logits") !== "logits")
    throw new UsageError(
      `steps of ${card.name} answer with logits, for one view`,
      "leave the views and the scores out, or the steps",
    );
  const usual = parseTransform(options.transform ?? card.transform ?? usualTransform(definition));
  const transform = options.resolution === undefined ? usual : atResolution(usual, options.resolution);
  const pixels = pixelNormalization(transform);
  const compiled = exportStages(native, {
    kind: "following",
    ...(await kernelsFor(host, native, options)),
    ...(options.precision === undefined ? {} : { precision: options.precision }),
    ...(pixels === undefined ? {} : { form: { pixels } }),
  });
  const session = await host.createStagedSession(compiled.files, options);
  const [full] = compiled.macs as [number];
  const step = stepMacs(native);
  return new FollowingLooker(native, session, transform, compiled.glimpses, { full, step }, options.labels);
}

/** Multiply-accumulates of a step at the usual size, made smaller. */
function stepMacs({ definition, card }: NativeModel): number {
  const { height, width } = usualExtent(definition, card.transform);
  const sizes = { batch: 1, height: Math.ceil(height / SHRINKING), width: Math.ceil(width / SHRINKING) };
  const graph = stageGraphs(definition, {}, "following")!.graphs.get(STEP)!;
  return countMacs(graph, new Map(Object.entries(sizes))).total;
}

class FollowingLooker implements Looker {
  readonly #model: NativeModel;
  readonly #session: StagedSession;
  readonly #transform: Transform;
  readonly #glimpses: number;
  readonly macs: { readonly full: number; readonly step: number };
  readonly labels: readonly string[] | undefined;
  /** undefined until the first full look, and after one that failed. */
  #run: StagedRun | undefined;

  constructor(
    model: NativeModel,
    session: StagedSession,
    transform: Transform,
    glimpses: number,
    macs: { readonly full: number; readonly step: number },
    labels: readonly string[] | undefined,
  ) {
    this.#model = model;
    this.#session = session;
    this.#transform = transform;
    this.#glimpses = glimpses;
    this.macs = macs;
    this.labels = labels ?? model.card.labels;
  }

  get card() {
    return this.#model.card;
  }

  get device() {
    return this.#session.device;
  }

  get looks() {
    return this.#glimpses > 0;
  }

  viewOf({ width, height }: { readonly width: number; readonly height: number }) {
    return viewToPicture(this.#transform, width, height);
  }

  async full(frame: RawImage, options: LookerOptions): Promise<ClassScores> {
    this.#run?.end();
    this.#run = this.#session.begin();
    return this.#answer(FULL, this.#run, pictureView(frame, this.#transform), options);
  }

  async step(frame: RawImage, options: LookerOptions): Promise<ClassScores | undefined> {
    if (this.#run === undefined) return undefined;
    const view = pictureView(frame, this.#transform);
    const { width, height } = view.pixels;
    const smaller = resample(view.pixels, Math.ceil(width / SHRINKING), Math.ceil(height / SHRINKING));
    return this.#answer(STEP, this.#run, { ...view, pixels: smaller, isOwn: true }, options);
  }

  async dispose(): Promise<void> {
    this.#run?.end();
    this.#run = undefined;
    await this.#session.dispose();
  }

  async #answer(
    stage: typeof FULL | typeof STEP,
    run: StagedRun,
    view: PictureView,
    { explain = false, signal }: LookerOptions,
  ): Promise<ClassScores> {
    const { inputs, outputs: offered } = this.#session.stages.get(stage)!;
    const takesPixels = inputs.find(({ name }) => name === "image")?.dtype === "uint8";
    const wanted = ["logits", ...(explain ? gazeOutputs(this.#glimpses) : [])];
    const names = offered.map(({ name }) => name).filter((name) => wanted.includes(name));
    const { outputs } = await run
      .step({
        stage,
        feeds: { image: takesPixels ? viewPixels([view]) : viewValues([view], this.#transform) },
        transferInputs: true,
        outputs: names,
        keep: stage === FULL ? KEPT : {},
        reads: READ,
        ...(signal === undefined ? {} : { signal }),
      })
      .catch((error: unknown) => {
        this.#run = undefined; // a run that failed is of no use
        throw error;
      });
    const scores = toFloat32(requireOutput(outputs, "logits")).slice();
    const row = { scores, kind: "logits" as const };
    const problem = problemOf(row, this.card.name);
    if (problem !== undefined) throw problem;
    const { unknownBelow } = this.card;
    const gaze = { stages: gazeStages(outputs, 0, this.#glimpses), viewToPicture: this.viewOf(view) };
    return {
      ...row,
      ...(unknownBelow === undefined ? {} : { strangeness: doubtOf(row, unknownBelow) }),
      ...(explain && this.looks ? { gaze } : {}),
    };
  }
}
