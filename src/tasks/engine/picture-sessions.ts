// The sessions of one model for pictures of any size. A model of this library takes bytes, and is compiled in the form that is best for a size
// when the first picture of it comes; nearly always that is one form. An ONNX file is what it is.
import { SessionError, UsageError } from "../../errors.ts";
import {
  applyTransformInto,
  checkViewSize,
  fixedOutputSize,
  pixelNormalization,
  type Transform,
  transformToPixels,
  valueSteps,
} from "../../image/transform.ts";
import type { PictureView } from "../../image/view.ts";
import type { CompiledModel } from "../../model-folder/compile.ts";
import { formKey, type PixelForm, pixelFeed, pixelForm } from "../../model-folder/picture-form.ts";
import type { PixelSize } from "../../models/graph.ts";
import { greyValues } from "../../models/grey.ts";
import type { ModelDefinition } from "../../models/registry.ts";
import type { Session } from "../../runtime/session.ts";
import { type TensorData, tensor } from "../../tensor.ts";
import type { ModelFiles, TrialBatch } from "./engine-sessions.ts";

/** One way to run pictures. It must not hold on to the model, whose weights the engine has by then. */
interface Inlet {
  /** Equal for sizes that share a session. */
  readonly key: string;
  /** undefined where there is only what the model was compiled to. */
  readonly form: PixelForm | undefined;
  feed(views: readonly PictureView[]): TensorData;
}

/** Pictures whose size is their own are photos: the first session is for them. */
const PHOTO: PixelSize = { height: 3000, width: 4000 };

export class PictureSessions {
  /** The session for the usual size, which is there from the start. */
  readonly first: Session;
  readonly #sessions: Map<string, Promise<Session>>;
  readonly #inletFor: (size: PixelSize) => Inlet;
  /** undefined where the first session is all that it takes. */
  readonly #createFor: ((inlet: Inlet) => Promise<Session>) | undefined;
  readonly #transform: Transform;
  /** The input that is told where pictures end. */
  readonly #sizesName: string | undefined;
  #isDisposed = false;

  private constructor(
    first: { readonly key: string; readonly session: Session },
    inletFor: (size: PixelSize) => Inlet,
    createFor: ((inlet: Inlet) => Promise<Session>) | undefined,
    transform: Transform,
    sizesName: string | undefined,
  ) {
    this.first = first.session;
    this.#sessions = new Map([[first.key, Promise.resolve(first.session)]]);
    this.#inletFor = inletFor;
    this.#createFor = createFor;
    this.#transform = transform;
    this.#sizesName = sizesName;
  }

  /**
   * @param definition of a model of this library, undefined for ONNX files
   * @param create makes a session; the first one may be tried with a batch of pictures
   * @param keyOf names what decides the model's bytes in a form, where the host may keep what its engine makes of them
   * @throws SessionError, LimitError when the transform's usual view is too large
   */
  static async open(
    compiled: CompiledModel,
    definition: ModelDefinition | undefined,
    transform: Transform,
    create: (model: ModelFiles, trial?: TrialBatch) => Promise<Session>,
    keyOf?: (form: PixelForm | undefined) => string,
  ): Promise<PictureSessions> {
    const usual = fixedOutputSize(transform);
    if (usual !== undefined) checkViewSize(usual);
    const inletFor = inlets(compiled, definition, transform);
    const inlet = inletFor(usual ?? PHOTO);
    const filesFor = ({ form }: Inlet): ModelFiles => {
      const inStages = compiled.inStages?.(form ?? {});
      if (inStages !== undefined) return inStages;
      const make = () => (form === undefined ? compiled.bytes : compiled.inForm!(form));
      return keyOf === undefined ? make() : { key: keyOf(form), make };
    };
    const createFor = (other: Inlet) => create(filesFor(other));
    const trial = usual === undefined ? undefined : trialBatch(compiled, inlet, usual);
    const first = { key: inlet.key, session: await create(filesFor(inlet), trial) };
    return new PictureSessions(
      first,
      inletFor,
      usual === undefined ? createFor : undefined,
      transform,
      compiled.sizesName,
    );
  }

