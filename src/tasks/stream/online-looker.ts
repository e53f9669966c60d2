// A model of videos that sees frames as they come (an online TSM): each frame is one step, with what the model remembers of those before held inside the
// engine. Nothing may be left out, so every frame is looked at.
import { UsageError } from "../../errors.ts";
import type { PictureSize, RawImage } from "../../image/raw-image.ts";
import { atResolution } from "../../image/resolution.ts";
import { fixedOutputSize, parseTransform, type Transform, viewToPicture } from "../../image/transform.ts";
import { pictureView } from "../../image/view.ts";
import { type CompiledFrame, exportFrame } from "../../model-folder/compile.ts";
import { kernelsFor } from "../../model-folder/device-kernels.ts";
import type { LoadedModel, NativeModel } from "../../model-folder/model.ts";
import { usualTransform } from "../../models/picture-input.ts";
import type { Host } from "../../platform/host.ts";
import type { Session } from "../../runtime/session.ts";
import { toFloat32 } from "../../tensor.ts";
import { doubtOf, problemOf } from "../classify/class-scores.ts";
import type { ClassScores } from "../classify/results.ts";
import { type EngineOptions, requireOutput } from "../engine/engine.ts";
import { viewValues } from "../engine/picture-sessions.ts";
import type { Looker, LookerOptions } from "./looker.ts";

/** Whether a model of videos can be given frames one at a time. */
export function goesFrameByFrame(model: LoadedModel): model is NativeModel {
  if (model.kind !== "native") return false;
  const { architecture, config } = model.definition;
  return architecture.frameByFrame?.works(config) === true;
}

/** @throws UsageError for options that it does not know, and for preprocessing that makes frames of several sizes */
export async function openOnline(host: Host, model: NativeModel, options: EngineOptions): Promise<Looker> {
  const { card, definition } = model;
  if ((options.views ?? "center") !== "center" || (options.scores ?? "logits") !== "logits")
    throw new UsageError(
      `${card.name} answers frame by frame with logits, for one view`,
      "leave the views and the scores out",
    );
  const usual = parseTransform(options.transform ?? card.transform ?? usualTransform(definition));
  const transform = options.resolution === undefined ? usual : atResolution(usual, options.resolution);
  const size = fixedOutputSize(transform);
  if (size === undefined)
    throw new UsageError(
      `${card.name} remembers maps of one size, and this preprocessing makes frames of several`,
      "end it in a crop: resize_small(256)|central_crop(224)|normalize(imagenet)",
    );
  const compiled = exportFrame(model, size, {
    ...(await kernelsFor(host, model, options)),
    ...(options.precision === undefined ? {} : { precision: options.precision }),
  });
  const session = await host.createSession(compiled.bytes, { ...options, state: compiled.state });
  return new OnlineLooker(model, session, transform, compiled, options.labels);
}

class OnlineLooker implements Looker {
  readonly looks = false;
  readonly labels: readonly string[] | undefined;
  readonly #model: NativeModel;
  readonly #session: Session;
  readonly #transform: Transform;
  readonly #start: CompiledFrame["start"];
  #hasBegun = false;

  constructor(
    model: NativeModel,
    session: Session,
    transform: Transform,
    { start }: CompiledFrame,
    labels: readonly string[] | undefined,
  ) {
    this.#model = model;
    this.#session = session;
    this.#transform = transform;
    this.#start = start;
    this.labels = labels ?? model.card.labels;
  }

  get card() {
    return this.#model.card;
  }

  get device() {
    return this.#session.device;
  }

  viewOf({ width, height }: PictureSize) {
    return viewToPicture(this.#transform, width, height);
  }

  /** What comes next has nothing to do with what was. */
  forget(): void {
    this.#hasBegun = false;
  }

  async full(frame: RawImage, { signal }: LookerOptions): Promise<ClassScores> {
    const image = viewValues([pictureView(frame, this.#transform)], this.#transform); // (1, 3, height, width)
    const feeds = { image, ...(this.#hasBegun ? {} : this.#start) };
    this.#hasBegun = false; // a run that fails leaves nothing to go on from
    const outputs = await this.#session.run(feeds, {
      outputs: ["logits"],
      ...(signal === undefined ? {} : { signal }),
    });
    this.#hasBegun = true;
    const row = { scores: toFloat32(requireOutput(outputs, "logits")).slice(), kind: "logits" as const };
    const problem = problemOf(row, this.card.name);
    if (problem !== undefined) throw problem;
    const { unknownBelow } = this.card;
    return { ...row, ...(unknownBelow === undefined ? {} : { strangeness: doubtOf(row, unknownBelow) }) };
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}
