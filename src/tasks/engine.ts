// A compiled model with a session: pictures go in, raw outputs come out. Classifier and Embedder share it.
import { SessionError, UsageError } from "../errors.ts";
import type { RawImage } from "../image/raw-image.ts";
import { applyTransformInto, parseTransform, type Transform, transformOutputSize } from "../image/transform.ts";
import { type CompiledModel, compileModel } from "../model-folder/compile.ts";
import { type LoadOptions, loadModel } from "../model-folder/load.ts";
import type { LoadedModel } from "../model-folder/model.ts";
import type { Precision } from "../onnx/lower.ts";
import type { Host } from "../platform/host.ts";
import type { Session, SessionOptions } from "../runtime/session.ts";
import { type TensorData, tensor } from "../tensor.ts";

export interface EngineOptions extends SessionOptions, LoadOptions {
  /** Preprocessing in the transform language. Default: the model's own. */
  readonly transform?: string;
  /** Class names. Default: the model's own. */
  readonly labels?: readonly string[];
  /**
   * "int8" computes linear layers in eight bits: about twice as fast on processors with instructions for it, and not quite the same numbers.
   * Default "float32".
   */
  readonly precision?: Precision;
}

/** What `loadModel` takes, or what it gives. */
export type ModelSource = string | Uint8Array | LoadedModel;

/** Loads what is not loaded yet. */
export async function loadedModel(host: Host, source: ModelSource, options: LoadOptions): Promise<LoadedModel> {
  return typeof source === "string" || source instanceof Uint8Array ? loadModel(host, source, options) : source;
}

/** The pictures of one call, and where its outputs go. */
export class Engine {
  private constructor(
    readonly model: CompiledModel,
    readonly session: Session,
    readonly transform: Transform,
    readonly labels: readonly string[] | undefined,
  ) {}

  static async open(host: Host, source: ModelSource, options: EngineOptions): Promise<Engine> {
    // What a foreign file leaves open does not matter where the caller says it.
    const { onNotice, precision } = options;
    const model = compileModel(await loadedModel(host, source, options), {
      ...(precision === undefined ? {} : { precision }),
      ...(options.transform !== undefined || onNotice === undefined ? {} : { onNotice }),
    });
    const transform = parseTransform(options.transform ?? model.card.transform ?? model.usualTransform);
    const session = await host.createSession(model.bytes, options);
    return new Engine(model, session, transform, options.labels ?? model.card.labels);
  }

  /** Runs pictures whose transformed sizes agree as one batch. Outputs keep their leading batch dimension. */
  async run(
    pictures: readonly RawImage[],
    outputs: readonly string[],
    signal?: AbortSignal,
  ): Promise<Record<string, TensorData>> {
    const batch = pictureBatch(this.transform, pictures);
    return this.session.run(
      { [this.model.inputName]: batch },
      { outputs, transferInputs: true, ...(signal === undefined ? {} : { signal }) },
    );
  }

  /** Groups of at most `limit` pictures, in order, that have one size after the transform. */
  batches(pictures: readonly RawImage[], limit: number): RawImage[][] {
    return batchesOf(this.transform, pictures, limit);
  }

  dispose(): Promise<void> {
    return this.session.dispose();
  }
}

/** (pictures, 3, height, width): pictures whose transformed sizes agree, transformed. */
export function pictureBatch(transform: Transform, pictures: readonly RawImage[]): TensorData<"float32"> {
  const first = pictures[0];
  if (first === undefined) throw new UsageError("no pictures were given");
  const { width, height } = transformOutputSize(transform, first.width, first.height);
  const batch = tensor(
    "float32",
    [pictures.length, 3, height, width],
    new Float32Array(pictures.length * 3 * height * width),
  );
  pictures.forEach((picture, i) => {
    applyTransformInto(picture, transform, batch, i);
  });
  return batch;
}

/** Groups of at most `limit` pictures, in order, that have one size after the transform. */
export function batchesOf(transform: Transform, pictures: readonly RawImage[], limit: number): RawImage[][] {
  const groups: RawImage[][] = [];
  let last = "";
  for (const picture of pictures) {
    const { width, height } = transformOutputSize(transform, picture.width, picture.height);
    const size = `${width}x${height}`;
    const group = groups.at(-1);
    if (group !== undefined && size === last && group.length < limit) group.push(picture);
    else groups.push([picture]);
    last = size;
  }
  return groups;
}

/** An output that must be there. */
export function requireOutput(outputs: Readonly<Record<string, TensorData>>, name: string): TensorData {
  const value = outputs[name];
  if (value === undefined) throw new SessionError(`the model gave no output "${name}"`);
  return value;
}