  /** Runs views of one size as one batch. */
  async run(
    inputName: string,
    views: readonly PictureView[],
    outputs: readonly string[],
    signal?: AbortSignal,
  ): Promise<Record<string, TensorData>> {
    const [view] = views;
    if (view === undefined) throw new UsageError("no pictures were given");
    const inlet = this.#inletFor(view.pixels);
    const session = await this.#sessionFor(inlet);
    const options = { outputs, transferInputs: true, ...(signal === undefined ? {} : { signal }) };
    return session.run({ [inputName]: inlet.feed(views), ...sizesFeed(this.#sizesName, views) }, options);
  }

  /**
   * The error to throw when the model takes one size only and the transform makes others; undefined when they go together, and when that depends
   * on the picture, unless the caller asked for a resolution.
   */
  refusal(model: string, isAsked: boolean): UsageError | undefined {
    const { shape = [], dtype } = this.first.inputs[0] ?? {};
    const [height, width] = dtype === "uint8" ? [shape[1], shape[2]] : [shape[2], shape[3]];
    if (typeof height !== "number" || typeof width !== "number") return undefined;
    const made = fixedOutputSize(this.#transform);
    if (made === undefined ? !isAsked : made.height === height && made.width === width) return undefined;
    const problem = `${model} takes pictures of ${width} x ${height} only`;
    if (isAsked) return new UsageError(problem, "leave the resolution out");
    return new UsageError(
      `${problem}, and its preprocessing makes them ${made!.width} x ${made!.height}`,
      "say how pictures are prepared instead, with --transform (in a program, the option transform)",
    );
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    const made = await Promise.allSettled(this.#sessions.values());
    await Promise.all(made.map((one) => (one.status === "fulfilled" ? one.value.dispose() : undefined)));
  }

  #sessionFor(inlet: Inlet): Promise<Session> {
    const known = this.#sessions.get(inlet.key);
    if (known !== undefined || this.#createFor === undefined) return known ?? Promise.resolve(this.first);
    // Nobody would dispose of it.
    if (this.#isDisposed) return Promise.reject(new SessionError("the model has been disposed"));
    const made = this.#createFor(inlet);
    this.#sessions.set(inlet.key, made);
    made.catch(() => this.#sessions.delete(inlet.key)); // the next picture tries again
    return made;
  }
}

/** Pictures that run together in a trial. */
const TRIAL_PICTURES = 8;

/** Grey pictures of the usual size: what a run takes does not depend on what is to be seen. */
function trialBatch(
  { inputName, embeddingName, sizesName }: CompiledModel,
  inlet: Inlet,
  { width, height }: PixelSize,
): TrialBatch {
  const data = new Uint8Array(3 * width * height).fill(128);
  const view = { pixels: { width, height, data }, width, height, isOwn: false };
  const views = new Array<PictureView>(TRIAL_PICTURES).fill(view);
  const feeds = () => ({ [inputName]: inlet.feed(views), ...sizesFeed(sizesName, views) });
  return { feeds, outputs: [embeddingName], pictures: TRIAL_PICTURES };
}

/** How pictures of a size are run. */
function inlets(
  { takes, channels, precision }: CompiledModel,
  definition: ModelDefinition | undefined,
  transform: Transform,
): (size: PixelSize) => Inlet {
  const normalization = pixelNormalization(transform);
  if (definition === undefined || normalization === undefined) {
    const toValues = (views: readonly PictureView[]) => viewValues(views, transform, channels);
    return () => ({ key: "", form: undefined, feed: takes === "pixels" ? viewPixels : toValues });
  }
  return (size) => {
    const form = pixelForm(definition, size, normalization, precision);
    return { key: formKey(form), form, feed: (views) => pixelFeed(viewPixels(views), form) };
  };
}

/** (views, 2): height and width of what of each view is picture; nothing for a model that is not told. */
function sizesFeed(name: string | undefined, views: readonly PictureView[]): Record<string, TensorData> {
  if (name === undefined) return {};
  const sizes = views.flatMap(({ pixels, extent = pixels }) => [extent.height, extent.width]);
  return { [name]: tensor("float32", [views.length, 2], Float32Array.from(sizes)) };
}

const pixelsOf = ({ pixels }: PictureView) => pixels;

/** (views, height, width, 3): views of one size as bytes. A single large picture is not copied again. */
export function viewPixels(views: readonly PictureView[]): TensorData<"uint8"> {
  const [view] = views;
  if (views.length !== 1 || view?.isOwn !== true) return transformToPixels(views.map(pixelsOf), []);
  const { width, height, data } = view.pixels;
  return tensor("uint8", [1, height, width, 3], data);
}

/** (views, channels, height, width): views of one size, normalised as their transform ends; in grey where there is one channel. */
export function viewValues(
  views: readonly PictureView[],
  transform: Transform,
  channels: 1 | 3 = 3,
): TensorData<"float32"> {
  const [first] = views;
  if (first === undefined) throw new UsageError("no pictures were given");
  const last = valueSteps(transform);
  const { width, height } = first.pixels;
  const batch = tensor(
    "float32",
    [views.length, 3, height, width],
    new Float32Array(views.length * 3 * height * width),
  );
  views.forEach(({ pixels }, i) => {
    applyTransformInto(pixels, last, batch, i);
  });
  return channels === 1 ? greyValues(batch) : batch;
}

/** Pixels that go into one run: a large picture goes alone, because together they would only take more memory. */
const PIXELS_PER_RUN = 2 ** 22;

/** Whether a view, or several like it, may run together with these: it has their size, and together they are not too large. */
export function joinsViews(batch: readonly PictureView[], { pixels: next }: PictureView, count = 1): boolean {
  const [first] = batch;
  if (first === undefined) return true;
  const { width, height } = first.pixels;
  const isOfSize = width === next.width && height === next.height;
  return isOfSize && (batch.length + count) * width * height <= PIXELS_PER_RUN;
}

/** Groups of at most `limit` views, in order, that may run together. */
export function batchesOf(views: readonly PictureView[], limit: number): PictureView[][] {
  const groups: PictureView[][] = [];
  for (const view of views) {
    const group = groups.at(-1);
    if (group !== undefined && group.length < limit && joinsViews(group, view)) group.push(view);
    else groups.push([view]);
  }
  return groups;
}
