// A model that ONNX Runtime has loaded, whichever build of it: runs by name, what is carried from run to run, readable failures. Everything here
// runs in a session's worker. Types alone are imported of the engine: which build executes is the platform's to say.
import type * as Ort from "onnxruntime-web";
import { SessionError } from "../../errors.ts";
import type { ActualDevice, ValueInfo } from "../../runtime/session.ts";
import { BYTES_PER_ELEMENT, type DType, isShared, type TypedArray } from "../../tensor.ts";
import { readableEngineError } from "./engine-errors.ts";
import { HeldState, type StateNames } from "./held-state.ts";
import type { Loaded, NamedTensor, Signature } from "./protocol.ts";

export type OrtModule = typeof Ort;

/** Wraps everything that executes an engine's code. */
export type Guard = <T>(work: () => Promise<T>) => Promise<T>;

/** A loaded model inside the worker. */
export interface LoadedEngine extends Loaded {
  /** `outputs` besides the state, which is computed at every run. */
  run(feeds: readonly NamedTensor[], outputs: readonly string[]): Promise<NamedTensor[]>;
  /** Loads a model that reads the state, and says what it takes and gives. */
  openReader(model: Uint8Array): Promise<Signature>;
  /** Runs that model. What is fed of the state is kept; nothing else changes. */
  read(feeds: readonly NamedTensor[], outputs: readonly string[]): Promise<NamedTensor[]>;
  /** The state tensors that are set, of those named. */
  state(names: readonly string[]): Promise<NamedTensor[]>;
  release(): Promise<void>;
}

interface Around {
  readonly guard: Guard;
  /** Opens another model where the session is. */
  readonly open: (model: Uint8Array) => Promise<Ort.InferenceSession>;
  readonly state: StateNames;
  /** Of every run. */
  readonly runOptions?: Ort.InferenceSession.RunOptions;
}

/** What a session of ONNX Runtime is to everything above. */
export function loadedEngine(
  ort: OrtModule,
  session: Ort.InferenceSession,
  identity: Pick<Loaded, "device" | "engine" | "threads">,
  { guard, open, state, runOptions = {} }: Around,
): LoadedEngine {
  const held = new HeldState(state, async (model, feeds) => {
    const copier = await open(model);
    try {
      return await guard(() => copier.run(feeds));
    } finally {
      await guard(() => copier.release());
    }
  });
  let reader: Ort.InferenceSession | undefined;
  /** Everything that a run reads. In the guard: state that is fed anew takes the place of memory of the device, which is let go. */
  const fed = (feeds: readonly NamedTensor[]) => {
    for (const feed of feeds) if (held.has(feed.name)) held.set(feed.name, toEngine(ort, feed));
    const others = feeds.filter((feed) => !held.has(feed.name));
    return { ...held.tensors, ...Object.fromEntries(others.map((feed) => [feed.name, toEngine(ort, feed)])) };
  };
  const guarded = (run: () => Promise<Ort.InferenceSession.OnnxValueMapType>) =>
    guard(run).catch((error: unknown) => {
      throw new SessionError(`the run failed: ${readableEngineError(error)}`, {
        data: { device: identity.device },
        cause: error,
      });
    });
  return {
    ...identity,
    ...signature(session),
    run: async (feeds, outputs) => {
      const fetched = [...new Set([...outputs, ...held.outputs])];
      const results = await guarded(async () => {
        const values = await session.run(fed(feeds), fetched, runOptions);
        held.take(values);
        return values;
      });
      return outputs.map((name) => fromEngine(name, results[name]!));
    },
    openReader: async (model) => {
      if (reader !== undefined) throw new SessionError("another model reads this session's state already");
      reader = await open(model).catch((error: unknown) => refuseModel(identity.device, error));
      return signature(reader);
    },
    read: async (feeds, outputs) => {
      const reading = reader;
      if (reading === undefined) throw new SessionError("no model reads this session's state");
      const results = await guarded(() => {
        const all: Record<string, Ort.Tensor> = fed(feeds);
        const own = reading.inputNames.filter((name) => Object.hasOwn(all, name)).map((name) => [name, all[name]!]);
        return reading.run(Object.fromEntries(own), [...outputs], runOptions);
      });
      return outputs.map((name) => fromEngine(name, results[name]!));
    },
    state: async (names) => {
      const values = await held.read(names);
      return [...values].map(([name, value]) => fromEngine(name, value));
    },
    release: async () => {
      await guard(async () => {
        held.release();
        await reader?.release();
        await session.release();
      });
    },
  };
}

function signature(session: Ort.InferenceSession): Signature {
  return { inputs: session.inputMetadata.map(valueInfo), outputs: session.outputMetadata.map(valueInfo) };
}

/** @throws SessionError that says which device refused the model, and why */
export function refuseModel(device: ActualDevice, error: unknown, hint?: string): never {
  throw new SessionError(`ONNX Runtime cannot load the model on ${device}: ${readableEngineError(error)}`, {
    ...(hint === undefined ? {} : { hint }),
    data: { device },
    cause: error,
  });
}

function toEngine(ort: OrtModule, { dtype, shape, data }: NamedTensor): Ort.Tensor {
  const owned = isShared(data.buffer) ? data.slice() : data; // the native build refuses shared memory
  // The constructor is overloaded by dtype; dtype and array class were checked together before they came here.
  return new ort.Tensor(dtype as "float32", owned as Float32Array, shape);
}

function fromEngine(name: string, value: Ort.Tensor): NamedTensor {
  const data = value.data as TypedArray;
  const raw =
    value.type === "float16" && !(data instanceof Uint16Array)
      ? new Uint16Array((data as TypedArray).buffer, (data as TypedArray).byteOffset, value.size) // where there is a Float16Array
      : data;
  return { name, dtype: value.type as DType, shape: value.dims, data: raw };
}

function valueInfo(value: Ort.InferenceSession.ValueMetadata): ValueInfo {
  if (!value.isTensor || !Object.hasOwn(BYTES_PER_ELEMENT, value.type))
    throw new SessionError(
      `the model's value "${value.name}" is ${value.isTensor ? `of type ${value.type}` : "not a tensor"}, which is not supported`,
      { hint: "numbers and booleans go in and out; text and sequences do not" },
    );
  // A free dimension without a name is "" in the native build.
  const shape = value.shape.map((size) => (size === "" ? "?" : size));
  return { name: value.name, dtype: value.type as DType, shape };
}
